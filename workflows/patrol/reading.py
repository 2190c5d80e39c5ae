"""Reading scans: lists that name people only for who may see them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, READ
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.proof import REASONS

REFUSED, ALL = "refused", "all"
_ROWS = (
    rows_of(
        Scan.id,
        Scan.site_id,
        Scan.checkpoint_id,
        Asset.code.label("checkpoint_code"),
        Asset.name.label("checkpoint_name"),
        Scan.token_id,
        Scan.person_id,
        Person.name.label("person_name"),
        Scan.device_id,
        Scan.occurred_at,
        Scan.received_at,
        Scan.channel,
        Scan.kind,
        Scan.grade,
        Scan.verdict,
        Scan.evidence,
        Scan.coarse_at,
    )
    .outerjoin(Asset, Asset.id == Scan.checkpoint_id)
    .outerjoin(Person, Person.id == Scan.person_id)
)
KEY = (datetime, UUID)


@dataclass(frozen=True, slots=True)
class ScanFilter:
    """What is wanted; None does not restrict.

    verdict: accepted, refused (whatever the reason), one reason, or all. since: from then on;
    until: before then; by the scanner's clock.
    """

    site_id: UUID | None = None
    checkpoint_id: UUID | None = None
    person_id: UUID | None = None
    verdict: str = ACCEPTED
    since: datetime | None = None
    until: datetime | None = None


def list_scans(
    session: Session, caller: Caller, wanted: ScanFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Scans of the sites where the caller sees checkpoints, the last first. Key: occurred_at, id.

    Whose they are is told of one's own and where the caller may see who scanned; elsewhere person
    and evidence stay empty, and asking for another person finds nothing. Refused ones are listed
    by the same rule: others see their own. Invalid for an unknown verdict.
    """
    statement = scoped(_ROWS, Scan.site_id, caller, READ)
    statement = _of_verdict(_where(statement, wanted), caller, wanted.verdict)
    if wanted.person_id is not None:
        statement = statement.where(Scan.person_id == wanted.person_id, _told(caller))
    return newest_first(
        session, statement, (Scan.occurred_at, Scan.id), wish, lambda row: _shown(row, caller)
    )


def _where(statement: Select[Any], wanted: ScanFilter) -> Select[Any]:
    exact = {Scan.site_id: wanted.site_id, Scan.checkpoint_id: wanted.checkpoint_id}
    for column, value in exact.items():
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(Scan.occurred_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Scan.occurred_at < wanted.until)
    return statement


def _of_verdict(statement: Select[Any], caller: Caller, verdict: str) -> Select[Any]:
    if verdict not in (*REASONS, REFUSED, ALL):
        raise Invalid(
            worded("there is no such verdict"),
            problems=[
                worded(
                    "verdict: %(all)s, %(refused)s, or one of %(known)s",
                    all=ALL,
                    refused=REFUSED,
                    known=", ".join(REASONS),
                )
            ],
        )
    if verdict == ACCEPTED:
        return statement.where(Scan.verdict == ACCEPTED)
    # What was refused is about somebody, also where they are not named.
    if verdict == ALL:
        return statement.where(or_(Scan.verdict == ACCEPTED, _told(caller)))
    refused = Scan.verdict != ACCEPTED if verdict == REFUSED else Scan.verdict == verdict
    return statement.where(refused, _told(caller))


def _told(caller: Caller) -> Any:
    """The scans of which the caller may know whose they are."""
    return or_(Scan.person_id == caller.person_id, Scan.site_id.in_(caller.sites_for(PEOPLE)))


def _shown(row: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    own = row["person_id"] == caller.person_id
    if own or row["site_id"] in caller.sites_for(PEOPLE):
        return dict(row)
    return {**row, "person_id": None, "person_name": None, "device_id": None, "evidence": {}}


def scans_by_id(
    session: Session, caller: Caller, ids: Collection[UUID]
) -> Mapping[UUID, dict[str, Any]]:
    """Accepted scans as the list shows them, those of `ids` that the caller may read."""
    statement = scoped(_ROWS.where(Scan.id.in_(ids)), Scan.site_id, caller, READ)
    rows = session.execute(statement.where(Scan.verdict == ACCEPTED)).mappings()
    return {row["id"]: _shown(dict(row), caller) for row in rows}


def describe_unkept(scan: Scan) -> dict[str, Any]:
    """What must not be kept, in the shape of the list: its verdict, and neither who nor where."""
    told = ("id", "site_id", "occurred_at", "received_at", "channel", "kind", "grade", "verdict")
    names = (column.name for column in _ROWS.selected_columns)
    empty: dict[str, Any] = {**dict.fromkeys(names), "evidence": {}}
    return empty | {name: getattr(scan, name) for name in told}


def names_of(session: Session, people: Collection[UUID]) -> dict[UUID, str]:
    """What people are called, for a caller who may see who scanned."""
    statement = select(Person.id, Person.name).where(Person.id.in_(people))
    return {person: name for person, name in session.execute(statement)}


def describe_scan(session: Session, caller: Caller, scan_id: UUID) -> dict[str, Any]:
    """One scan as the list shows it. NotFound when the caller may not read it."""
    statement = scoped(_ROWS.where(Scan.id == scan_id), Scan.site_id, caller, READ)
    statement = statement.where(or_(Scan.verdict == ACCEPTED, _told(caller)))
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such scan"), advice=worded("Look for it in the list of scans.")
        )
    return _shown(dict(row), caller)
