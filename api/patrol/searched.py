"""Lists of what one person did: asked with a reason, and put down for them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.deps import Asked
from workflows import patrol
from workflows.patrol.privacy import looking

Why = Annotated[
    str | None,
    Query(
        max_length=20,
        description="With the person of somebody else: why you look for them, which they are "
        f"told. One of {', '.join(looking.REASONS)}.",
    ),
]


def note_search(
    asked: Asked,
    what: str,
    person: UUID | None,
    why: str | None,
    *,
    site: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """Put down that the caller looks for one person, before anything is shown.

    Nothing is put down of who may not see other people, since they are shown nothing. Invalid
    without a reason.
    """
    reason = looking.reason_of(asked.caller, person, why)
    if person is None or not asked.caller.sites_for(patrol.PEOPLE):
        return
    look = looking.Look(person, what, reason, site, since, until)
    with asked.parts.database.write() as session:
        looking.note_look(session, asked.caller, look, now=asked.now)
