"""Where a phone said to be while a call for help stands: sealed, and each look at it logged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.people import Caller, Person
from core.personal import keys_of, make_keys, seal, unseal
from workflows.patrol.sos.model import SosSignal
from workflows.tickets.sos import Sos

MOST = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A position as phones tell it: degrees (WGS 84), metres (68 %), and how old it was then."""

    latitude: float
    longitude: float
    accuracy_m: float | None = None
    age_s: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether it is a position at all; a call for help is taken without one."""
        numbers = [self.latitude, self.longitude, self.age_s, self.accuracy_m or 0.0]
        if not all(math.isfinite(number) for number in numbers):
            return False
        return abs(self.latitude) <= 90 and abs(self.longitude) <= 180


def sealed_place(
    session: Session, person_id: UUID, place: Place | None, *, now: datetime
) -> bytes | None:
    """A position under the key of its person; None for what is no position."""
    if place is None or not place.usable:
        return None
    at = now - timedelta(seconds=min(max(place.age_s, 0.0), 86_400.0))
    value: dict[str, Any] = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "accuracy_m": place.accuracy_m,
        "at": at.isoformat(),
    }
    return seal(make_keys(session, [person_id])[person_id], value)


def look_at_positions(
    session: Session, caller: Caller, row: Sos, *, now: datetime
) -> Sequence[dict[str, Any]]:
    """The positions of a call, the last first. That somebody looked is a fact of the log.

    The caller has judged that they may answer it. None are left once the person's key is erased.
    """
    statement = (
        select(SosSignal)
        .where(SosSignal.sos_id == row.id, SosSignal.sealed.is_not(None))
        .order_by(SosSignal.received_at.desc(), SosSignal.id.desc())
        .limit(MOST)
    )
    signals = session.scalars(statement).all()
    keys = keys_of(session, {one.person_id for one in signals})
    found = []
    for one in signals:
        value = unseal(keys.get(one.person_id), one.sealed or b"")
        if value is not None:
            value["at"] = datetime.fromisoformat(value["at"])
            found.append({**value, "received_at": one.received_at})
    events.append(
        session,
        "sos.look",
        ("sos", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=row.site_id,
        after={"person": str(row.person_id), "positions": len(found)},
    )
    return found


def looks_at(session: Session, sos_id: UUID) -> list[dict[str, Any]]:
    """Who looked at the positions of a call and when, in order; for whoever it is about."""
    statement = (
        select(events.Event.actor_id, events.Event.learned_at)
        .where(
            events.Event.subject_kind == "sos",
            events.Event.subject_id == str(sos_id),
            events.Event.kind == "sos.look",
        )
        .order_by(events.Event.seq)
    )
    rows = session.execute(statement).all()
    wanted = {UUID(actor) for actor, _ in rows}
    names = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))).all())
    return [{"by": names.get(UUID(actor), ""), "at": at} for actor, at in rows]
