"""A company with a history: a hundred thousand tickets, two thousand of them open."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bench import site
from core.db import Database
from core.ids import new_id
from core.people import Grant, Person, administrator_of, issue
from core.places import Asset
from workflows.tickets import KINDS, PRIORITIES, Ticket
from workflows.tickets.model import searchable

ASSETS = 300
PEOPLE = 40
_WORDS = (
    ("pump", "水泵"),
    ("lift", "电梯"),
    ("door", "门禁"),
    ("leak", "漏水"),
    ("lamp", "照明"),
    ("smoke", "烟感"),
    ("noise", "噪音"),
    ("fan", "风机"),
)
_BATCH = 5_000


def build(database: Database, now: datetime, *, tickets: int, standing: int) -> tuple[str, str]:
    """Fill a migrated database; returns an administrator's token and web session."""
    site.build(database, now, devices=ASSETS, types=1, rules=1)
    with database.write() as session:
        person = administrator_of(session)
        assert person is not None
        secrets = tuple(
            issue(session, person.id, kind, now=now, proved=True) for kind in ("token", "session")
        )
        assets = [(row.id, row.site_id) for row in session.query(Asset)]
        technicians = [person.id, *_technicians(session, assets[0][1])]
    draw = random.Random(1)  # noqa: S311 - a benchmark's data
    rows = (
        _row(draw, number, now, draw.choice(assets), technicians, number > tickets - standing)
        for number in range(1, tickets + 1)
    )
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            _write(database, batch)
    _write(database, batch)
    return secrets[0], secrets[1]


def _technicians(session: Any, site_id: UUID) -> list[UUID]:
    people = [Person(id=new_id(), name=f"技师{n} Technician {n}") for n in range(PEOPLE)]
    session.add_all(people)
    session.flush()
    session.add_all(
        Grant(person_id=person.id, node_id=site_id, role="technician") for person in people
    )
    return [person.id for person in people]


def _write(database: Database, batch: list[dict[str, Any]]) -> None:
    with database.write() as session:
        session.bulk_insert_mappings(Ticket.__mapper__, batch)
    batch.clear()


def _row(
    draw: random.Random,
    number: int,
    now: datetime,
    asset: tuple[UUID, UUID],
    people: list[UUID],
    standing: bool,
) -> dict[str, Any]:
    minutes = draw.uniform(0, 72 * 60) if standing else draw.uniform(72 * 60, 3 * 365 * 24 * 60)
    learned = now - timedelta(minutes=minutes)
    english, chinese = draw.choice(_WORDS)
    state = draw.choice(("open", "assigned", "in_progress", "resolved")) if standing else "closed"
    title = {"en": f"Fault of a {english} {number}", "zh": f"{chinese}故障{number}"}
    worked = learned + timedelta(minutes=draw.uniform(1, 300))
    return {
        "id": new_id(),
        "number": number,
        "site_id": asset[1],
        "asset_id": asset[0],
        "kind": draw.choice(KINDS),
        "category": "",
        "priority": draw.choice(PRIORITIES),
        "life_safety": False,
        "state": state,
        "version": 3,
        "title": title,
        "search_text": searchable(title),
        "description": "",
        "team": "maintenance",
        "assignee_id": None if state == "open" else draw.choice(people),
        "happened_at": learned,
        "learned_at": learned,
        "clock_from": learned,
        "announced_at": learned,
        "repeats": draw.randrange(3),
        "respond_due": learned + timedelta(hours=1),
        "resolve_due": learned + timedelta(hours=24),
        "responded_at": None if state == "open" else worked,
        "resolved_at": worked if state in ("resolved", "closed") else None,
        "ended_at": worked if state == "closed" else None,
        "held_seconds": 0,
    }
