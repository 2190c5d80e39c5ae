"""Where a rule watches nothing, and for want of what, in the reader's language."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.db import Session
from core.people import Caller
from core.rulebook_members import Unwatched, Watched, watched
from rules.catalog import shipped_catalog
from rules.rule import Rule
from web.languages import mark
from web.naming import point_name
from web.reader import Reader
from web.reasons import question_told

# So many assets are named for each cause; of the others the number is told.
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Cause:
    """What is lacking, in words, and at which assets: the first of them, and how many in all."""

    text: str
    assets: tuple[Unwatched, ...]
    count: int


def watched_shown(
    session: Session,
    reader: Reader,
    caller: Caller,
    rule: Rule | None,
    node_id: UUID,
    nearer: Collection[str] = (),
) -> dict[str, Any]:
    """Where the rule, held on a node, would watch nothing, as far as the caller sees assets.

    nearer: paths of places below it on which another version of it is kept.
    """
    if rule is None:
        found = Watched((), 0)
    else:
        found = watched(session, rule, node_id, caller.sites_for("places.read"), nearer)
    by_cause: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Unwatched]] = defaultdict(list)
    for each in found.nothing:
        by_cause[each.lacks, each.questions].append(each)
    causes = [
        Cause(_told(reader, rule, *lacking), tuple(assets[:_NAMED]), len(assets))
        for lacking, assets in by_cause.items()
        if rule is not None
    ]
    return {"unwatched": causes, "nothing_at": len(found.nothing), "concerned": found.assets}


def _told(reader: Reader, rule: Rule, lacks: Collection[str], questions: Collection[str]) -> str:
    known = shipped_catalog().get(rule.asset_type)
    kinds = {point.code: point.kind for point in rule.when.points}
    said = []
    for code in lacks:
        event = kinds[code] == "event"
        text = mark("no event “%(point)s”") if event else mark("no reading “%(point)s”")
        said.append(reader.translate(text, point=point_name(known, code, {}, reader)))
    for question in questions:
        text = mark("nobody to ask – %(question)s")
        said.append(reader.translate(text, question=question_told(reader, question)))
    return reader.translate(mark("; ")).join(said)
