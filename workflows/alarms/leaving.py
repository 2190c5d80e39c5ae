"""An alarm that has a ticket outside of the incident it was in is no part of that any more."""

from sqlalchemy.orm import Session

from workflows import tickets
from workflows.alarms.incident_model import Incident
from workflows.alarms.model import Alarm


def leave_if_elsewhere(session: Session, alarm: Alarm, ticket: tickets.Ticket) -> None:
    """Forget the incident of an alarm that is now told by another ticket than the incident's."""
    if alarm.incident_id is None:
        return
    incident = session.get_one(Incident, alarm.incident_id)
    whole = tickets.current_ticket(session, incident.ticket_id)
    if whole is None or whole.id != ticket.id:
        alarm.incident_id = None
