"""What the tests of pages of phones share: a phone of a post, and what its guard reported."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.ids import new_id
from tests import pictures
from tests.guard_phone import GuardPhone
from tests.web.patrolling import checkpoint, put
from tests.web.rounding import caller_of
from tests.web.stage import Stage
from workflows.patrol.journal.files import PIECE, finish_file, put_piece
from workflows.patrol.journal.taking import Batch, take_batch
from workflows.patrol.phones.enrolling import NewPhone, NewPlace, enrol, make_place
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.signing_in import sign_in

SHIFT = timedelta(hours=12)


@dataclass
class Gatehouse:
    """A phone of the gatehouse with its guard, and the reports that they made on it."""

    phone: GuardPhone
    guard: UUID
    leak: UUID
    stranger: UUID
    photo: UUID


def set_up(stage: Stage, supervisor: UUID, phone: GuardPhone, label: str, now: datetime) -> None:
    """Make a place, and let a phone take it."""
    vault = stage.parts.vault
    with stage.parts.database.write() as session:
        caller, new = caller_of(stage, supervisor), NewPlace("post", label)
        _, code = make_place(session, caller, stage.site_id, new, vault=vault, now=now)
    with stage.parts.database.write() as session:
        key = {name: phone.key[name] for name in ("x", "y")}
        browser = "Mozilla/5.0 (Linux; Android 13; K) Chrome/131.0.0.0 Mobile"
        enrol(session, NewPhone(phone.id, code, key, browser, "1.0"), vault=vault, now=now)


def hand_in(stage: Stage, phone: GuardPhone, now: datetime, last: int | None = None) -> None:
    """The phone hands its journal in."""
    entries, signature = phone.batch(1, last)
    storage = {"persisted": False, "free_mb": 900}
    batch = Batch(entries, signature, phone.head, now + phone.clock_ahead, "1.0", storage)
    with stage.parts.database.write() as session:
        row = session.get_one(Phone, phone.id, with_for_update=True)
        take_batch(session, row, batch, vault=stage.parts.vault, now=now)


def give(stage: Stage, phone: GuardPhone, file_id: UUID, content: bytes, now: datetime) -> None:
    """The phone hands a file in."""
    for start in range(0, len(content), PIECE):
        with stage.parts.database.write() as session:
            row = session.get_one(Phone, phone.id)
            put_piece(session, row, file_id, start, content[start : start + PIECE], now=now)
    vault = stage.parts.vault
    finish_file(stage.parts.database, stage.parts.files, file_id, vault=vault, now=now)


def kept_before(guard: UUID, at: datetime) -> GuardPhone:
    """A phone as it was before it was set up anew, with what it could not hand in then."""
    before = GuardPhone()
    before.sign_in(guard, at)
    before.scan("04AABBF1", at + timedelta(minutes=4))
    text = "Hand lamp of the garage does not burn.\n车库手提灯不亮。"
    before.note("report", at + timedelta(minutes=9), choice="light_out", files=[], text=text)
    return before


def document_of(phone: GuardPhone) -> bytes:
    """All its entries, as it takes them along under its next key."""
    _, signature = phone.batch()
    head = {"v": 1, "phone": str(phone.id), "signature": signature}
    return "\n".join([json.dumps(head), *phone.entries]).encode()


def gatehouse(stage: Stage) -> Gatehouse:
    """A shift at the gatehouse: a leak with a photo, a stranger, and a phone whose clock is off."""
    now = stage.parts.clock.now()
    supervisor = stage.person("Fang Lin", "supervisor")
    guard = stage.person("Zhao Guo Qiang 赵国强", "guard", locale="zh")
    door = checkpoint(stage, "letter-boxes-b1", "Letter boxes of building 1", "1号楼信箱间")
    put(stage, door, "static_tag", "04AABBF1")
    phone = GuardPhone(clock_ahead=timedelta(minutes=7))
    set_up(stage, supervisor, phone, "Gatehouse 门岗", now - 3 * SHIFT)
    with stage.parts.database.write() as session:
        row = session.get_one(Phone, phone.id)
        sign_in(session, row, guard, lasts=SHIFT, now=now - timedelta(hours=5))
    phone.sign_in(guard, now - timedelta(hours=5))
    photo, file_id = pictures.photo(800, 600, colour="steelblue"), new_id()
    digest = hashlib.sha256(photo).hexdigest()
    at = now - timedelta(hours=2)
    phone.note("file", at, file=str(file_id), what="photo", sha256=digest, bytes=len(photo))
    waits = {"file": str(new_id()), "what": "photo", "sha256": digest, "bytes": len(photo)}
    phone.note("file", at, **waits)
    leak = phone.note(
        "report",
        at + timedelta(minutes=1),
        choice="leak",
        checkpoint=str(door),
        files=[str(file_id), waits["file"]],
        checks={"electrics": False, "valve": True},
        text="Drips from the pipe above the letter boxes.\n信箱上方水管滴水。",
    )
    stranger = phone.note("report", at + timedelta(minutes=9), choice="stranger", text="")
    phone.note(
        "report_more", at, report=str(stranger), text="Left towards the garage. 已往车库方向离开。"
    )
    before = kept_before(guard, at - timedelta(hours=30))
    document = {"file": str(new_id()), "what": "journal", "phone": str(before.id)}
    content = document_of(before)
    sized = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    phone.note("orphaned", at, **document, **sized)
    phone.note("battery", now, percent=9, charging=False)
    hand_in(stage, phone, now - timedelta(minutes=3), phone.head - 1)
    for one, its_bytes in ((file_id, photo), (UUID(document["file"]), content)):
        give(stage, phone, one, its_bytes, now)
    return Gatehouse(phone, guard, leak, stranger, file_id)
