"""What the data of an entry says, as the functions of patrols and reports take it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from workflows.patrol.journal.chain import Entry
from workflows.patrol.phones.model import Phone
from workflows.patrol.presented import (
    Position,
    Presented,
    PrintedCode,
    RotatingCode,
    SignedTap,
    StaticTag,
)
from workflows.patrol.privacy.consenting import Shown
from workflows.patrol.reports.recording import Told

_OF_FIX = ("latitude", "longitude", "accuracy_m")


class Unreadable(Exception):
    """The data of an entry is not what its kind holds."""


def uuid_of(data: Mapping[str, Any], name: str) -> UUID:
    """An id that must be there. Raises Unreadable."""
    found = _uuid(data, name)
    if found is None:
        raise Unreadable
    return found


def _uuid(data: Mapping[str, Any], name: str) -> UUID | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        return UUID(value) if isinstance(value, str) else _unreadable()
    except ValueError:
        raise Unreadable from None


def _unreadable() -> UUID:
    raise Unreadable


def line_of(data: Mapping[str, Any], name: str, most: int) -> str:
    """A text that must be there. Raises Unreadable."""
    value = data.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most or "\0" in value:
        raise Unreadable
    return value


def _number(data: Mapping[str, Any], name: str) -> float:
    value = data.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise Unreadable
    return float(value)


def presented_of(entry: Entry, site_id: UUID, channel: str) -> Presented:
    """What an entry of the kind `scan` presents. Raises Unreadable."""
    shown = entry.data.get("shown")
    if not isinstance(shown, dict):
        raise Unreadable
    about: dict[str, Any] = {
        "id": entry.id,
        "occurred_at": entry.occurred_at,
        "channel": channel,
        "site_id": site_id,
        "person_id": entry.person,
    }
    match shown.get("kind"):
        case "signed_tag":
            return SignedTap(address=line_of(shown, "address", 2000), **about)
        case "rotating_code":
            point = uuid_of(shown, "checkpoint_id")
            return RotatingCode(checkpoint_id=point, code=line_of(shown, "code", 20), **about)
        case "static_tag":
            return StaticTag(uid=line_of(shown, "uid", 80), **about)
        case "printed_code":
            return PrintedCode(code=line_of(shown, "code", 200), **about)
        case "position":
            about["checkpoint_id"] = uuid_of(shown, "checkpoint_id")
            about |= {name: _number(shown, name) for name in _OF_FIX}
            return Position(**about)
        case _:
            raise Unreadable


def tells_where(entry: Entry) -> bool:
    """Whether the text of an entry holds a position."""
    shown = entry.data.get("shown")
    return entry.kind == "scan" and isinstance(shown, dict) and shown.get("kind") == "position"


@dataclass(frozen=True, slots=True)
class ConsentTold:
    """What an entry says of a consent. given: whether they agree, else they agree no more."""

    purpose: str
    given: bool
    text: Shown


def consent_of(entry: Entry) -> ConsentTold:
    """What an entry of the kind `consent` says. Raises Unreadable."""
    version, given = entry.data.get("version"), entry.data.get("given")
    if not isinstance(version, int) or not isinstance(given, bool):
        raise Unreadable
    lines = (line_of(entry.data, name, 64) for name in ("purpose", "language", "digest"))
    purpose, language, digest = lines
    return ConsentTold(purpose, given, Shown(version, language, digest, "phone"))


def report_of(entry: Entry, phone: Phone) -> Told:
    """What an entry tells of a report, an addition or a note. Raises Unreadable."""
    data = entry.data
    files, checks, text = data.get("files", []), data.get("checks", {}), data.get("text", "")
    if not (isinstance(files, list) and isinstance(checks, dict) and isinstance(text, str)):
        raise Unreadable
    if entry.person is None or not all(isinstance(value, bool) for value in checks.values()):
        raise Unreadable
    choice = data.get("choice", "")
    if not isinstance(choice, str):
        raise Unreadable
    return Told(
        id=entry.id,
        site_id=phone.site_id,
        phone_id=phone.id,
        seq=entry.seq,
        person_id=entry.person,
        occurred_at=entry.occurred_at,
        choice=choice,
        checkpoint_id=_uuid(data, "checkpoint"),
        round_id=_uuid(data, "round"),
        checks=checks,
        files=[uuid_of({"file": one}, "file") for one in files],
        text=text,
        task_id=_uuid(data, "task"),
    )
