"""What phones send at the same moment: on PostgreSQL transactions run side by side."""

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.db import Database, Session
from core.files import FileStore
from core.ids import new_id
from core.personal import make_keys
from tests import pictures
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.threads import in_threads
from tests.workflows.calling import SECOND, make_scene
from tests.workflows.conftest import employ, facts_of
from tests.workflows.phoned import Phoned, colleague, make_phoned
from tests.workflows.walked import MINUTE, TEN, uid_of
from workflows.patrol import sos
from workflows.patrol.journal import contact, files, taking
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.sos.model import SosSignal
from workflows.tickets.model import TicketPhoto


@pytest.fixture
def phoned(postgres_database: Database, postgres_site: SmallSite) -> Phoned:
    return make_phoned(postgres_database, postgres_site)


def until_it_waits(database: Database, work: Future[Any]) -> None:
    """Until a transaction waits for another one's lock; whatever fails meanwhile is raised."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    limit = time.monotonic() + 30
    while not work.done():
        with database.read() as session:
            if session.scalar(waits):
                return
        assert time.monotonic() < limit, "nobody waits"
    work.result()


def send_files(phoned: Phoned, *ids: UUID) -> None:
    """Every piece of some files of the same picture, which are not judged yet."""
    content = photo()
    for file_id in ids:
        with phoned.database.write() as session:
            row = session.get_one(Phone, phoned.phone.id)
            files.put_piece(session, row, file_id, 0, content, now=TEN)


def photo() -> bytes:
    return pictures.photo(60, 40, colour="steelblue")


def note_files(phoned: Phoned, count: int) -> list[UUID]:
    digest, size = hashlib.sha256(photo()).hexdigest(), len(photo())
    ids = [new_id() for _ in range(count)]
    for one in ids:
        phoned.phone.note("file", TEN, file=str(one), what="photo", sha256=digest, bytes=size)
    return ids


def photos(phoned: Phoned) -> list[TicketPhoto]:
    with phoned.database.read() as session:
        return list(session.scalars(select(TicketPhoto)))


def test_a_file_that_becomes_whole_while_its_report_is_taken_is_on_the_ticket_once(
    phoned: Phoned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(str(tmp_path / "files"))
    phoned.enter(phoned.walk.guard, TEN)
    [file_id] = note_files(phoned, 1)
    phoned.hand_in(TEN)
    send_files(phoned, file_id)
    phoned.phone.note("report", TEN, choice="leak", files=[str(file_id)], text="")
    settle = files._settle
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(session: Session, *given: Any) -> GuardFile:
            row = settle(session, *given)
            session.flush()
            taken.append(pool.submit(phoned.hand_in, TEN + SECOND, 3))
            until_it_waits(phoned.database, taken[0])
            return row

        taken: list[Future[Any]] = []
        monkeypatch.setattr(files, "_settle", meanwhile)
        files.finish_file(phoned.database, store, file_id, vault=phoned.walk.vault, now=TEN)
        assert [row.verdict for row in taken[0].result(30).entries] == ["accepted"]
    assert len(photos(phoned)) == 1


def test_two_files_with_the_same_bytes_at_once_are_one_photo_of_the_ticket(
    phoned: Phoned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(str(tmp_path / "files"))
    phoned.enter(phoned.walk.guard, TEN)
    ids = note_files(phoned, 2)
    phoned.phone.note("report", TEN, choice="leak", files=[str(one) for one in ids], text="")
    phoned.hand_in(TEN)
    send_files(phoned, *ids)
    settle = files._settle
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(session: Session, *given: Any) -> GuardFile:
            row = settle(session, *given)
            if not other:
                session.flush()
                finish = files.finish_file
                other.append(
                    pool.submit(
                        finish, phoned.database, store, ids[1], vault=phoned.walk.vault, now=TEN
                    )
                )
                until_it_waits(phoned.database, other[0])
            return row

        other: list[Future[Any]] = []
        monkeypatch.setattr(files, "_settle", meanwhile)
        files.finish_file(phoned.database, store, ids[0], vault=phoned.walk.vault, now=TEN)
        assert other[0].result(30).state == "complete"
    assert len(photos(phoned)) == 1
    with phoned.database.read() as session:
        assert session.scalar(select(GuardReport.ticket_id)) == photos(phoned)[0].ticket_id


def test_two_phones_of_the_same_people_hand_in_at_once(
    phoned: Phoned, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, early = [phoned.phone, GuardPhone()], TEN - timedelta(hours=6)
    phoned.enrol(both[1])
    people = [phoned.walk.guard, colleague(phoned)]
    for phone, (first, second), code in zip(
        both, (people, people[::-1]), ("gate", "roof"), strict=True
    ):
        phoned.enter(first, early, phone)
        phone.note("sign_out", early, why="self")
        phoned.enter(second, early + MINUTE, phone)
        phoned.hand_in(early + MINUTE, phone=phone)
        phone.scan(uid_of(code), early + 2 * MINUTE)
    together, note = Barrier(2), contact.note_phone

    def after_the_entries(*given: Any, **more: Any) -> None:
        together.wait(30)
        note(*given, **more)

    monkeypatch.setattr(taking, "note_phone", after_the_entries)

    def send(number: int) -> int:
        return len(phoned.hand_in(early + 3 * MINUTE, 4, phone=both[number]).entries)

    assert in_threads(2, send) == [1, 1]


def test_of_a_key_that_two_make_at_once_there_is_one(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    people = [employ(postgres_database, postgres_site.id, "guard", name) for name in ("Wu", "Xu")]

    def make(wanted: list[UUID], done: Callable[[], None]) -> Mapping[UUID, bytes]:
        with postgres_database.write() as session:
            found = make_keys(session, wanted)
            done()
            return found

    with ThreadPoolExecutor(1) as pool:
        other: list[Future[Mapping[UUID, bytes]]] = []

        def meanwhile() -> None:
            other.append(pool.submit(make, people, lambda: None))
            until_it_waits(postgres_database, other[0])

        first = make(people[:1], meanwhile)
        both = other[0].result(30)
    assert both.keys() == set(people)
    assert both[people[0]] == first[people[0]]


@pytest.mark.parametrize("what", ["position", "cancel"])
def test_the_same_word_of_a_call_for_help_twice_at_once_counts_once(
    postgres_database: Database, postgres_site: SmallSite, what: str
) -> None:
    scene = make_scene(postgres_database, postgres_site)
    _, row = scene.press()
    caller, given = scene.caller(scene.guard), sos.Press(new_id(), place=sos.Place(30.2, 120.1))

    def say(session: Session) -> sos.Sos:
        if what == "position":
            return sos.add_position(session, caller, row.id, given, now=NOON + SECOND)
        return sos.call_off(session, caller, row.id, given, "none", now=NOON + SECOND)

    def in_its_own(done: Callable[[], None]) -> UUID:
        with postgres_database.write() as session:
            found = say(session).id
            done()
            return found

    with ThreadPoolExecutor(1) as pool:
        other: list[Future[UUID]] = []

        def meanwhile() -> None:
            other.append(pool.submit(in_its_own, lambda: None))
            until_it_waits(postgres_database, other[0])

        assert in_its_own(meanwhile) == other[0].result(30) == row.id
    assert len(facts_of(postgres_database, "sos.cancel")) == int(what == "cancel")
    with postgres_database.read() as session:
        signals = session.scalars(select(SosSignal.what).order_by(SosSignal.received_at))
        assert list(signals) == ["press", what]
