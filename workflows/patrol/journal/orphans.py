"""What a phone kept under an earlier key and could not hand in: taken beside, for people to read.

It is handed in by the phone under its new key, as a document and as files, and counts for nothing
by itself: whoever may see who scans reads it, and enters by hand what is worth it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core import events
from core.browser_keys import is_signed
from core.people import Caller, Person, scoped
from core.personal import keys_of, make_keys, seal, unseal
from core.vault import Vault
from workflows.patrol.checkpoints import PEOPLE
from workflows.patrol.journal.chain import Entry, Flawed, hash_of, read_entry
from workflows.patrol.journal.model import GuardFile, JournalEntry, JournalOrphan
from workflows.patrol.phones.model import Phone, PhoneUser

KIND, DOCUMENT = "orphaned", "journal"
VERSION = 1
# A document holds as many entries as a phone may keep in months; a phone hands in so many at most.
MOST_ENTRIES, MOST_KEPT = 2_000, 20_000
SHOWN_AT_MOST = 200
_SHOWN_DATA = ("choice", "text", "checks", "round", "checkpoint", "shown", "by", "why", "what")


@dataclass(frozen=True, slots=True)
class Document:
    """The entries of an earlier key. of_phone: which phone it was then; signature: by its key over
    the last entry; empty where there is none. texts: as they were written, in order."""

    of_phone: UUID
    signature: str
    texts: Sequence[str]


def read_document(content: bytes) -> Document:
    """Read a document: a line of JSON that says of which phone, then a line for each entry.

    Raises Flawed for anything else. Entries need not hold together: that may be why they are here.
    """
    try:
        head, *texts = content.decode().split("\n")
        said = orjson.loads(head)
        if said["v"] != VERSION or not isinstance(said.get("signature", ""), str):
            raise Flawed("a document of another form")
        of_phone = UUID(str(said["phone"]))
    except (UnicodeDecodeError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Flawed("no document") from None
    if not 1 <= len(texts) <= MOST_ENTRIES or any("\0" in text for text in texts):
        raise Flawed(f"1 to {MOST_ENTRIES} entries a document")
    return Document(of_phone, said.get("signature", ""), texts)


def keep_document(
    session: Session, row: GuardFile, document: Document, *, vault: Vault, now: datetime
) -> None:
    """Keep the entries of a document that are not kept yet, each sealed for its person."""
    read = [(text, hash_of(text), _read(text)) for text in document.texts]
    of_phone = JournalOrphan.phone_id == row.phone_id
    known = set(session.scalars(select(JournalOrphan.hash).where(of_phone)))
    keys = _keys(session, row.site_id, [entry for *_, entry in read])
    proved = _is_proved(session, document)
    fresh = {hash_: (text, entry) for text, hash_, entry in read if hash_ not in known}
    for hash_, (text, entry) in list(fresh.items())[: MOST_KEPT - len(known)]:
        person = entry.person if entry is not None and entry.person in keys else None
        session.add(
            JournalOrphan(
                phone_id=row.phone_id,
                hash=hash_,
                site_id=row.site_id,
                file_id=row.id,
                of_phone=document.of_phone,
                seq=None if entry is None else entry.seq,
                kind="" if entry is None else entry.kind,
                person_id=person,
                occurred_at=None if entry is None else entry.occurred_at,
                sealed=vault.seal(text, f"journal:{row.phone_id}")
                if person is None
                else seal(keys[person], text),
                proved=proved,
                received_at=now,
            )
        )
    session.flush()
    events.append(
        session,
        "phone.orphaned",
        ("phone", row.phone_id),
        actor=events.Actor("phone", str(row.phone_id)),
        learned_at=now,
        site_id=row.site_id,
        after={"of": str(document.of_phone), "entries": len(document.texts)},
    )


def _read(text: str) -> Entry | None:
    try:
        return read_entry(text)
    except Flawed:
        return None


def _keys(session: Session, site_id: UUID, entries: Sequence[Entry | None]) -> Mapping[UUID, bytes]:
    """The keys of those people of entries who ever signed in with signal on a phone of the site."""
    named = {one.person for one in entries if one is not None and one.person is not None}
    known = select(PhoneUser.person_id).where(
        PhoneUser.site_id == site_id, PhoneUser.person_id.in_(named)
    )
    return make_keys(session, set(session.scalars(known)))


def _is_proved(session: Session, document: Document) -> bool:
    """Whether the key of that phone has signed its last entry, and so by the hashes all of it."""
    phone, last = session.get(Phone, document.of_phone), _read(document.texts[-1])
    if phone is None or last is None:
        return False
    said = f"wk-journal-1\n{phone.id}\n{last.seq}\n{last.hash}"
    return is_signed(phone.key, said, document.signature)


def owed_by_earlier_key(session: Session, row: GuardFile) -> list[GuardFile]:
    """Files that the phone told of under its earlier key, and of which this one has the very bytes.

    Their hash stands in a journal that was taken: so they are what was taken then, whoever brings
    them. Locked.
    """
    of_phone = session.scalars(
        select(JournalEntry.outcome).where(
            JournalEntry.phone_id == row.phone_id,
            JournalEntry.seq == row.seq,
            JournalEntry.kind == KIND,
        )
    ).first()
    if of_phone is None:
        return []
    statement = select(GuardFile).where(
        GuardFile.phone_id == UUID(of_phone["of_phone"]),
        GuardFile.site_id == row.site_id,
        GuardFile.sha256 == row.sha256,
        GuardFile.what == row.what,
        GuardFile.state == "waiting",
    )
    return list(session.scalars(statement.with_for_update()))


def orphans_of(
    session: Session, caller: Caller, phone_id: UUID, *, vault: Vault
) -> list[dict[str, Any]]:
    """What a phone handed in of earlier keys, in order, where the caller sees who scans.

    Each with `person_name` and `data`; both none where its person was erased. At most 200.
    """
    statement = (
        select(JournalOrphan, Person.name)
        .outerjoin(Person, Person.id == JournalOrphan.person_id)
        .where(JournalOrphan.phone_id == phone_id)
        .order_by(JournalOrphan.of_phone, JournalOrphan.seq, JournalOrphan.hash)
        .limit(SHOWN_AT_MOST)
    )
    rows = session.execute(scoped(statement, JournalOrphan.site_id, caller, PEOPLE)).all()
    keys = keys_of(session, {row.person_id for row, _ in rows if row.person_id is not None})
    return [
        {
            "of_phone": row.of_phone,
            "seq": row.seq,
            "kind": row.kind,
            "person_name": name,
            "occurred_at": row.occurred_at,
            "proved": row.proved,
            "data": _data(_text(row, keys, vault)),
        }
        for row, name in rows
    ]


def _text(row: JournalOrphan, keys: Mapping[UUID, bytes], vault: Vault) -> str:
    if row.person_id is None:
        return vault.unseal(row.sealed, f"journal:{row.phone_id}")
    key = keys.get(row.person_id)
    return "" if key is None else str(unseal(key, row.sealed))


def _data(text: str) -> dict[str, Any]:
    """What an entry says that people read; of one that can't be read, its very text."""
    entry = _read(text)
    if entry is None:
        return {"text": text} if text else {}
    return {name: entry.data[name] for name in _SHOWN_DATA if entry.data.get(name)}


def count_orphans(session: Session, caller: Caller, phone_id: UUID) -> int:
    """How many entries of earlier keys a phone handed in, where the caller sees who scans."""
    statement = select(func.count(JournalOrphan.hash)).where(JournalOrphan.phone_id == phone_id)
    return session.scalar(scoped(statement, JournalOrphan.site_id, caller, PEOPLE)) or 0


def orphaned_files(session: Session, caller: Caller, phone_id: UUID) -> list[dict[str, Any]]:
    """The photos and voice notes among it that are here, where the caller sees who scans."""
    statement = (
        _files().where(GuardFile.phone_id == phone_id).order_by(GuardFile.seq).limit(SHOWN_AT_MOST)
    )
    found = session.scalars(scoped(statement, GuardFile.site_id, caller, PEOPLE)).all()
    shown = ("id", "what", "width", "height", "seconds", "taken_at")
    return [{name: getattr(row, name) for name in shown} for row in found]


def find_orphaned_file(session: Session, caller: Caller, file_id: UUID) -> GuardFile | None:
    """One of them; None where there is none that the caller may see."""
    statement = _files().where(GuardFile.id == file_id)
    return session.scalars(scoped(statement, GuardFile.site_id, caller, PEOPLE)).first()


def _files() -> Select[GuardFile]:
    return (
        select(GuardFile)
        .join(
            JournalEntry,
            (JournalEntry.phone_id == GuardFile.phone_id) & (JournalEntry.seq == GuardFile.seq),
        )
        .where(
            JournalEntry.kind == KIND,
            GuardFile.state == "complete",
            GuardFile.what != DOCUMENT,
            GuardFile.report_id.is_(None),
        )
    )
