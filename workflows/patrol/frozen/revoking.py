"""Taking back the links by which a client reads one report."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import NotFound
from core.people import Caller
from rules.wording import worded
from workflows.patrol.checkpoints import WRITE
from workflows.patrol.frozen.audience import find_client
from workflows.patrol.frozen.reading import find_frozen
from workflows.patrol.frozen.sending import close_links


def revoke_links(
    session: Session, caller: Caller, report_id: UUID, client_id: UUID, *, now: datetime
) -> int:
    """End the links that a client was sent to a report and its annexes; returns how many.

    What waits to be sent to it is not sent; annexes that follow are. Doing it again changes
    nothing. Raises NotFound for what the caller can't read, NotAllowed for who closes no reports.
    """
    report = find_frozen(session, caller, report_id)
    caller.require(WRITE, report.site_id)
    client = find_client(session, caller, client_id)
    if client.site_id != report.site_id:
        raise NotFound(
            worded("there is no such client"), advice=worded("Look for it in the list of clients.")
        )
    of = report.of_id or report.id
    closed = close_links(session, client.id, now=now, report_id=of)
    if closed:
        events.append(
            session,
            "patrol_report.revoke_links",
            ("patrol_report", of),
            actor=events.Actor.person(caller.person_id),
            learned_at=now,
            site_id=report.site_id,
            after={"client": str(client.id), "links": closed},
        )
    return closed
