"""Reading quarantine: pages of what waits, and one row with the messages that were kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller
from core.quarantine import Quarantined, bodies_of, mark
from rules.wording import Message, worded

READ = "quarantine.read"
_WORDS: Mapping[str, Message] = {
    "replay": worded("replay"),
    "discard": worded("discard"),
    "replayed": worded("replayed"),
    "discarded": worded("discarded"),
}
WRITE = "quarantine.write"
BODIES_SHOWN = 20
_ROWS = rows_of(
    Quarantined.id,
    Quarantined.site_id,
    Quarantined.device_code,
    Quarantined.topic,
    Quarantined.reason,
    Quarantined.detail,
    Quarantined.first_at,
    Quarantined.last_at,
    Quarantined.count,
    Quarantined.kept,
    Quarantined.state,
)


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which rows are wanted; None does not restrict."""

    state: str | None = None
    site_id: UUID | None = None
    reason: str | None = None


def _visible(statement: Select[Any], caller: Caller, permission: str) -> Select[Any]:
    mine = Quarantined.site_id.in_(caller.sites_for(permission))
    if permission not in caller.company_wide:
        return statement.where(mine)
    # A topic that names no site of ours is the company's affair.
    return statement.where(mine | Quarantined.site_id.is_(None))


def list_quarantined(
    session: Session, caller: Caller, wanted: QuarantineFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Rows that the caller may read, the last heard of first. Keys: last_at, id."""
    statement = _visible(_ROWS, caller, READ)
    exact = {
        Quarantined.state: wanted.state,
        Quarantined.site_id: wanted.site_id,
        Quarantined.reason: wanted.reason,
    }
    for column, value in exact.items():
        if value is not None:
            statement = statement.where(column == value)
    return newest_first(session, statement, (Quarantined.last_at, Quarantined.id), wish)


def describe_quarantined(session: Session, caller: Caller, row_id: UUID) -> dict[str, Any]:
    """One row with its newest kept messages as bytes. NotFound when the caller may not read it."""
    statement = _visible(_ROWS.where(Quarantined.id == row_id), caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such row"), advice=worded("Look for it in the list of quarantine.")
        )
    bodies = bodies_of(session, [row_id])[-BODIES_SHOWN:]
    return {**row, "bodies": [_body(body) for body in bodies]}


def _body(body: Any) -> Mapping[str, Any]:
    return {
        "topic": body.topic,
        "received_at": body.received_at,
        "size": body.size,
        "sha256": body.sha256,
        "body": body.body,
    }


def ask_replay(
    session: Session, caller: Caller, row_id: UUID, *, actor: events.Actor, now: datetime
) -> None:
    """Ask ingest to take the kept messages in again; it follows the log and marks the row.

    NotFound when the caller may not read it, NotAllowed when they may only read it, Conflict when
    it waits no more.
    """
    row = _waiting(session, caller, row_id, "replay")
    events.append(
        session,
        "quarantine.replay",
        ("quarantine", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
    )


def discard(
    session: Session, caller: Caller, row_id: UUID, *, actor: events.Actor, now: datetime
) -> None:
    """Say that nobody needs it; it goes with the next sweep. Errors as in `ask_replay`."""
    row = _waiting(session, caller, row_id, "discard")
    mark(session, [row.id], "discarded")
    events.append(
        session,
        "quarantine.discard",
        ("quarantine", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        before={"state": "waiting"},
        after={"state": "discarded"},
    )


def _waiting(session: Session, caller: Caller, row_id: UUID, action: str) -> Quarantined:
    statement = _visible(select(Quarantined).where(Quarantined.id == row_id), caller, READ)
    row = session.scalars(statement.with_for_update(of=Quarantined)).first()
    if row is None:
        raise NotFound(
            worded("there is no such row"), advice=worded("Look for it in the list of quarantine.")
        )
    if row.site_id is not None:
        caller.require(WRITE, row.site_id)
    else:
        caller.require_company_wide(WRITE)
    if row.state != "waiting":
        raise Conflict(
            worded(
                "a row that is %(state)s cannot %(action)s",
                state=_WORDS.get(row.state, row.state),
                action=_WORDS[action],
            ),
            advice=worded("Only one that waits can."),
        )
    return cast(Quarantined, row)
