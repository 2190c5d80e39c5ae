"""Taking what a phone hands in: a batch of entries, once, in order, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.browser_keys import is_signed
from core.errors import Conflict, Invalid
from core.personal import make_keys, seal
from core.vault import Vault
from rules.wording import worded
from workflows.patrol import lone
from workflows.patrol.journal.applying import Applying, Outcome, apply, is_made_by_hand
from workflows.patrol.journal.chain import Entry, Flawed, genesis, read_entries, signed_text
from workflows.patrol.journal.clocks import Sending, clock_marks, reckon
from workflows.patrol.journal.contact import note_phone
from workflows.patrol.journal.model import JournalEntry, JournalFork
from workflows.patrol.journal.shown import tells_where
from workflows.patrol.phones.model import Phone, PhoneUser

# What is kept of others who continue a journal, at most.
MOST_FORKED = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """What a phone hands in. signature: over the last entry; empty without entries.

    head: the newest entry that the phone has; sent_at: by its clock; boot, mono_ms: by its steady
    one, where it tells. asked_at: when it made the request, by our clock as it knows it; none: now.
    storage: what it says of its room and of whether the browser keeps it.
    """

    entries: Sequence[str]
    signature: str
    head: int
    sent_at: datetime
    app: str = ""
    storage: dict[str, Any] = field(default_factory=dict)
    boot: str = ""
    mono_ms: int = 0
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. entries: those of it, as they stand now.

    forked_at: number of the first entry under which another one stands; then nothing was taken.
    """

    entries: Sequence[JournalEntry] = ()
    forked_at: int | None = None


class Gap(Conflict):
    """The batch begins behind what is known; the phone sends from there."""

    def __init__(self, accepted: int) -> None:
        super().__init__(
            f"entries before it are missing: {accepted} is the last one known",
            advice=f"Send again from {accepted + 1}.",
        )
        self.members = {"code": "gap", "accepted": accepted}


class Unchained(Invalid):
    """Entries that do not hold together, or are not signed."""

    def __init__(self, problem: str, seq: int | None, accepted: int) -> None:
        super().__init__("the entries do not hold together", problems=[problem])
        self.members = {"code": "chain", "seq": seq, "accepted": accepted}


def take_batch(
    session: Session, phone: Phone, batch: Batch, *, vault: Vault, now: datetime
) -> Taken:
    """Take the entries of a batch that are new, each through the function of its kind.

    phone: locked until commit. Entries that are known change nothing. Raises Gap and Unchained;
    a fork raises nothing, so that what was seen of it is kept.
    """
    entries = _read(phone, batch)
    if entries:
        known = _known(session, phone, entries)
        forked = _forked(phone, entries, known)
        if forked is not None:
            _keep_fork(session, phone, entries, forked, vault, now)
            return Taken(forked_at=forked)
    fresh = [entry for entry in entries if entry.seq > phone.accepted]
    alive = _take(session, phone, fresh, batch, vault, now)
    phone.head = max(phone.head, phone.accepted, batch.head)
    phone.offset_ms = int((now - batch.sent_at) / timedelta(milliseconds=1))
    phone.app, phone.storage = batch.app or phone.app, batch.storage or phone.storage
    note_phone(session, phone, now=now, asked_at=batch.asked_at)
    # Behind that: everybody locks what is known of a phone before the watch over its guard.
    for person_id in sorted(alive):
        lone.note_life(session, person_id, "journal", now=now, at=alive[person_id])
    if not entries:
        return Taken()
    return Taken(entries_of(session, phone, entries[0].seq, entries[-1].seq))


def _read(phone: Phone, batch: Batch) -> list[Entry]:
    try:
        entries = read_entries(batch.entries)
    except Flawed as flawed:
        raise Unchained(flawed.what, flawed.seq, phone.accepted) from None
    if not entries:
        return []
    if not is_signed(phone.key, signed_text(phone.id, entries[-1]), batch.signature):
        problem = worded("signature: by the key of this phone, over its last entry")
        raise Unchained(problem, entries[-1].seq, phone.accepted)
    if entries[0].seq > phone.accepted + 1:
        raise Gap(phone.accepted)
    return entries


def _known(session: Session, phone: Phone, entries: Sequence[Entry]) -> dict[int, str]:
    """The hashes of the entries that we have, from the one before the first on."""
    first = entries[0].seq - 1
    statement = select(JournalEntry.seq, JournalEntry.hash).where(
        JournalEntry.phone_id == phone.id, JournalEntry.seq.between(first, entries[-1].seq)
    )
    return {0: genesis(phone.id), **dict(session.execute(statement).all())}


def _forked(phone: Phone, entries: Sequence[Entry], known: dict[int, str]) -> int | None:
    """The number of the first entry that another one stands under, or that follows another one."""
    if entries[0].prev != known[entries[0].seq - 1]:
        return entries[0].seq
    for entry in entries:
        if entry.seq <= phone.accepted and known[entry.seq] != entry.hash:
            return entry.seq
    return None


def _keep_fork(
    session: Session,
    phone: Phone,
    entries: Sequence[Entry],
    forked: int,
    vault: Vault,
    now: datetime,
) -> None:
    """Keep what continues a journal otherwise, and tell of it when it is seen first."""
    of_phone = JournalFork.phone_id == phone.id
    keys = _keys(session, phone, entries)
    room = MOST_FORKED - (session.scalar(select(func.count()).where(of_phone)) or 0)
    for entry in entries:
        standing = session.get(JournalFork, (phone.id, entry.seq, entry.hash))
        if entry.seq < forked or standing is not None or room <= 0:
            continue
        room -= 1
        session.add(
            JournalFork(
                phone_id=phone.id,
                seq=entry.seq,
                hash=entry.hash,
                site_id=phone.site_id,
                # Nobody judges whether a position of it might be taken.
                sealed=b"" if tells_where(entry) else _sealed(phone, entry, keys, vault),
                received_at=now,
            )
        )
    phone.heard_at = max(phone.heard_at, now)
    if phone.forked_at is None:
        phone.forked_at = now
        events.append(
            session,
            "phone.fork",
            ("phone", phone.id),
            actor=events.Actor("phone", str(phone.id)),
            learned_at=now,
            site_id=phone.site_id,
            after={"seq": forked},
        )
    session.flush()


def _keys(session: Session, phone: Phone, entries: Sequence[Entry]) -> Mapping[UUID, bytes]:
    """The keys of those people of entries who ever signed in on the phone with signal."""
    named = {entry.person for entry in entries if entry.person is not None}
    known = select(PhoneUser.person_id).where(
        PhoneUser.phone_id == phone.id, PhoneUser.person_id.in_(named)
    )
    return make_keys(session, session.scalars(known).all())


def _sealed(phone: Phone, entry: Entry, keys: Mapping[UUID, bytes], vault: Vault) -> bytes:
    """The text of an entry under the key of its person; of somebody unknown here by the vault."""
    if entry.person is not None and entry.person in keys:
        return seal(keys[entry.person], entry.text)
    return vault.seal(entry.text, f"journal:{phone.id}")


def _take(
    session: Session,
    phone: Phone,
    fresh: Sequence[Entry],
    batch: Batch,
    vault: Vault,
    now: datetime,
) -> dict[UUID, datetime]:
    """Take entries; returns who made some of them as whoever was signed in, and the last when."""
    applying = Applying(session, phone, vault, now)
    sending = Sending(batch.sent_at, now, batch.boot, batch.mono_ms)
    keys = _keys(session, phone, fresh)
    alive: dict[UUID, datetime] = {}
    for told in fresh:
        before = phone.signed_in_id
        entry = reckon(told, phone, sending)
        outcome = apply(applying, entry)
        who, lived_at = entry.person, _lived_at(phone, entry)
        if who is not None and lived_at is not None and who in (before, phone.signed_in_id):
            alive[who] = max(lived_at, alive.get(who, lived_at))
        outcome.marks += clock_marks(phone, entry)
        row = _row(phone, entry, outcome, now)
        row.person_id = entry.person if entry.person in keys else None
        row.sealed = b"" if outcome.textless else _sealed(phone, entry, keys, vault)
        row.coarse_at = now if outcome.textless else None
        row.signature = batch.signature if told is fresh[-1] else None
        session.add(row)
        phone.accepted, phone.head_hash = entry.seq, entry.hash
        phone.boot, phone.mono_ms, phone.last_at = entry.boot, entry.mono_ms, entry.at
    session.flush()
    return alive


def _lived_at(phone: Phone, entry: Entry) -> datetime | None:
    """When at least whoever made an entry was well; none for what an app notes by itself.

    Of a time that nobody knows only that it was after all that the phone had told before.
    """
    if not is_made_by_hand(entry):
        return None
    return entry.occurred_at if entry.sure else phone.told_until


def _row(phone: Phone, entry: Entry, outcome: Outcome, now: datetime) -> JournalEntry:
    return JournalEntry(
        phone_id=phone.id,
        seq=entry.seq,
        id=entry.id,
        site_id=phone.site_id,
        kind=entry.kind,
        hash=entry.hash,
        occurred_at=entry.occurred_at,
        device_at=entry.at,
        offset_ms=entry.offset_ms,
        mono_ms=entry.mono_ms,
        boot=entry.boot,
        received_at=now,
        verdict=outcome.verdict,
        reason=outcome.reason,
        marks=outcome.marks,
        outcome=outcome.ids,
    )


def entries_of(session: Session, phone: Phone, first: int, last: int) -> Sequence[JournalEntry]:
    """Entries of a journal from a number to a number."""
    statement = select(JournalEntry).where(
        JournalEntry.phone_id == phone.id, JournalEntry.seq.between(first, last)
    )
    return session.scalars(statement.order_by(JournalEntry.seq)).all()
