"""What the person themselves is shown of their track, and what who leads them is shown."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.colleagues import able_people
from core.people import Caller
from workflows.patrol.checkpoints import PEOPLE, SCAN
from workflows.patrol.privacy.consenting import agreed_among, consents_shown
from workflows.patrol.privacy.holding import holds_standing
from workflows.patrol.privacy.looking import looks_at
from workflows.patrol.privacy.texts import PURPOSES
from workflows.tickets import Ticket
from workflows.tickets.sos import Sos


def own_privacy(
    session: Session, person_id: UUID, *, kept: timedelta, now: datetime
) -> dict[str, Any]:
    """What a person agreed to, why something of theirs is kept longer, and who looked.

    A silent call is told among these once it is over: the phone may be in wrong hands before.
    """
    holds = holds_standing(session, now=now, kept=kept, person_id=person_id)
    silent = session.execute(_silent_calls(person_id)).all()
    unheard = {part for row in silent for part in row}
    told = [
        asdict(one)
        for one in holds
        if one.subject_id not in unheard and one.ticket_number not in unheard
    ]
    return {
        "consents": consents_shown(session, person_id),
        "holds": sorted(told, key=lambda one: one["since"]),
        "looks": looks_at(session, person_id),
    }


def _silent_calls(person_id: UUID) -> Select[UUID, int]:
    """Those of a person that stand, each with the number of its ticket."""
    return (
        select(Sos.id, Ticket.number)
        .join(Ticket, Ticket.id == Sos.ticket_id)
        .where(
            Sos.person_id == person_id,
            Sos.kind == "silent",
            Sos.practice.is_(False),
            Sos.state != "over",
        )
    )


def who_scans(session: Session, caller: Caller, site_id: UUID) -> Sequence[dict[str, Any]]:
    """Who may scan on a site, and by what besides tags they may be known; never why not."""
    caller.require(PEOPLE, site_id)
    people = able_people(session, site_id, SCAN)
    agreed = {code: agreed_among(session, [one.id for one in people], code) for code in PURPOSES}
    return [
        {
            "id": one.id,
            "name": one.name,
            "agreed": [code for code in PURPOSES if one.id in agreed[code]],
        }
        for one in people
    ]
