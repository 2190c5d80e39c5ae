"""Reading marks: for whom they are about, and for who may see who scanned."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.personal import keys_of, unseal
from core.places import Asset
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, READ
from workflows.patrol.honesty.answering import seen_by
from workflows.patrol.honesty.model import KINDS, MARK, UNDECIDED, PatrolMark
from workflows.patrol.model import Scan
from workflows.patrol.rounds.model import Round, RoundPoint, Route

KEY = (datetime, UUID)
STATES = MARK.statuses
_Decider = aliased(Person)
_ROWS = (
    rows_of(
        PatrolMark.id,
        PatrolMark.site_id,
        PatrolMark.round_id,
        Route.code.label("route_code"),
        Route.name.label("route_name"),
        Round.planned_at,
        PatrolMark.person_id,
        Person.name.label("person_name"),
        PatrolMark.kind,
        PatrolMark.state,
        PatrolMark.version,
        PatrolMark.scans,
        PatrolMark.evidence,
        PatrolMark.made_at,
        PatrolMark.answer,
        PatrolMark.answered_at,
        PatrolMark.decided_by,
        _Decider.name.label("decider_name"),
        PatrolMark.decided_at,
        PatrolMark.reason,
    )
    .join(Round, Round.id == PatrolMark.round_id)
    .join(Route, Route.id == Round.route_id)
    .outerjoin(Person, Person.id == PatrolMark.person_id)
    .outerjoin(_Decider, _Decider.id == PatrolMark.decided_by)
)


@dataclass(frozen=True, slots=True)
class MarkFilter:
    """Which marks are wanted; None does not restrict.

    state: one of STATES, or `undecided`. since, until: made from then on, before then.
    """

    site_id: UUID | None = None
    round_id: UUID | None = None
    person_id: UUID | None = None
    kind: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_marks(
    session: Session, caller: Caller, wanted: MarkFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Marks of the caller's own and of where they may see who scanned, the last first.

    Key: made_at, id. Invalid for an unknown kind or state.
    """
    statement = scoped(_ROWS, PatrolMark.site_id, caller, READ).where(seen_by(caller))
    exact = {
        PatrolMark.site_id: wanted.site_id,
        PatrolMark.round_id: wanted.round_id,
        PatrolMark.person_id: wanted.person_id,
        PatrolMark.kind: _one_of("kind", wanted.kind, KINDS),
    }
    for column, value in exact.items():
        if value is not None:
            statement = statement.where(column == value)
    if _one_of("state", wanted.state, (*STATES, "undecided")) is not None:
        states = UNDECIDED if wanted.state == "undecided" else (wanted.state,)
        statement = statement.where(PatrolMark.state.in_(states))
    if wanted.since is not None:
        statement = statement.where(PatrolMark.made_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(PatrolMark.made_at < wanted.until)
    page = newest_first(session, statement, (PatrolMark.made_at, PatrolMark.id), wish)
    return Page(_read(session, caller, page.items), page.next)


def describe_mark(session: Session, caller: Caller, mark_id: UUID) -> dict[str, Any]:
    """One mark as the list shows it, with `shown`: the scans of its round and those it names.

    Of each scan its times and checkpoint; `asked`: whether the mark is about it; `others`: whether
    somebody else made it, and who, for who may see who scanned. NotFound for who may not see it.
    """
    statement = _ROWS.where(PatrolMark.id == mark_id, seen_by(caller))
    found = session.execute(scoped(statement, PatrolMark.site_id, caller, READ)).mappings().first()
    if found is None:
        raise NotFound(
            worded("there is no such mark"), advice=worded("Look for it in the list of marks.")
        )
    row = _read(session, caller, [dict(found)])[0]
    named = row["site_id"] in caller.sites_for(PEOPLE)
    return {**row, "shown": _shown(session, row, named=named)}


def _one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise Invalid(
            worded("there is no such list"),
            problems=[worded("%(name)s: one of %(known)s", name=name, known=", ".join(known))],
        )
    return value


def _read(
    session: Session, caller: Caller, rows: Collection[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """With their words, unless whom they are about was erased. Others are named to who may know."""
    named = caller.sites_for(PEOPLE)
    people = {row["person_id"] or row["decided_by"] for row in rows} - {None}
    keys = keys_of(session, people)
    found = []
    for row in rows:
        key = keys.get(row["person_id"] or row["decided_by"])
        words = {
            name: None if row[name] is None else unseal(key, row[name])
            for name in ("answer", "reason")
        }
        evidence = row["evidence"]
        if row["site_id"] not in named:
            evidence = [
                {name: value for name, value in one.items() if name != "people"} for one in evidence
            ]
        found.append({**row, **words, "evidence": evidence})
    return found


def _shown(session: Session, row: Mapping[str, Any], *, named: bool) -> list[dict[str, Any]]:
    asked = {UUID(one) for one in row["scans"]}
    of_round = select(RoundPoint.scan_id).where(RoundPoint.round_id == row["round_id"])
    statement = (
        rows_of(
            Scan.id,
            Scan.checkpoint_id,
            Asset.code,
            Asset.name,
            Scan.person_id,
            Person.name.label("person_name"),
            Scan.occurred_at,
            Scan.received_at,
            Scan.channel,
            Scan.kind,
            Scan.verdict,
        )
        .join(Asset, Asset.id == Scan.checkpoint_id)
        .outerjoin(Person, Person.id == Scan.person_id)
        .where(Scan.id.in_(of_round) | Scan.id.in_(asked))
        .order_by(Scan.occurred_at, Scan.id)
    )
    shown = []
    for found in session.execute(statement).mappings():
        others = found["person_id"] != row["person_id"]
        hidden = {"person_id": None, "person_name": None} if others and not named else {}
        shown.append({**found, **hidden, "asked": found["id"] in asked, "others": others})
    return shown
