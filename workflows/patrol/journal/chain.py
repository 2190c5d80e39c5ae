"""Entries of a journal: read from their text, and held together by their hashes. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

VERSION = 1
LONGEST_ENTRY = 32 * 1024
_MOST_SEQ = 2**31 - 1
_MOST_MS = 2**53
# A phone whose battery was flat begins in 1970, and learns of decades at once. What it recorded is
# not lost for that; the sum stays within what a datetime holds.
_FARTHEST_MS = 100 * 366 * 86_400_000
_YEARS = range(1970, 2200)
_KIND = re.compile(r"[a-z_]{1,20}")
_BOOT = re.compile(r"[\w-]{1,40}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")


class Flawed(Exception):
    """An entry that no app of ours writes. seq: which, as far as it can be told."""

    def __init__(self, what: str, seq: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. text: as the phone wrote it; hash: SHA-256 of that, in hex; prev: of the last one.

    at: by the phone's clock; mono_ms: its monotonic clock since `boot`; offset_ms: how far it knew
    our clock to be ahead of its own. reckoned_ms: what we take that for where the phone did not
    know; sure: whether that, or what it knew, can be relied on.
    """

    text: str
    hash: str
    seq: int
    prev: str
    id: UUID
    at: datetime
    mono_ms: int
    boot: str
    offset_ms: int | None
    person: UUID | None
    kind: str
    data: Mapping[str, Any]
    reckoned_ms: int | None = None
    sure: bool = True

    @property
    def ahead_ms(self) -> int | None:
        """How far our clock was ahead of the phone's, as far as anybody knows."""
        return self.reckoned_ms if self.offset_ms is None else self.offset_ms

    @property
    def occurred_at(self) -> datetime:
        """When it was, by our clock as the phone, or else we, reckon it."""
        return self.at + timedelta(milliseconds=self.ahead_ms or 0)


def genesis(phone_id: UUID) -> str:
    """What stands as the hash before the first entry of a phone."""
    return hash_of(f"wk-journal-1\n{phone_id}")


def hash_of(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def signed_text(phone_id: UUID, last: Entry) -> str:
    """What a phone signs of a batch: its last entry, and with its hash all before."""
    return f"wk-journal-1\n{phone_id}\n{last.seq}\n{last.hash}"


def read_entries(texts: Sequence[str]) -> list[Entry]:
    """Entries that follow each other. Raises Flawed at the first that does not."""
    found: list[Entry] = []
    for text in texts:
        entry = read_entry(text)
        if found and entry.seq != found[-1].seq + 1:
            raise Flawed("seq: does not follow the one before", entry.seq)
        if found and entry.prev != found[-1].hash:
            raise Flawed("prev: is not the hash of the one before", entry.seq)
        found.append(entry)
    return found


def read_entry(text: str) -> Entry:
    """An entry from its text. Raises Flawed."""
    if len(text) > LONGEST_ENTRY:
        raise Flawed(f"at most {LONGEST_ENTRY // 1024} KiB an entry")
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Flawed("an entry is no JSON") from None
    if not isinstance(said, dict):
        raise Flawed("an entry is no object")
    seq = _whole(said, "seq", 1, _MOST_SEQ, None)
    if said.get("v") != VERSION:
        raise Flawed(f"v: {VERSION}", seq)
    person, data = said.get("person"), said.get("data")
    if not isinstance(data, dict):
        raise Flawed("data: an object", seq)
    offset = said.get("offset_ms")
    return Entry(
        text=text,
        hash=hash_of(text),
        seq=seq,
        prev=_matched(said, "prev", _HASH, seq),
        id=_uuid(said.get("id"), "id", seq),
        at=_moment(said.get("at"), seq),
        mono_ms=_whole(said, "mono_ms", 0, _MOST_MS, seq),
        boot=_matched(said, "boot", _BOOT, seq),
        offset_ms=None
        if offset is None
        else _whole(said, "offset_ms", -_FARTHEST_MS, _FARTHEST_MS, seq),
        person=None if person is None else _uuid(person, "person", seq),
        kind=_matched(said, "kind", _KIND, seq),
        data=data,
    )


def _whole(said: Mapping[str, Any], name: str, least: int, most: int, seq: int | None) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Flawed(f"{name}: a whole number from {least} to {most}", seq)
    return value


def _matched(said: Mapping[str, Any], name: str, pattern: re.Pattern[str], seq: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Flawed(f"{name}: {pattern.pattern}", seq)
    return value


def _uuid(value: object, name: str, seq: int) -> UUID:
    try:
        if isinstance(value, str):
            return UUID(value)
    except ValueError:
        pass
    raise Flawed(f"{name}: a UUID", seq)


def _moment(value: object, seq: int) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in _YEARS:
        raise Flawed("at: RFC 3339 with a zone", seq)
    return moment.astimezone(UTC)
