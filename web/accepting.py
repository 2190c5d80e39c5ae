"""Accepting every ticket that one message told of, in the name of whoever was told."""

from datetime import datetime
from uuid import UUID

from core.colleagues import able_people
from core.db import Session
from core.errors import WatchkeeperError
from core.ids import new_id
from workflows import notifications
from workflows.alarms import accept_ticket
from workflows.notifications import Notice
from workflows.tickets import Step, Ticket


def accept_all(session: Session, notice: Notice, *, now: datetime) -> str:
    """Accept what is left of them, each judged by itself; returns all, some or seen."""
    left = notifications.left_of(session, notice, to_change=True)
    person = notice.person_id
    if person is None:
        return "seen"
    if not left:
        # A second tap: they are theirs, as after the first.
        told = notifications.tickets_of(session, notice)
        return "all" if any(ticket.assignee_id == person for ticket in told) else "seen"
    able = {site: _may_work(session, site, person) for site in {one.site_id for one in left}}
    # Whoever reported them hears of it once as well.
    batch = new_id()
    done = sum(
        able[ticket.site_id] and _accept(session, ticket, person, batch, now)
        for ticket in sorted(left, key=lambda one: one.id)
    )
    if done == len(left):
        return "all"
    return "some" if done else "seen"


def _may_work(session: Session, site: UUID, person: UUID) -> bool:
    return person in {one.id for one in able_people(session, site, "tickets.work")}


def _accept(session: Session, ticket: Ticket, person: UUID, batch: UUID, now: datetime) -> bool:
    """One of them; False where it is refused, for want of a certificate for example."""
    try:
        with session.begin_nested():
            accept_ticket(session, ticket, Step("accept", batch=batch), person=person, now=now)
    except WatchkeeperError:
        return False
    return True
