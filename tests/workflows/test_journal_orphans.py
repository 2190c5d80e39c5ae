"""What a phone kept under an earlier key: taken beside, read by who may, counting for nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db import Database
from core.files import FileStore
from core.ids import new_id
from core.personal import destroy_keys
from tests import pictures
from tests.fixtures import SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.conftest import employ, facts_of
from tests.workflows.phoned import Phoned, make_phoned
from tests.workflows.walked import MINUTE, TEN, uid_of
from workflows.patrol import Scan
from workflows.patrol.journal.files import finish_file, put_piece
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.journal.orphans import orphaned_files, orphans_of
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.model import GuardReport


@pytest.fixture
def phoned(database: Database, site: SmallSite) -> Phoned:
    return make_phoned(database, site)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path.as_uri())


def document(old: GuardPhone, texts: list[str], signature: str | None = None) -> bytes:
    """What a phone makes of entries of its earlier key."""
    last = json.loads(texts[-1])["seq"] if texts[-1].startswith("{") else 0
    said = f"wk-journal-1\n{old.id}\n{last}\n{old.hash_of(last)}"
    signed = old.sign(said) if signature is None else signature
    head = json.dumps({"v": 1, "phone": str(old.id), "signature": signed})
    return "\n".join([head, *texts]).encode()


def bring(
    phoned: Phoned, files: FileStore, phone: GuardPhone, old: GuardPhone, what: str, content: bytes
) -> UUID:
    """A phone hands a document or a file of its earlier key in."""
    file_id, now = new_id(), TEN + 60 * MINUTE
    said: dict[str, Any] = {"file": str(file_id), "what": what, "bytes": len(content)}
    said |= {"phone": str(old.id), "sha256": hashlib.sha256(content).hexdigest()}
    phone.note("orphaned", now, **said)
    phoned.hand_in(now, phone=phone)
    with phoned.database.write() as session:
        put_piece(session, session.get_one(Phone, phone.id), file_id, 0, content, now=now)
    vault = phoned.walk.vault
    for _ in range(2):
        finish_file(phoned.database, files, file_id, vault=vault, now=now)
    return file_id


def read(phoned: Phoned, phone: GuardPhone, person: UUID) -> list[dict[str, Any]]:
    """What somebody sees of it."""
    caller = phoned.walk.caller(person)
    with phoned.database.read() as session:
        return orphans_of(session, caller, phone.id, vault=phoned.walk.vault)


def test_entries_of_an_earlier_key_are_read_by_who_may_and_count_for_nothing(
    phoned: Phoned, files: FileStore, site: SmallSite
) -> None:
    old, new, guard = phoned.phone, GuardPhone(), phoned.walk.guard
    phoned.enter(guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    old.note("round_start", TEN + 2 * MINUTE, round=str(phoned.walk.first))
    old.scan(uid_of("gate"), TEN + 3 * MINUTE)
    old.note("report", TEN + 4 * MINUTE, choice="leak", files=[], text="Behind the pump.")
    phoned.enrol(new)
    texts = [*old.entries[1:], "no entry at all"]
    bring(phoned, files, new, old, "journal", document(old, texts[:-1]))
    # The same again, and one of whose entries one is new.
    bring(phoned, files, new, old, "journal", document(old, texts[:-1]))
    bring(phoned, files, new, old, "journal", document(old, texts))
    shown = read(phoned, new, phoned.walk.supervisor)
    said = [(one["kind"], one["seq"], one["proved"]) for one in shown if one["kind"]]
    assert said == [("round_start", 2, True), ("scan", 3, True), ("report", 4, True)]
    [unread] = [one for one in shown if not one["kind"]]
    assert (unread["data"], unread["proved"]) == ({"text": "no entry at all"}, False)
    [report] = [one for one in shown if one["kind"] == "report"]
    assert report["data"] == {"choice": "leak", "text": "Behind the pump."}
    assert report["person_name"] is not None
    with phoned.database.read() as session:
        assert session.scalars(select(Scan)).all() == []
        assert session.scalars(select(GuardReport)).all() == []
    assert phoned.walk.states() == ["open"] * 3
    first, *_ = facts_of(phoned.database, "phone.orphaned")
    assert first.after == {"of": str(old.id), "entries": 3}
    stranger = employ(phoned.database, phoned.walk.site.id, "technician", "Wu")
    assert read(phoned, new, stranger) == []
    # Erased with their person, as all that is personal.
    with phoned.database.write() as session:
        destroy_keys(session, [guard])
    erased = [one for one in read(phoned, new, phoned.walk.supervisor) if one["kind"]]
    assert [one["data"] for one in erased] == [{}] * 3


def test_what_is_no_document_is_set_aside(phoned: Phoned, files: FileStore) -> None:
    old, new = GuardPhone(), GuardPhone()
    phoned.enrol(new)
    old.note("battery", TEN, percent=9, charging=False)
    wrong = [
        b"\xff\xfe",
        b"{}\nx",
        b'{"v":1,"phone":"?"}\nx',
        b'{"v":1,"phone":7}\nx',
        document(old, old.entries)[:60],
    ]
    ids = [bring(phoned, files, new, old, "journal", content) for content in wrong]
    # Of a phone that nobody knows, and signed by whoever: it is read all the same.
    ids.append(bring(phoned, files, new, old, "journal", document(old, old.entries)))
    with phoned.database.read() as session:
        states = [session.get_one(GuardFile, one).state for one in ids]
    assert states == ["unusable"] * 5 + ["complete"]
    [one] = read(phoned, new, phoned.walk.supervisor)
    assert (one["kind"], one["of_phone"], one["proved"]) == ("battery", old.id, False)


def test_a_photo_whose_entry_had_arrived_completes_its_report_and_goes_into_no_other(
    phoned: Phoned, files: FileStore
) -> None:
    old, new, guard = phoned.phone, GuardPhone(), phoned.walk.guard
    photo, other = pictures.photo(40, 30, colour="red"), pictures.photo(40, 30, colour="blue")
    phoned.enter(guard, TEN)
    owed = new_id()
    digest = hashlib.sha256(photo).hexdigest()
    old.note("file", TEN, file=str(owed), what="photo", sha256=digest, bytes=len(photo))
    old.note("report", TEN, choice="leak", files=[str(owed)])
    phoned.hand_in(TEN + MINUTE)
    phoned.enrol(new)
    brought = [bring(phoned, files, new, old, "photo", content) for content in (photo, other)]
    phoned.enter(guard, TEN + 61 * MINUTE, new)
    new.note("report", TEN + 62 * MINUTE, choice="leak", files=[str(one) for one in brought])
    phoned.hand_in(TEN + 63 * MINUTE, phone=new)
    caller = phoned.walk.caller(phoned.walk.supervisor)
    with phoned.database.read() as session:
        assert session.get_one(GuardFile, owed).state == "complete"
        rows = [session.get_one(GuardFile, one) for one in brought]
        assert [(row.state, row.report_id) for row in rows] == [("complete", None)] * 2
        assert [one["id"] for one in orphaned_files(session, caller, new.id)] == brought
    assert phoned.told()[-1].marks == ["no_file"]
