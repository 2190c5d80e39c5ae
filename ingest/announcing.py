"""Warnings on site: sirens, speakers and displays hear of what nobody has accepted yet.

They hang on the same broker as the sensors, so that a warning needs nothing outside the building.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, time
from uuid import UUID

import structlog

from core import events
from core.clock import Clock, to_micros
from core.db import Database, Session
from core.local_time import zone
from core.places import Node, sites
from workflows import tickets

log = structlog.get_logger(__name__)

ACTOR = events.Actor("system", "announce")
# A fact of one of these may change what is to be heard.
CHANGES = ("ticket.", "fire_alarm.")
TEST = {"en": "This is a test of the alarm.", "zh": "这是报警测试。"}
FIRE = {"en": "Fire! {title}", "zh": "火警！{title}"}
CLEAR = {"en": "The alarm is over.", "zh": "报警解除。"}
Publish = Callable[[str, bytes, bool], None]


class Announcer:
    """Publishes to `wk/v1/{site}/announce` what is to be heard there, each time that changes.

    publish: topic, payload, retain. What stands is retained, so that a siren that was without
    power hears it when it comes back. test_at: the local time of the daily test; None = never.
    """

    def __init__(
        self, database: Database, clock: Clock, publish: Publish, test_at: time | None
    ) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish
        self._test_at = test_at
        # What was published last, by site.
        self._said: dict[UUID, tuple[int, bool] | None] = {}
        self._due = True

    def note(self, facts: Sequence[events.Event]) -> None:
        """Remember that something may have changed."""
        self._due |= any(fact.kind.startswith(CHANGES) for fact in facts)

    def look(self) -> None:
        """Publish what changed, and the test of the day when its time has come."""
        if self._due:
            self._say_what_stands()
            self._due = False
        if self._test_at is not None:
            self._test()

    def _say_what_stands(self) -> None:
        with self._database.read() as session:
            loud = tickets.unanswered_critical(session)
            found = {site.id: site.code for site in sites(session)}
        fresh = [
            site
            for site in found
            if site not in self._said or self._said[site] != _number(loud.get(site))
        ]
        for site in fresh:
            ticket = loud.get(site)
            first = site not in self._said
            self._said[site] = _number(ticket)
            if ticket is not None:
                self._send(found[site], "alarm", _text(ticket), ticket)
                self._log(site, "alarm", ticket)
                continue
            # What an earlier process said last may not have reached the broker: it is said again.
            last = self._last_logged(site) if first else "announce.alarm"
            if last is not None:
                self._send(found[site], "clear", CLEAR, None)
            if last == "announce.alarm":
                self._log(site, "clear", None)

    def _last_logged(self, site: UUID) -> str | None:
        kinds = ("announce.alarm", "announce.clear")
        with self._database.read() as session:
            return events.latest_kind(session, ("site", str(site)), kinds)

    def _send(self, code: str, level: str, text: object, ticket: tickets.LoudTicket | None) -> None:
        said = {"ts": round(to_micros(self._clock.now()) / 1e6, 3), "level": level, "text": text}
        if ticket is not None:
            said |= {"ticket": ticket.number, "life_safety": ticket.life_safety}
            said |= {"fire": True} if ticket.fire else {}
        payload = json.dumps(said, ensure_ascii=False).encode()
        self._publish(f"wk/v1/{code}/announce", payload, level != "test")

    def _log(self, site: UUID, level: str, ticket: tickets.LoudTicket | None) -> None:
        with self._database.write() as session:
            _append(session, site, level, self._clock.now(), ticket)

    def _test(self) -> None:
        now = self._clock.now()
        with self._database.read() as session:
            due = [site for site in sites(session) if self._is_test_due(session, site, now)]
        for site in due:
            # A test would drown what is real.
            if self._said.get(site.id) is None:
                self._send(site.code, "test", TEST, None)
            self._log(site.id, "test", None)

    def _is_test_due(self, session: Session, site: Node, now: datetime) -> bool:
        local = now.astimezone(zone(site.time_zone))
        assert self._test_at is not None
        if local.time() < self._test_at:
            return False
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return not events.has_since(session, "announce.test", site.id, midnight)


def _number(ticket: tickets.LoudTicket | None) -> tuple[int, bool] | None:
    """What is said of a ticket changes when it becomes a fire."""
    return None if ticket is None else (ticket.number, ticket.fire)


def _text(ticket: tickets.LoudTicket) -> dict[str, str]:
    if not ticket.fire:
        return dict(ticket.title)
    written = ticket.title.get("und", "")
    return {
        language: said.format(title=ticket.title.get(language, written)).strip()
        for language, said in FIRE.items()
    }


def _append(
    session: Session,
    site: UUID,
    level: str,
    now: datetime,
    ticket: tickets.LoudTicket | None,
) -> None:
    events.append(
        session,
        f"announce.{level}",
        ("site", site),
        actor=ACTOR,
        learned_at=now,
        site_id=site,
        after={"ticket": ticket.number, "fire": ticket.fire} if ticket else {},
    )
