"""What somebody might do at an earlier moment, as far as the event log tells."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import Event
from core.people import Caller, Person, caller_with
from core.places import Node
from core.rights import Given


def caller_at(session: Session, person: Person, moment: datetime) -> Caller | None:
    """What a person might do then: by the roles that they hold, and those taken away since.

    None when they had left by then. A role that was given only afterwards counts as well: whoever
    asks about an earlier moment has it from a clock that may be slow, and refuses nobody for that.
    """
    if person.left_at is not None and person.left_at <= moment:
        return None
    ended = select(Event.after).where(
        Event.subject_kind == "person",
        Event.subject_id == str(person.id),
        Event.kind == "person.revoke",
        Event.learned_at > moment,
    )
    taken_away = [after for after in session.scalars(ended) if after is not None]
    nodes = {UUID(after["node"]) for after in taken_away}
    standing = select(Node.id, Node.path).where(Node.id.in_(nodes))
    paths: dict[UUID, str] = {node_id: path for node_id, path in session.execute(standing)}
    earlier = [
        Given(after["role"], paths[UUID(after["node"])], after.get("team", ""))
        for after in taken_away
        if UUID(after["node"]) in paths
    ]
    return caller_with(session, person, earlier)
