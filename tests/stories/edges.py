"""Who is told at the edges of windows, and when, while the jobs process is killed again and again.

Nobody begins one half of the rounds, and in the other a guard in contact misses a checkpoint. The
edges are spread over a while; the guard's phone tells what it knows as the app does.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, update

from core.db import Database
from core.ids import new_id
from core.leases import Lease
from core.push_devices import add_push_device
from core.settings import load
from core.vault import Vault
from tests.fixtures import SmallSite
from tests.servers.product import Product, until
from tests.servers.push_service import Browser, PushService, serving_pushes
from tests.workflows.walked import CODES, MINUTE, Walk, make_walk
from workflows.notifications.model import Attempt, Notice
from workflows.patrol.rounds import Round, RoundPoint, note_contact

# How often the guard's app is heard of, and how soon after an edge (web/assets/src/guard).
BEAT_S, LOOK_S, AFTER_EDGE_S = 60.0, 5.0, 2.0
_SECRET = "a key of the tests of edges only"
_LIMIT_S = 400.0
GUARD, SUPERVISOR = "guard", "supervisor"
_TELLS = {
    "round.late": GUARD,
    "round.miss": GUARD,
    "round.late_passed_up": SUPERVISOR,
    "round.miss_passed_up": SUPERVISOR,
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to do.

    edges: of each kind, over so many seconds. kills: at random moments, so many seconds from one to
    the next on the average. told: how many rounds and points of which the guard was told long ago,
    so that the supervisor is to hear of them soon; the others are not waited for then. at_once:
    the lease of who was killed counts as run out, which takes twenty seconds otherwise. look: how
    often the phone looks whether it is past an edge.
    """

    edges: int
    seconds: float
    kills: int
    interval: float = 45.0
    told: int = 0
    at_once: bool = False
    look: float = LOOK_S
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from an edge to the notice that reached a browser, by who was told; and the kills.

    pushes: how many messages came for so many notices; a kill may double one.
    """

    after: dict[str, list[float]]
    killed: int
    notices: int
    pushes: int

    def lines(self) -> Iterator[str]:
        """The distributions, for people."""
        yield f"{self.killed} kills, {self.notices} notices in {self.pushes} pushes"
        for who, some in self.after.items():
            told = sorted(some)
            ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}
            parts = [
                f"{name} {told[max(0, round(at * len(told)) - 1)]:.1f} s"
                for name, at in ranks.items()
            ]
            yield f"{who}: n {len(told)}, {', '.join(parts)}"


@dataclass
class _Edges:
    """A guard who misses things, and when each of them came to its edge. edges: by round."""

    walk: Walk
    browsers: dict[str, Browser]
    edges: dict[UUID, datetime] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=lambda: {GUARD: 0, SUPERVISOR: 0})

    def lay(self, campaign: Campaign, now: datetime, draw: random.Random) -> None:
        """Make the rounds, as the product keeps them."""
        walk = self.walk
        for number in range(2 * campaign.edges):
            edge = now + timedelta(seconds=draw.uniform(0, campaign.seconds))
            self._round(number, edge, missed=number % 2 == 1)
            self.due[GUARD] += 1
            self.due[SUPERVISOR] += campaign.told == 0
        for number in range(2 * campaign.told):
            at = now - timedelta(seconds=118 - draw.uniform(0, campaign.seconds))
            self._round(-1 - number, at, missed=number % 2 == 1, told_at=at)
            self.due[SUPERVISOR] += 1
        walk.on_duty(walk.guard, now - 60 * MINUTE)

    def _round(
        self, number: int, edge: datetime, *, missed: bool, told_at: datetime | None = None
    ) -> None:
        walk = self.walk
        start, end = edge - 10 * MINUTE, edge + 90 * MINUTE
        row = Round(
            id=new_id(),
            site_id=walk.site.id,
            route_id=walk.route_id,
            plan_id=walk.plan_id,
            team="security",
            order="ordered",
            state="running" if missed else "planned",
            # Each begins at another moment, or it would be the same one.
            planned_at=start + timedelta(microseconds=number),
            opens_at=start,
            begin_by=start + MINUTE if missed else edge,
            ends_at=end,
            settles_at=end + 720 * MINUTE,
            person_id=walk.guard if missed else None,
            began_at=start if missed else None,
            next_look=edge,
            late_told_at=None if missed else told_at,
        )
        first = "missed" if missed and told_at else "open"
        points = [
            RoundPoint(
                round_id=row.id,
                position=position,
                site_id=walk.site.id,
                checkpoint_id=walk.points[code],
                state="open" if position else first,
                opens_at=start,
                closes_at=end if position or not missed else edge,
                told_at=told_at if missed and not position else None,
            )
            for position, code in enumerate(CODES)
        ]
        with walk.database.write() as session:
            session.add(row)
            session.flush()
            session.add_all(points)
        self.edges[row.id] = edge

    def told(self) -> list[tuple[str, UUID, datetime]]:
        """Who was told of which round at first, and when that came to their browser."""
        found: dict[tuple[str, UUID], datetime] = {}
        statement = select(Notice, Attempt).join(Attempt, Attempt.notice_id == Notice.id)
        with self.walk.database.read() as session:
            for notice, attempt in session.execute(statement.where(Attempt.state == "sent")):
                of = _TELLS[notice.kind], UUID(notice.facts["round"])
                assert attempt.ended_at is not None
                found[of] = min(found.get(of, attempt.ended_at), attempt.ended_at)
        return [(who, round_id, at) for (who, round_id), at in found.items()]

    def is_whole(self) -> bool:
        """Whether everybody was told of everything."""
        told = [who for who, _, _ in self.told()]
        return all(told.count(who) >= many for who, many in self.due.items())


def run_campaign(campaign: Campaign, database: Database, site: SmallSite, folder: Path) -> Outcome:
    """Let edges pass, and kill the jobs process meanwhile."""
    draw = random.Random(campaign.seed)
    with serving_pushes(time.time()) as pushes:
        edges = _furnish(database, site, folder, pushes)
        product = Product(folder, "jobs", _settings(database))
        try:
            product.start()
            edges.lay(campaign, datetime.now(UTC) + timedelta(seconds=1), draw)
            with _phone(edges, campaign.look, draw):
                killed = _kill(campaign, product, database, draw)
                until(edges.is_whole, _LIMIT_S, lambda: f"{edges.due} {edges.told()}", 0.25)
        finally:
            product.end()
    after: dict[str, list[float]] = {GUARD: [], SUPERVISOR: []}
    for who, round_id, at in edges.told():
        after[who].append((at - edges.edges[round_id]).total_seconds())
    read = sum(len(browser.read) for browser in edges.browsers.values())
    return Outcome(after, killed, sum(map(len, after.values())), read)


def _furnish(database: Database, site: SmallSite, folder: Path, pushes: PushService) -> _Edges:
    walk = make_walk(database, site)
    walk.route()
    walk.plan("22:00", weekdays=(1,))
    browsers = {GUARD: pushes.browser(), SUPERVISOR: pushes.browser()}
    settings = load(data_dir=folder, secret_key=_SECRET, push_services="127.0.0.1")
    with database.write() as session:
        # What the plan itself made is none of this.
        session.execute(update(Round).values(next_look=None, state="cancelled"))
        for person, browser in zip((walk.guard, walk.supervisor), browsers.values(), strict=True):
            form = browser.form
            add_push_device(
                session,
                Vault(settings),
                person,
                (form["endpoint"], form["p256dh"], form["auth"]),
                label="Chrome · Android",
                services=settings.push_services,
                now=datetime.now(UTC),
            )
    return _Edges(walk, browsers)


def _settings(database: Database) -> dict[str, str]:
    return {
        "database_url": database.engine.url.render_as_string(hide_password=False),
        "secret_key": _SECRET,
        "push_contact": "mailto:night@property.example",
        "push_services": "127.0.0.1",
    }


@contextmanager
def _phone(edges: _Edges, look: float, draw: random.Random) -> Iterator[None]:
    """The guard's phone, in contact: it is heard of at each beat, and soon after each edge."""
    over = threading.Event()
    phase = timedelta(seconds=draw.uniform(0, BEAT_S))

    def beat() -> None:
        last = datetime.now(UTC) - phase
        seen = last
        while not over.wait(look):
            now = datetime.now(UTC)
            by = now - timedelta(seconds=AFTER_EDGE_S)
            passed = any(seen < edge <= by for edge in edges.edges.values())
            seen = by
            if passed or now - last >= timedelta(seconds=BEAT_S):
                last = now
                with edges.walk.database.write() as session:
                    note_contact(session, edges.walk.guard, now=now, told_until=now)

    thread = threading.Thread(target=beat, name="phone")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _kill(campaign: Campaign, product: Product, database: Database, draw: random.Random) -> int:
    """SIGKILL it at random moments; what watches over processes starts it again at once."""
    for _ in range(campaign.kills):
        time.sleep(draw.uniform(0.1, 1.9) * campaign.interval)
        product.kill()
        if campaign.at_once:
            with database.write() as session:
                session.execute(update(Lease).values(ends_at=datetime.now(UTC)))
        product.launch()
    product.wait_until_up()
    return campaign.kills
