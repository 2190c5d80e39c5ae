"""Quarantine: what could not be used is kept with its reason, within bounds."""

import hashlib
import sqlite3
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events, inventory, quarantine
from core.db import Database
from core.ids import new_id
from core.quarantine import BODY_LIMIT, HEAD_OF_LARGE, Quarantined, QuarantinedBody, Rejected
from tests.fixtures import NOON

SITE = new_id()


def rejected(
    at: datetime = NOON,
    *,
    device: str = "d1",
    reason: str = "bad_json",
    body: bytes = b"{",
    site: UUID | None = SITE,
) -> Rejected:
    return Rejected(site, device, f"wk/v1/x/{device}/readings", reason, "why", body, at)


def keep(database: Database, *items: Rejected) -> int:
    with database.write() as session:
        return quarantine.keep(session, items)


def rows(database: Database) -> list[Quarantined]:
    with database.read() as session:
        return list(session.scalars(select(Quarantined).order_by(Quarantined.first_at)))


def bodies(database: Database) -> list[QuarantinedBody]:
    ids = [row.id for row in rows(database)]
    with database.read() as session:
        return quarantine.bodies_of(session, ids)


def test_one_device_and_reason_within_a_minute_is_one_row_with_a_count(
    database: Database,
) -> None:
    seconds = [rejected(NOON + timedelta(seconds=second)) for second in range(60)]
    assert keep(database, *seconds[:30]) == 1
    assert keep(database, *seconds[30:]) == 0
    [row] = rows(database)
    assert (row.count, row.kept) == (60, 1)
    assert (row.first_at, row.last_at) == (NOON, NOON + timedelta(seconds=59))
    assert keep(database, rejected(NOON + timedelta(seconds=60))) == 1


@pytest.mark.parametrize(
    "other",
    [
        rejected(device="d2"),
        rejected(reason="not_utf8"),
        rejected(site=new_id()),
        rejected(site=None),
    ],
)
def test_another_device_reason_or_site_is_another_row(database: Database, other: Rejected) -> None:
    assert keep(database, rejected(), other) == 2
    assert keep(database, rejected(), other) == 0
    assert [row.count for row in rows(database)] == [2, 2]


def test_what_waits_for_adoption_is_kept_whole_and_in_order_of_receipt(
    database: Database,
) -> None:
    items = [
        rejected(NOON + timedelta(seconds=n), reason="unknown_device", body=b"%d" % n)
        for n in range(20)
    ]
    keep(database, *items)
    assert [row.count for row in rows(database)] == [20]
    assert [body.body for body in bodies(database)] == [b"%d" % n for n in range(20)]


def test_a_flood_of_one_device_does_not_keep_every_body(database: Database) -> None:
    keep(database, *(rejected(reason="unknown_device") for _ in range(650)))
    [row] = rows(database)
    assert (row.count, row.kept) == (650, 600)
    assert len(bodies(database)) == 600


def test_a_body_above_the_limit_is_kept_as_its_head_and_hash(database: Database) -> None:
    large = b"x" * (BODY_LIMIT + 1)
    keep(database, rejected(body=large))
    [body] = bodies(database)
    assert (len(body.body), body.size) == (HEAD_OF_LARGE, BODY_LIMIT + 1)
    assert body.sha256 == hashlib.sha256(large).hexdigest()


def test_a_body_at_the_limit_is_kept_whole(database: Database) -> None:
    keep(database, rejected(body=b"x" * BODY_LIMIT))
    [body] = bodies(database)
    assert (len(body.body), body.sha256) == (BODY_LIMIT, None)


def test_overlong_names_are_cut_and_never_refused(database: Database) -> None:
    item = Rejected(SITE, "d" * 400, "t" * 900, "bad_json", "w" * 900, b"", NOON)
    keep(database, item, item)
    [row] = rows(database)
    assert (len(row.device_code), len(row.topic), len(row.detail)) == (120, 500, 500)
    assert row.count == 2


def test_pruning_drops_the_old_first_and_then_the_oldest_above_the_bound(
    database: Database,
) -> None:
    items = [rejected(NOON + timedelta(minutes=n), device=f"d{n}") for n in range(10)]
    keep(database, *items)
    now = NOON + timedelta(minutes=10)
    with database.write() as session:
        old = quarantine.prune(session, now=now, max_rows=100, max_age=timedelta(minutes=8))
    assert old == 2
    with database.write() as session:
        assert quarantine.prune(session, now=now, max_rows=3, max_age=timedelta(days=1)) == 5
    assert [row.device_code for row in rows(database)] == ["d7", "d8", "d9"]
    with database.read() as session:
        assert session.scalar(select(func.count(QuarantinedBody.id))) == 3


def test_what_was_replayed_or_discarded_counts_no_more(database: Database) -> None:
    keep(database, rejected())
    [row] = rows(database)
    with database.write() as session:
        quarantine.mark(session, [row.id], "replayed")
    assert keep(database, rejected()) == 1
    assert sorted((row.state, row.count) for row in rows(database)) == [
        ("replayed", 1),
        ("waiting", 1),
    ]


def test_every_reason_fits_its_column(database: Database) -> None:
    keep(database, *(rejected(reason=reason) for reason in quarantine.REASONS))
    assert {row.reason for row in rows(database)} == set(quarantine.REASONS)


def test_however_much_was_asked_for_again_what_waits_is_found(database: Database) -> None:
    keep(database, rejected(), rejected(device="d2"))
    first, second = rows(database)
    with database.write() as session:
        # As after years of mending mappings.
        for row_id in (second.id, first.id, *(new_id() for _ in range(30))):
            about = ("quarantine", row_id)
            events.append(session, "quarantine.replay", about, actor=events.SYSTEM, learned_at=NOON)
    with database.read() as session:
        raw = session.connection().connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)
        assert inventory.replays_asked(session) == [second.id, first.id]
