"""What other assets said to a rule that asked them, as the page of why shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rules.catalog import PointType, Text, shipped_catalog
from web.languages import mark
from web.naming import point_name
from web.reader import Reader
from web.reasons import question_told
from workflows.laboratory.why import Asked, Member, Seen

# Of each answer so many are listed; a question may go to thousands.
_MOST = 50
# What is older is told with its day as well, since its age is only told roughly.
_OLD = timedelta(hours=1)
_TITLES = ((True, mark("Says yes")), (False, mark("Says no")), (None, mark("No say yet")))


@dataclass(frozen=True, slots=True)
class PointShown:
    """A reading that a member was asked about. age: at the moment that is explained."""

    name: str
    value: str
    at: datetime | None
    age: str
    old: bool


def asked_shown(asked: Asked, moment: datetime, reader: Reader) -> dict[str, Any]:
    """A question with its members by what they say, those without a say apart and last."""
    members = [_member(one, asked.asset_type, moment, reader) for one in asked.members]
    members.sort(key=lambda one: one["name"])
    groups = [
        (says, reader.translate(title), [one for one in members if one["says"] is says])
        for says, title in _TITLES
    ]
    return {
        "question": question_told(reader, asked.question),
        "total": len(members),
        "groups": groups,
        "most": _MOST,
    }


def _member(one: Member, asset_type: str, moment: datetime, reader: Reader) -> dict[str, Any]:
    return {
        "asset": one.asset,
        "name": reader.text(one.asset.get("name")) or one.code,
        "says": one.says,
        "points": [_point(seen, asset_type, moment, reader) for seen in one.points],
    }


def _point(seen: Seen, asset_type: str, moment: datetime, reader: Reader) -> PointShown:
    known = shipped_catalog().get(asset_type)
    point = known.points.get(seen.point) if known else None
    name = point_name(known, seen.point, {}, reader)
    value = reader.value(point or PointType(seen.point, Text()), seen.value)
    age = moment - seen.at if seen.at else timedelta()
    return PointShown(name, value, seen.at, reader.span(age.total_seconds()), age > _OLD)
