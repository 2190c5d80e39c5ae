"""Checking in: a lone worker says that they are well, and how those who are watched stand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.paging import rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Node
from workflows.patrol.checkpoints import READ
from workflows.patrol.lone.model import LonePlan, LoneWatch
from workflows.patrol.lone.watching import Sign, hear_of
from workflows.patrol.rounds.contact import note_contact
from workflows.patrol.rounds.model import PatrolContact
from workflows.tickets.sos import Sos
from workflows.tickets.sos_answering import ANSWER_SILENT

SHOWN_AT_MOST = 200
_ROWS = (
    rows_of(
        LoneWatch.id,
        LoneWatch.site_id,
        Node.name.label("site_name"),
        LoneWatch.person_id,
        Person.name.label("person_name"),
        LoneWatch.state,
        LoneWatch.began_at,
        LoneWatch.ends_at,
        LoneWatch.heard_at,
        LoneWatch.heard_by,
        Asset.name.label("checkpoint"),
        LoneWatch.due_at,
        LoneWatch.reminded_at,
        LoneWatch.missed_at,
        LoneWatch.sos_id,
        LonePlan.every_min,
        LonePlan.grace_min,
        LonePlan.wait_min,
        PatrolContact.heard_at.label("last_signal_at"),
    )
    .select_from(LoneWatch)
    .join(LonePlan, LonePlan.id == LoneWatch.plan_id)
    .join(Person, Person.id == LoneWatch.person_id)
    .join(Node, Node.id == LoneWatch.site_id)
    .outerjoin(Asset, Asset.id == LoneWatch.checkpoint_id)
    .outerjoin(PatrolContact, PatrolContact.person_id == LoneWatch.person_id)
)


def living_watch(session: Session, person_id: UUID) -> LoneWatch | None:
    """The watch over somebody, locked; None when they need not check in now."""
    statement = select(LoneWatch).where(LoneWatch.person_id == person_id, LoneWatch.state != "over")
    locked = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).first()


def note_life(
    session: Session, person_id: UUID, by: str, *, now: datetime, at: datetime | None = None
) -> LoneWatch | None:
    """Somebody has shown that they are well: what they did is no older than `at`, else now.

    by: journal for anything that a person wrote down or pressed, check_in for saying so. None when
    they need not check in. Older than what is known changes nothing.
    """
    row = living_watch(session, person_id)
    if row is None:
        return None
    moment = now if at is None else min(at, now)
    if moment > row.heard_at:
        plan = session.get_one(LonePlan, row.plan_id)
        actor = events.Actor.person(person_id)
        hear_of(session, row, plan, Sign(moment, by), now=now, actor=actor)
    return row


def check_in(session: Session, caller: Caller, *, now: datetime) -> dict[str, Any] | None:
    """The caller says that they are well. None when they need not; said again changes nothing."""
    note_contact(session, caller.person_id, now=now)
    note_life(session, caller.person_id, "check_in", now=now)
    session.flush()
    return own_watch(session, caller)


def own_watch(session: Session, caller: Caller) -> dict[str, Any] | None:
    """How the caller stands; None when they need not check in."""
    return watch_of(session, caller.person_id)


def watch_of(session: Session, person_id: UUID) -> dict[str, Any] | None:
    """How somebody stands, for their own phone; None when they need not check in.

    A silent call that they are missed as part of is not named there.
    """
    statement = _ROWS.where(LoneWatch.person_id == person_id, LoneWatch.state != "over")
    row = session.execute(statement).mappings().first()
    if row is None:
        return None
    call = session.get(Sos, row["sos_id"]) if row["sos_id"] else None
    return {**row, "sos_id": None} if call is not None and call.silent else dict(row)


def living_watches(
    session: Session, caller: Caller, permission: str, *, site_id: UUID | None = None
) -> list[dict[str, Any]]:
    """Whoever is watched where the caller holds `permission`: those overdue first.

    That somebody calls silently is told only to who may answer such calls.
    """
    statement = scoped(_ROWS, LoneWatch.site_id, caller, READ).where(
        LoneWatch.state != "over", LoneWatch.site_id.in_(caller.sites_for(permission))
    )
    if site_id is not None:
        statement = statement.where(LoneWatch.site_id == site_id)
    rank = LoneWatch.state == "well"
    ordered = statement.order_by(rank, LoneWatch.due_at, LoneWatch.id).limit(SHOWN_AT_MOST)
    rows = [dict(row) for row in session.execute(ordered).mappings()]
    calls = {row["sos_id"] for row in rows} - {None}
    silent = set(session.scalars(select(Sos.id).where(Sos.id.in_(calls), Sos.kind == "silent")))
    hears = caller.sites_for(ANSWER_SILENT)
    return [
        {**row, "sos_id": None} if row["sos_id"] in silent and row["site_id"] not in hears else row
        for row in rows
    ]
