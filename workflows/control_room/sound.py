"""The sound of the control room: the worst that nobody has accepted, muted for minutes at most.

Everything about it stands in the event log; a page that loads anew learns it from there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid
from core.people import Caller
from core.rosters import shift_began
from rules.wording import worded

ACT = "alarms.act"
LEVELS = ("low", "medium", "high", "critical")
LONGEST_MUTE = timedelta(minutes=10)
# Whoever comes a little early tests the sound before the shift begins.
EARLY = timedelta(minutes=30)
# Without a roster a shift is taken to be so long.
USUAL_SHIFT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Ring:
    """Something that nobody has accepted. learned_at: since when it asks for somebody."""

    severity: str
    life_safety: bool
    learned_at: datetime

    @property
    def level(self) -> str:
        """What it sounds like: where lives are at stake, as the worst."""
        return "critical" if self.life_safety else self.severity


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody muted their control room."""

    began: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SoundTest:
    """The last test of the sound by somebody, and whether another one is due.

    heard: None when there was none.
    """

    at: datetime | None
    heard: bool | None
    due: bool


def level(rings: Iterable[Ring]) -> str:
    """The level to sound: that of the worst, empty when there is none."""
    return max((ring.level for ring in rings), key=LEVELS.index, default="")


def breaking(rings: Iterable[Ring], muted: Mute) -> list[Ring]:
    """What is heard in spite of a mute: lives at stake, learned of after it began."""
    return [ring for ring in rings if ring.life_safety and ring.learned_at > muted.began]


def mute_of(session: Session, person_id: UUID, *, now: datetime) -> Mute | None:
    """The mute of somebody's control room; None when it sounds."""
    fact = events.latest(session, _subject(person_id), ("sound.mute", "sound.unmute"))
    if fact is None or fact.kind == "sound.unmute":
        return None
    until = datetime.fromisoformat((fact.after or {})["until"])
    return Mute(fact.learned_at, until) if until > now else None


def mute(session: Session, caller: Caller, site_id: UUID, minutes: int, *, now: datetime) -> Mute:
    """Mute the caller's own control room for some minutes; it is on record who did and when.

    site_id: the site that they look at. Invalid for more than LONGEST_MUTE.
    """
    caller.require(ACT, site_id)
    length = timedelta(minutes=minutes)
    if not timedelta() < length <= LONGEST_MUTE:
        raise Invalid(worded("the sound stays on"), problems=[worded("minutes: 1 to 10")])
    muted = Mute(now, now + length)
    _log(session, "sound.mute", caller, site_id, now, {"until": muted.until.isoformat()})
    return muted


def unmute(session: Session, caller: Caller, site_id: UUID, *, now: datetime) -> None:
    """Let the caller's control room sound again; one that sounds goes on."""
    caller.require(ACT, site_id)
    if mute_of(session, caller.person_id, now=now) is not None:
        _log(session, "sound.unmute", caller, site_id, now, {})


def record_test(
    session: Session, caller: Caller, site_id: UUID, *, heard: bool, now: datetime
) -> None:
    """Put on record that the caller tested the sound, and whether they heard it."""
    caller.require(ACT, site_id)
    _log(session, "sound.test", caller, site_id, now, {"heard": heard})


def test_of(session: Session, person_id: UUID, *, now: datetime) -> SoundTest:
    """Somebody's last test of the sound. Each shift begins with one that was heard."""
    fact = events.latest(session, _subject(person_id), ("sound.test",))
    began = shift_began(session, person_id, now)
    since = began - EARLY if began else now - USUAL_SHIFT
    if fact is None:
        return SoundTest(None, None, due=True)
    heard = bool((fact.after or {}).get("heard"))
    return SoundTest(fact.learned_at, heard, due=not heard or fact.learned_at < since)


def _subject(person_id: UUID) -> tuple[str, str]:
    return ("sound", str(person_id))


def _log(
    session: Session,
    kind: str,
    caller: Caller,
    site_id: UUID,
    now: datetime,
    after: dict[str, Any],
) -> None:
    events.append(
        session,
        kind,
        _subject(caller.person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after=after,
    )
