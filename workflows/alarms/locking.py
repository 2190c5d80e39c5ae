"""What a batch of findings will touch is locked first, in the order in which people take it."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from workflows.alarms.finding import Finding
from workflows.alarms.model import Alarm
from workflows.tickets import Fault, Ticket

# PostgreSQL takes at most 65,535 parameters in a statement.
_AT_ONCE = 5_000
Item = TypeVar("Item")


def lock_in_order(session: Session, findings: Sequence[Finding]) -> None:
    """Lock the tickets of these faults, then their alarms, each in order of their ids.

    Whoever takes a ticket locks it and then its alarms; who judged alarm by alarm would hold the
    alarm of one while asking for the ticket of the next, and each wait for the other. SQLite has
    one writer at a time and needs none of it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    keys = sorted({(finding.rule.rule_id, finding.asset_id) for finding in findings})
    found: set[UUID] = set()
    alarms: set[UUID] = set()
    for some in _parts(keys):
        faults = select(Fault.ticket_id).where(tuple_(Fault.rule_id, Fault.asset_id).in_(some))
        found |= set(session.scalars(faults.where(Fault.holds)))
        standing = select(Alarm.id, Alarm.ticket_id).where(
            tuple_(Alarm.rule_id, Alarm.asset_id).in_(some)
        )
        for alarm_id, ticket_id in session.execute(standing):
            alarms.add(alarm_id)
            if ticket_id is not None:
                found.add(ticket_id)
    for model, ids in ((Ticket, found), (Alarm, alarms)):
        for some_ids in _parts(sorted(ids)):
            # Rows that point at them may be added meanwhile: their keys stay.
            session.execute(
                select(model.id)
                .where(model.id.in_(some_ids))
                .order_by(model.id)
                .with_for_update(key_share=True)
            )


def _parts(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
