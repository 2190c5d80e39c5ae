"""Checkpoints as whoever answers for them looks at them: what stands there, and the last scan."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from core.paging import Page
from core.people import Caller, scoped
from core.places import Asset, Space
from rules.wording import worded
from workflows.patrol.checkpoints import READ, ROWS, narrowed
from workflows.patrol.model import ACCEPTED, CheckpointToken, Scan
from workflows.patrol.proof import KINDS
from workflows.patrol.reading import scans_by_id

# In use; with nothing to be scanned; not scanned for long; out of use.
VIEWS = ("active", "bare", "quiet", "retired")


@dataclass(frozen=True, slots=True)
class Standing:
    """A checkpoint. row: as `list_checkpoints` shows it; space: the name of its space, or none.

    kinds: how many tokens of each kind can be scanned there, what proves most first.
    last: the last accepted scan, as `list_scans` shows it; none when there was none.
    """

    row: Mapping[str, Any]
    space: Mapping[str, str] | None
    kinds: Mapping[str, int]
    last: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Survey:
    """Which checkpoints of a site are wanted.

    view: one of VIEWS. quiet_for: from when on one counts as not scanned for long.
    text: part of the code or a name.
    """

    site_id: UUID
    view: str = "active"
    quiet_for: timedelta = timedelta(days=1)
    text: str = ""


def survey(
    session: Session,
    caller: Caller,
    wanted: Survey,
    *,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Standing]:
    """Checkpoints of a site by their code. Key: code. Invalid for an unknown view."""
    if wanted.view not in VIEWS:
        raise Invalid(
            worded("there is no such list"),
            problems=[worded("view: one of %(known)s", known=", ".join(VIEWS))],
        )
    statement = scoped(ROWS, Asset.site_id, caller, READ).where(Asset.site_id == wanted.site_id)
    state = "retired" if wanted.view == "retired" else "active"
    statement = narrowed(statement, state, wanted.text or None)
    statement = statement.where(*_of_view(wanted, now))
    statement = statement.outerjoin(Space, Space.id == Asset.space_id)
    statement = statement.add_columns(Space.name.label("space_name"), _last().label("last_id"))
    if after is not None:
        statement = statement.where(Asset.code > after)
    found = session.execute(statement.order_by(Asset.code).limit(limit + 1)).mappings()
    rows = [dict(row) for row in found]
    shown = rows[:limit]
    return Page(_standing(session, caller, shown), (shown[-1]["code"],) if rows[limit:] else None)


def tally(
    session: Session, caller: Caller, site_id: UUID, *, now: datetime, quiet_for: timedelta
) -> Mapping[str, int]:
    """How many checkpoints of a site each view holds."""
    found = {}
    for view in VIEWS:
        wanted = Survey(site_id, view, quiet_for)
        statement = scoped(ROWS, Asset.site_id, caller, READ).where(Asset.site_id == site_id)
        statement = narrowed(statement, "retired" if view == "retired" else "active", None)
        inner: Select[Any] = statement.where(*_of_view(wanted, now)).with_only_columns(Asset.id)
        found[view] = session.scalar(select(func.count()).select_from(inner.subquery())) or 0
    return found


def _of_view(wanted: Survey, now: datetime) -> Sequence[ColumnElement[bool]]:
    if wanted.view == "bare":
        stands = exists().where(
            CheckpointToken.checkpoint_id == Asset.id, CheckpointToken.state == "active"
        )
        return (~stands,)
    if wanted.view == "quiet":
        scanned = exists().where(
            Scan.checkpoint_id == Asset.id,
            Scan.verdict == ACCEPTED,
            Scan.occurred_at > now - wanted.quiet_for,
        )
        return (~scanned,)
    return ()


def _last() -> Any:
    """The id of the last accepted scan of each row, by the index of its checkpoint."""
    return (
        select(Scan.id)
        .where(Scan.checkpoint_id == Asset.id, Scan.verdict == ACCEPTED)
        .order_by(Scan.occurred_at.desc(), Scan.id.desc())
        .limit(1)
        .correlate(Asset)
        .scalar_subquery()
    )


def _standing(
    session: Session, caller: Caller, rows: Sequence[Mapping[str, Any]]
) -> list[Standing]:
    kinds = _kinds(session, [row["id"] for row in rows])
    last = scans_by_id(session, caller, [row["last_id"] for row in rows if row["last_id"]])
    return [
        Standing(
            {name: value for name, value in row.items() if name not in ("space_name", "last_id")},
            row["space_name"],
            _strongest_first(kinds[row["id"]]),
            last.get(row["last_id"]),
        )
        for row in rows
    ]


def _kinds(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Counter[str]]:
    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    statement = (
        select(CheckpointToken.checkpoint_id, CheckpointToken.kind, func.count())
        .where(CheckpointToken.checkpoint_id.in_(ids), CheckpointToken.state == "active")
        .group_by(CheckpointToken.checkpoint_id, CheckpointToken.kind)
    )
    for checkpoint_id, kind, count in session.execute(statement):
        found[checkpoint_id][kind] = count
    return found


def _strongest_first(counted: Mapping[str, int]) -> Mapping[str, int]:
    # KINDS stand in that order.
    return {kind: counted[kind] for kind in KINDS if kind in counted}
