"""Calls for help as they are shown: to their sender's phone, and to whoever answers them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from core.contacts import contacts_of
from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from core.places import Asset, Node, Space
from core.rosters import posts
from rules.wording import worded
from workflows.patrol.rounds.model import PatrolContact
from workflows.patrol.sos.positions import looks_at
from workflows.patrol.sos.raising import last_scan
from workflows.tickets import Ticket
from workflows.tickets.sos import STANDING, UNANSWERED, Sos
from workflows.tickets.sos_answering import ANSWER, ANSWER_SILENT

SHOWN_AT_MOST = 50
# A phone sounds aloud when nobody has answered within so long, and asks again so often.
ALOUD_AFTER = timedelta(seconds=5)
ASK_AGAIN = timedelta(seconds=2)
KEY = (datetime, UUID)

_SEEN, _ACKNOWLEDGED, _COMING, _ENDED, _SENDER = (aliased(Person) for _ in range(5))
_PLACE, _ON_WALL = aliased(Asset), aliased(Asset)
_ROWS = (
    rows_of(
        Sos.id,
        Sos.site_id,
        Node.name.label("site_name"),
        Node.time_zone,
        Ticket.number.label("ticket_number"),
        Sos.state,
        Sos.version,
        Sos.kind,
        Sos.origin,
        Sos.practice,
        Sos.person_id,
        _SENDER.name.label("person_name"),
        Sos.phone,
        Sos.presses,
        Sos.opened_at,
        Sos.pressed_at,
        Sos.last_press_at,
        Sos.rung,
        Sos.due_at,
        Sos.seen_at,
        _SEEN.name.label("seen_by"),
        Sos.acknowledged_at,
        _ACKNOWLEDGED.name.label("acknowledged_by"),
        Sos.coming_at,
        _COMING.name.label("coming_by"),
        Sos.cancelled_at,
        Sos.cancel_proof,
        Sos.ended_at,
        _ENDED.name.label("ended_by"),
        Sos.outcome,
        Ticket.asset_id,
        _ON_WALL.name.label("asset_name"),
        Space.name.label("space_name"),
    )
    .select_from(Sos)
    .join(Node, Node.id == Sos.site_id)
    .outerjoin(Ticket, Ticket.id == Sos.ticket_id)
    .outerjoin(_SENDER, _SENDER.id == Sos.person_id)
    .outerjoin(_SEEN, _SEEN.id == Sos.seen_by)
    .outerjoin(_ACKNOWLEDGED, _ACKNOWLEDGED.id == Sos.acknowledged_by)
    .outerjoin(_COMING, _COMING.id == Sos.coming_by)
    .outerjoin(_ENDED, _ENDED.id == Sos.ended_by)
    .outerjoin(_ON_WALL, _ON_WALL.id == Ticket.asset_id)
    .outerjoin(Space, Space.id == Ticket.space_id)
)


def show_sender(session: Session, caller: Caller, row: Sos) -> dict[str, Any]:
    """What the phone of whoever called may know: how far its answer came, and by whom.

    Of a silent call nothing but that it was received, however far it came: the phone may lie in
    the wrong hands. show, aloud: whether it may be shown, or sounded, there at all.
    """
    silent = row.silent
    state = "received" if silent else row.state
    numbers = [] if silent else posts(session, row.site_id)
    names = {} if silent else _names(session, row.acknowledged_by, row.coming_by)
    return {
        "id": row.id,
        "state": state,
        "practice": row.practice,
        "received_at": row.opened_at,
        "presses": 1 if silent else row.presses,
        "show": not silent,
        "aloud": not silent and state in UNANSWERED,
        "aloud_after_s": None if silent else ALOUD_AFTER.total_seconds(),
        "ask_again_s": ASK_AGAIN.total_seconds(),
        "over": not silent and state == "over",
        "seen_at": None if silent else row.seen_at,
        "acknowledged_at": None if silent else row.acknowledged_at,
        "coming_at": None if silent else row.coming_at,
        "acknowledged_by": names.get(row.acknowledged_by),
        "coming_by": names.get(row.coming_by),
        "call": numbers[0] if numbers else None,
        # Once it is over, whoever it was about sees who looked at where they were.
        "looks": looks_at(session, row.id) if row.state == "over" and not silent else [],
        "person_id": caller.person_id,
    }


def _names(session: Session, *people: UUID | None) -> dict[UUID | None, str]:
    statement = select(Person.id, Person.name).where(Person.id.in_({*people} - {None}))
    return {person_id: name for person_id, name in session.execute(statement)}


def answerable(caller: Caller) -> ColumnElement[bool]:
    """Which calls are somebody's to answer, in SQL; says the same as `may_answer`."""
    heard = or_(
        and_(Sos.kind == "open", Sos.site_id.in_(caller.sites_for(ANSWER))),
        Sos.site_id.in_(caller.sites_for(ANSWER_SILENT)),
    )
    return and_(heard, or_(Sos.person_id.is_(None), Sos.person_id != caller.person_id))


def standing_calls(session: Session, caller: Caller) -> list[dict[str, Any]]:
    """The calls that stand and are the caller's to answer: those nobody answered first.

    Each with where its sender was last known to be, and how to reach them.
    """
    statement = (
        _ROWS.where(answerable(caller), Sos.state != "over", Sos.state.in_(STANDING))
        .order_by(Sos.practice, Sos.acknowledged_at.is_not(None), Sos.opened_at)
        .limit(SHOWN_AT_MOST)
    )
    return [_whole(session, dict(row)) for row in session.execute(statement).mappings()]


def describe_call(session: Session, caller: Caller, sos_id: UUID) -> dict[str, Any]:
    """One call as who answers it sees it. NotFound where it is not theirs to answer."""
    row = session.execute(_ROWS.where(Sos.id == sos_id, answerable(caller))).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such call for help"), advice=worded("Look at those that stand.")
        )
    return _whole(session, dict(row))


def own_calls(session: Session, caller: Caller, limit: int = 20) -> list[dict[str, Any]]:
    """The caller's own calls that are over, the last first, with who looked at where they were."""
    statement = (
        _ROWS.where(Sos.person_id == caller.person_id, Sos.state == "over")
        .order_by(Sos.opened_at.desc())
        .limit(limit)
    )
    rows = session.execute(statement).mappings()
    return [{**row, "looks": looks_at(session, row["id"])} for row in rows]


def list_calls(
    session: Session, caller: Caller, wish: Wish, *, site_id: UUID | None = None
) -> Page[dict[str, Any]]:
    """Calls that are the caller's to answer, practices left out, the last first."""
    statement = _ROWS.where(answerable(caller), Sos.practice.is_(False))
    if site_id is not None:
        statement = statement.where(Sos.site_id == site_id)
    return newest_first(session, statement, (Sos.opened_at, Sos.id), wish)


def _whole(session: Session, row: Mapping[str, Any]) -> dict[str, Any]:
    """A call with what is known of its sender. No telephone rings at a silent one."""
    person_id = row["person_id"]
    found = {**row, "last_place": None, "last_signal_at": None, "call": None}
    if person_id is None:
        return found
    found["last_place"] = last_place(session, person_id)
    found["last_signal_at"] = session.scalar(
        select(PatrolContact.heard_at).where(PatrolContact.person_id == person_id)
    )
    if row["kind"] == "open":
        found["call"] = contacts_of(session, person_id).get("phone")
    return found


def last_place(session: Session, person_id: UUID) -> dict[str, Any] | None:
    """Where somebody last scanned, and when by the scanner's clock; None where they never did."""
    scan = last_scan(session, person_id)
    if scan is None or scan.checkpoint_id is None:
        return None
    asset = session.get_one(Asset, scan.checkpoint_id)
    space = session.get(Space, asset.space_id) if asset.space_id else None
    return {
        "checkpoint_id": scan.checkpoint_id,
        "checkpoint": dict(asset.name),
        "space": dict(space.name) if space else None,
        "at": scan.occurred_at,
        "grade": scan.grade,
    }
