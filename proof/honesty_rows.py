"""The same months through the product's own database: do its marks differ from the detectors' own?

`python -m proof.honesty_rows --seeds 21-22 --days 10` writes labelled months hour by hour, as they
are handed in, into rows of SQLite, lets rounds be checked as the jobs do, and tells of every round
whose kinds of marks are not those that `proof.honesty` finds. What counts for which round is taken
from the simulator; all that detectors are given is gathered by the product.
"""

import argparse
import hashlib
import math
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from core import events
from core.db import Base, Database, Session, sqlite_url
from core.people import Person
from core.places import Asset, Node
from core.schema import migrate
from proof.honesty import BEGIN, Desk, Tally, lines, verdicts, worlds
from proof.honesty import id_of as _id
from simulators.patrol_cheats.generate import Handed, Month, generate
from simulators.patrol_cheats.world import EARLY, HOUR, LATE, Checkpoint, Phone
from workflows.patrol import ASSET_TYPE, CheckpointToken, Scan
from workflows.patrol import Checkpoint as CheckpointRow
from workflows.patrol.honesty import PatrolMark, check_round, look_into, rounds_to_check
from workflows.patrol.honesty.judging import judge
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.phones.model import Phone as PhoneRow
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds import Round, RoundPlan, RoundPoint, Route

# What the month starts from, and how many metres a degree of latitude has.
_ORIGIN, _DEGREE_M = (31.2, 121.5), 111_195.0
_ACTOR = events.Actor("job", "honesty")
# Whoever comes back from a shift has handed everything in by then.
_AFTER_S = 36 * HOUR


@dataclass
class Compared:
    """Rounds of both ways by label and kinds, and those that differ."""

    rows: Tally = field(default_factory=Tally)
    pure: Tally = field(default_factory=Tally)
    # By label: which kinds only one of both found.
    only_rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    only_pure: Counter[tuple[str, str]] = field(default_factory=Counter)
    different: list[tuple[int, str, set[str], set[str]]] = field(default_factory=list)

    def add(self, other: "Compared") -> None:
        """Count another one in."""
        self.rows.add(other.rows)
        self.pure.add(other.pure)
        self.only_rows.update(other.only_rows)
        self.only_pure.update(other.only_pure)
        self.different += other.different


def _at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


class Rows:
    """A month in a database, up to some hour of it."""

    def __init__(self, database: Database, month: Month) -> None:
        self._database = database
        self._month = month
        self._handed = list(zip(month.handed, verdicts(month.handed), strict=True))
        # What counts for a round: of each point of it the first that was accepted.
        self._places: dict[int, int] = {}
        places = {
            (planned.id, point.id): number
            for planned in month.rounds
            for number, point in enumerate(planned.points)
        }
        for one, verdict in self._handed:
            place = places.pop((one.round, one.point), None) if verdict == "accepted" else None
            if place is not None:
                self._places[one.id] = place
        self._told = defaultdict[int, int](int)
        for one, _ in self._handed:
            self._told[one.round] += 1
        # How far each phone said that our clock was ahead, when it was heard of last.
        self._offsets: dict[int, float] = {}

    def lay(self) -> None:
        """Everything that stands before the first scan."""
        month = self._month
        phones: dict[int, tuple[Phone, int]] = {
            phone.id: (phone, g.id) for s in month.sites for g in s.crew for _, phone in g.phones
        }
        sites = {one.phone: one.site for one in month.handed}
        with self._database.write() as session:
            company = _id(9, 0)
            put = partial(_put, session)
            put(Node, [_node(company, None, "company", "acme", "acme/")])
            put(
                Node,
                [
                    _node(_id(6, s.id), company, "site", f"s{s.id}", f"acme/s{s.id}/")
                    for s in month.sites
                ],
            )
            people = [guard for site in month.sites for guard in site.crew]
            put(Person, [{"id": _id(3, g.id), "name": f"Guard {g.id}"} for g in people])
            for site in month.sites:
                self._lay_places(session, site.id, [p for route in site.routes for p in route])
            put(PhoneRow, [self._phone(n, site, phones.get(n)) for n, site in sites.items()])
            self._lay_rounds(session)

    def _lay_places(self, session: Session, site: int, points: Sequence[Checkpoint]) -> None:
        mapped = self._month.sites[site].mapped
        about = [{"id": _id(2, p.id), "site_id": _id(6, site)} for p in points]
        _put(
            session,
            Asset,
            [{**one, "type": ASSET_TYPE, "code": str(one["id"]), "name": {}} for one in about],
        )
        _put(
            session,
            CheckpointRow,
            [
                {**one, **(_place(p) if mapped else {})}
                for one, p in zip(about, points, strict=True)
            ],
        )
        _put(
            session,
            CheckpointToken,
            [
                {
                    "id": _id(4, p.id),
                    "site_id": _id(6, site),
                    "checkpoint_id": _id(2, p.id),
                    "kind": "signed_tag",
                    "created_at": BEGIN,
                }
                for p in points
            ],
        )

    def _phone(self, number: int, site: int, known: tuple[Phone, int] | None) -> dict[str, Any]:
        phone, guard = known or (None, 0)
        own = phone is not None and not phone.post
        return {
            "id": _id(5, number),
            "site_id": _id(6, site),
            "kind": "post" if phone is not None and phone.post else "personal",
            "person_id": _id(3, guard) if own else None,
            "label": "",
            "key": {},
            "browser": "",
            "app": "",
            "enrolled_at": BEGIN,
            "head_hash": "",
            "heard_at": BEGIN,
        }

    def _lay_rounds(self, session: Session) -> None:
        for site in self._month.sites:
            where = {"site_id": _id(6, site.id)}
            for which in range(2):
                route = _id(7, site.id * 2 + which)
                named = {"code": f"r{which}", "name": {}, "order": "ordered"}
                _put(session, Route, [{"id": route, **where, **named}])
                plan = {"times": [], "weekdays": [], "team": "security", "duration_min": 75}
                plan |= {"tolerance_min": 15, "settle_min": 720, "route_id": route}
                _put(session, RoundPlan, [{"id": route, **where, **plan}])
        rounds, points = [], []
        for one in self._month.rounds:
            route = _id(7, one.site.id * 2 + (one.points is one.site.routes[1]))
            where = {"site_id": _id(6, one.site.id)}
            opens, ends = _at(one.planned - EARLY), _at(one.planned + LATE)
            made: dict[str, Any] = {"opens_at": opens, "ends_at": ends, "settles_at": ends}
            made |= {"planned_at": _at(one.planned), "begin_by": opens, "state": "complete"}
            made |= {"id": _id(8, one.id), "route_id": route, "plan_id": route}
            of = {"team": "security", "order": "ordered", "person_id": _id(3, one.guard.id)}
            rounds.append({**where, **made, **of})
            points += [
                {
                    **where,
                    "round_id": _id(8, one.id),
                    "position": number,
                    "checkpoint_id": _id(2, point.id),
                    "opens_at": opens,
                    "closes_at": ends,
                }
                for number, point in enumerate(one.points)
            ]
        _put(session, Round, rounds)
        _put(session, RoundPoint, points)

    def go_on(self) -> Iterator[datetime]:
        """Hand everything in, hour by hour, and say of which rounds something was learned."""
        waiting, closed = list(self._month.rounds), set[int]()
        hour, next_one = 0.0, 0
        last = self._handed[-1][0].received + _AFTER_S
        while hour < last:
            hour += HOUR
            first = next_one
            while next_one < len(self._handed) and self._handed[next_one][0].received < hour:
                next_one += 1
            some = self._handed[first:next_one]
            with self._database.write() as session:
                self._hand_in(session, some)
                over = [
                    one for one in waiting if self._told[one.id] == 0 or one.planned + LATE <= hour
                ]
                waiting = [one for one in waiting if one not in over] if over else waiting
                annexed = {one.round for one, _ in some if one.round in closed}
                closed |= {one.id for one in over}
                for number in annexed | {one.id for one in over}:
                    _ask(session, number, _at(hour))
            yield _at(hour)

    def _hand_in(self, session: Session, some: Sequence[tuple[Handed, str]]) -> None:
        _put(session, Scan, [self._scan(one, verdict) for one, verdict in some])
        for one, _ in some:
            self._told[one.round] -= 1
            if one.id in self._places:
                session.execute(
                    update(RoundPoint)
                    .where(
                        RoundPoint.round_id == _id(8, one.round),
                        RoundPoint.position == self._places[one.id],
                    )
                    .values(scan_id=_id(1, one.id), scanned_at=_at(one.at), state="scanned")
                )
            if one.photo:
                _put_photo(session, one)

    def _scan(self, one: Handed, verdict: str) -> dict[str, Any]:
        if one.online:
            self._offsets[one.phone] = one.received - one.at
        offset = self._offsets.get(one.phone)
        evidence: dict[str, Any] = {
            "phone": str(_id(5, one.phone)),
            "shared": one.post,
            "seq": one.sequence,
        }
        evidence |= {"boot": str(one.boot), "mono_ms": round(one.uptime * 1000)}
        if offset is not None:
            evidence["clock_offset_ms"] = round(offset * 1000)
        reckoned = _at(one.at) + timedelta(milliseconds=evidence.get("clock_offset_ms", 0))
        return {
            "id": _id(1, one.id),
            "site_id": _id(6, one.site),
            "checkpoint_id": _id(2, one.point),
            "token_id": _id(4, one.point),
            "person_id": _id(3, one.guard),
            "occurred_at": reckoned,
            "received_at": _at(one.received),
            "channel": "online" if one.online else "sync",
            "kind": one.kind,
            "grade": "signed" if one.counter is not None else "weak",
            "verdict": verdict,
            "sequence": one.counter,
            "evidence": evidence,
            "fingerprint": "",
        }


def _node(node_id: UUID, parent: UUID | None, kind: str, code: str, path: str) -> dict[str, Any]:
    return {
        "id": node_id,
        "parent_id": parent,
        "kind": kind,
        "code": code,
        "name": {},
        "path": path,
    }


def _place(point: Checkpoint) -> dict[str, float]:
    latitude = _ORIGIN[0] + point.place[1] / _DEGREE_M
    across = _DEGREE_M * math.cos(math.radians(_ORIGIN[0]))
    return {
        "latitude": latitude,
        "longitude": _ORIGIN[1] + point.place[0] / across,
        "radius_m": 30.0,
    }


def _put(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table), rows)


def _put_photo(session: Session, one: Handed) -> None:
    at, received = _at(one.at), _at(one.received)
    where = {"site_id": _id(6, one.site), "phone_id": _id(5, one.phone), "seq": one.sequence}
    where["person_id"] = _id(3, one.guard)
    report = {"kind": "observation", "choice": "other", "checks": {}, "round_id": _id(8, one.round)}
    times = {"occurred_at": at, "received_at": received}
    _put(session, GuardReport, [{"id": _id(10, one.id), **where, **report, **times}])
    assert one.photo
    digest = hashlib.sha256(one.photo.encode()).hexdigest()
    photo = {"what": "photo", "sha256": digest, "size": 9, "state": "complete"}
    times = {"taken_at": at, "told_at": received}
    _put(
        session,
        GuardFile,
        [{"id": _id(11, one.id), **where, **photo, **times, "report_id": _id(10, one.id)}],
    )


def _ask(session: Session, number: int, now: datetime) -> None:
    session.execute(update(Round).where(Round.id == _id(8, number)).values(next_check=now))


def check(database: Database, now: datetime) -> None:
    """Every check that is due, as the sweep makes it."""
    while True:
        with database.read() as session:
            due = rounds_to_check(session, now=now)
        if not due:
            return
        for round_id in due:
            with database.read() as session:
                looked = look_into(session, round_id)
            with database.write() as session:
                check_round(session, round_id, now=now, actor=_ACTOR, looked=looked)


def compare(seed: int, signed: bool, ways: Sequence[str], days: int, folder: Path) -> Compared:
    """One month both ways."""
    month = generate(seed=seed, signed=signed, ways=ways, days=days)
    database = Database(sqlite_url(folder / f"{seed}-{signed}-{ways[0]}.sqlite"))
    migrate(database)
    rows = Rows(database, month)
    rows.lay()
    for now in rows.go_on():
        check(database, now)
    with database.read() as session:
        left = session.scalar(select(Round.id).where(Round.next_check.is_not(None)).limit(1))
        marks = defaultdict[UUID, set[str]](set)
        for round_id, kind in session.execute(select(PatrolMark.round_id, PatrolMark.kind)):
            marks[round_id].add(kind)
    database.close()
    assert left is None, "a round waits to be checked"
    found = Compared()
    desk = Desk(month, phones=True)
    for planned, (label, case) in zip(month.rounds, desk.cases(), strict=True):
        pure = {one.kind for one in judge(case)}
        _count(found, planned.id, label, marks[_id(8, planned.id)], pure)
    return found


def _count(found: Compared, number: int, label: str, rows: set[str], pure: set[str]) -> None:
    for tally, kinds in ((found.rows, rows), (found.pure, pure)):
        tally.rounds[label] += 1
        tally.marked[label] += bool(kinds)
        tally.kinds[label].update(kinds)
    found.only_rows.update((label, kind) for kind in rows - pure)
    found.only_pure.update((label, kind) for kind in pure - rows)
    if rows != pure:
        found.different.append((number, label, rows, pure))


def told(found: Compared) -> Iterator[str]:
    """What differs, for people."""
    total = sum(found.rows.rounds.values())
    moved = sum(bool(rows) != bool(pure) for _, _, rows, pure in found.different)
    yield f"{total:,} rounds; other kinds of marks on {len(found.different)}, marked or not {moved}"
    for name, some in (("by rows only", found.only_rows), ("without rows only", found.only_pure)):
        for (label, kind), count in some.most_common():
            yield f"{name}: {label or 'honest'} {kind} {count}"


def main() -> None:
    """Print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="21-22", help="such as 21-22")
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument(
        "--worlds", default="", help="numbers of worlds, apart by commas; all of 0 to 3"
    )
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    chosen = [worlds()[int(one)] for one in given.worlds.split(",") if one] or worlds()
    found = {True: Compared(), False: Compared()}
    with tempfile.TemporaryDirectory(prefix="wk-honesty-") as folder:
        for seed in range(int(first), int(last or first) + 1):
            for ways, signed in product(chosen, (True, False)):
                one = compare(seed, signed, ways, given.days, Path(folder))
                found[signed].add(one)
                name = f"{seed} {'signed' if signed else 'static'} {', '.join(ways)}"
                sys.stderr.write("\n  ".join([name, *told(one)]) + "\n")
    for name in ("rows", "pure"):
        sys.stdout.write(f"\n{name}\n")
        tallies = {signed: getattr(one, name) for signed, one in found.items()}
        sys.stdout.write("\n".join(lines(tallies)) + "\n")
    for signed, one in found.items():
        sys.stdout.write(f"\n{'signed' if signed else 'static'}\n" + "\n".join(told(one)) + "\n")


if __name__ == "__main__":
    main()
