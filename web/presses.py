"""A button that somebody pressed in a chat app: decided as its link would, however it came."""

from core.channels.pressing import Press
from core.clock import Clock
from core.db import Database
from core.people import Person
from web.pages.notices import respond
from workflows import notifications
from workflows.notifications.texts import came_of_it


def take(database: Database, clock: Clock, pressed: Press) -> str:
    """Answer a notice as its link would; what the button says from now on.

    The same press again changes nothing. NotFound and NotAllowed as `notifications.press`.
    """
    now = clock.now()
    with database.write() as session:
        notice, first = notifications.press(session, pressed, now=now)
        came = respond(session, notice, by="button", now=now) if first else "again"
        person = session.get_one(Person, notice.person_id)
        return came_of_it(came, person.locale)
