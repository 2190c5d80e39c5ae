"""Shift codes: what the cells of a roster say, and the hours that each means at a place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import JSON, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import Invalid
from core.folding import fold
from core.inherited import (
    Kept,
    code_problems,
    kept_at,
    log_kept,
    name_problems,
    row_to_keep,
    tidy,
    word_problems,
)
from core.people import Caller
from core.places import Node
from core.rosters.model import KINDS
from core.teams import ROSTER
from rules.wording import Message, worded

FILE = Path(__file__).with_name("shift_codes.yaml")
MOST_WRITTEN = 12
LONGEST_WRITTEN = 20
_FIELDS: Mapping[str, Message] = {
    "code": worded("code"),
    "name": worded("name"),
    "written": worded("written"),
    "starts": worded("starts"),
    "ends": worded("ends"),
}
# What a cell says of a day without a shift. Whoever is away is told by an absence, not by this.
OFF = frozenset(
    map(fold, ("off", "rest", "休", "休息", "公休", "调休", "轮休", "假", "年假", "病假", "事假"))
)
# What stands between the shifts of one cell, and between the hours of one.
_BETWEEN = "/+,，、&;；"
_RANGE = "-–—~～至"
Hours = tuple[time, time]


class ShiftCodeRow(Kept):
    """A shift code that a node keeps. written: what else cells say for it.

    starts, ends: as `08:00`; an end at or before the start is on the next day.
    """

    __tablename__ = "shift_code"

    name: Mapped[dict[str, str]] = mapped_column(JSON)
    written: Mapped[list[str]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(10))
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))


@dataclass(frozen=True, slots=True)
class ShiftCode:
    """A shift code as it holds at a place. node_id: where it is kept; None = shipped."""

    code: str
    name: Mapping[str, str]
    written: tuple[str, ...] = ()
    kind: str = "duty"
    starts: str = ""
    ends: str = ""
    retired: bool = False
    node_id: UUID | None = None
    version: int = 0

    @property
    def hours(self) -> Hours:
        """Its hours, of the local clock."""
        return time.fromisoformat(self.starts), time.fromisoformat(self.ends)

    @property
    def words(self) -> set[str]:
        """All that cells may say for it, folded."""
        return {fold(text) for text in (self.code, *self.name.values(), *self.written)}

    def described(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "code": self.code,
            "name": dict(self.name),
            "written": list(self.written),
            "kind": self.kind,
            "starts": self.starts,
            "ends": self.ends,
            "retired": self.retired,
            "node_id": self.node_id,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class ShiftCodeDraft:
    """A shift code to keep; see `ShiftCodeRow`."""

    code: str
    name: Mapping[str, str]
    starts: str
    ends: str
    written: tuple[str, ...] = field(default=())
    kind: str = "duty"
    retired: bool = False


@lru_cache(maxsize=1)
def shipped_shift_codes() -> Mapping[str, ShiftCode]:
    """The shift codes that are shipped, by code."""
    found = {}
    for code, said in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        starts, ends = said["hours"]
        kind = said.get("kind", "duty")
        found[code] = ShiftCode(code, said["name"], tuple(said["written"]), kind, starts, ends)
    return MappingProxyType(found)


def shift_codes_at(session: Session, node_id: UUID) -> dict[str, ShiftCode]:
    """By code every shift code that holds at a node, also the retired ones; shipped ones first."""
    own = {
        code: ShiftCode(
            code,
            row.name,
            tuple(row.written),
            row.kind,
            row.starts,
            row.ends,
            row.retired,
            row.node_id,
            row.version,
        )
        for code, row in kept_at(session, ShiftCodeRow, node_id).items()
    }
    return {**shipped_shift_codes(), **own}


def save_shift_code(
    session: Session,
    caller: Caller,
    node: Node,
    draft: ShiftCodeDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> ShiftCode:
    """Keep a shift code on a node; one of the same code above it holds here no more.

    Shifts that stand keep their hours. Invalid with every problem; Stale when somebody changed it
    since it was read (0: not yet there).
    """
    caller.require_over(ROSTER, node)
    taken = (_taken(draft, known) for known in _known_below(session, node, draft.code))
    problems = [*_problems(draft), *dict.fromkeys(chain.from_iterable(taken))]
    if problems:
        raise Invalid(worded("the shift code was not saved"), problems=problems)
    row = row_to_keep(session, ShiftCodeRow, node, draft.code, expected_version=expected_version)
    row.name, row.written = tidy(draft.name), _tidy_words(draft.written)
    row.kind, row.starts, row.ends = draft.kind, _clock(draft.starts), _clock(draft.ends)
    row.retired = draft.retired
    log_kept(session, "shift_code.save", row, node, person=caller.person_id, now=now)
    return shift_codes_at(session, node.id)[draft.code]


def _known_below(session: Session, node: Node, code: str) -> Iterator[Mapping[str, ShiftCode]]:
    """What holds at a node, and at every place below it that keeps codes but not this one."""
    yield shift_codes_at(session, node.id)
    keepers = (
        select(ShiftCodeRow.node_id)
        .join(Node, Node.id == ShiftCodeRow.node_id)
        .where(Node.path.startswith(node.path, autoescape=True), Node.id != node.id)
        .distinct()
    )
    for keeper in session.scalars(keepers).all():
        known = shift_codes_at(session, keeper)
        if code not in known or known[code].node_id != keeper:
            yield known


def _clock(text: str) -> str:
    """Hours and minutes in one spelling: what people also write, such as 24:00, no clock reads."""
    moment = time_of(text)
    assert moment is not None
    return f"{moment:%H:%M}"


def _tidy_words(written: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(text for each in written if (text := " ".join(each.split()))))


def _problems(draft: ShiftCodeDraft) -> Iterator[str]:
    yield from code_problems(draft.code)
    yield from name_problems(draft.name, "name")
    yield from word_problems(draft.kind, KINDS, "kind")
    read = ("starts", draft.starts, _start_of), ("ends", draft.ends, time_of)
    for field_name, text, moment_of in read:
        if moment_of(text) is None or len(text) != len("08:00"):
            yield worded("%(name)s: hours and minutes, such as 08:00", name=_FIELDS[field_name])
    words = _tidy_words(draft.written)
    if len(words) > MOST_WRITTEN or any(len(each) > LONGEST_WRITTEN for each in words):
        yield worded(
            "written: at most %(most)s, each of at most %(longest)s characters",
            most=MOST_WRITTEN,
            longest=LONGEST_WRITTEN,
        )
    spellings = {"code": [draft.code], "name": [*tidy(draft.name).values()], "written": words}
    for field_name, said in spellings.items():
        if any(map(_means_more, said)):
            yield worded(
                "%(name)s: no word for a day off, no hours, and none of / + , in it",
                name=_FIELDS[field_name],
            )


def _means_more(word: str) -> bool:
    return fold(word) in OFF or hours_in(word) is not None or any(sign in word for sign in _BETWEEN)


def _taken(draft: ShiftCodeDraft, known: Mapping[str, ShiftCode]) -> Iterator[str]:
    """Words that already mean another code here: a cell must mean one thing."""
    if draft.retired:
        return
    wanted = ShiftCode(draft.code, tidy(draft.name), draft.written).words
    for other in known.values():
        if other.code != draft.code and not other.retired and (both := wanted & other.words):
            yield worded(
                "written: %(words)s means %(code)s here",
                words=", ".join(sorted(both)),
                code=other.code,
            )


def time_of(text: str) -> time | None:
    """The time of day that a text says: 8, 8:00, 08.30, 24:00; None for none."""
    hour, _, minute = text.strip().replace("：", ":").replace(".", ":").partition(":")
    if not (hour.isascii() and hour.isdecimal() and len(hour) <= 2):
        return None
    if minute and not (minute.isascii() and minute.isdecimal() and len(minute) == 2):
        return None
    parts = int(hour), int(minute or 0)
    if parts == (24, 0):
        return time()
    return time(*parts) if parts[0] < 24 and parts[1] < 60 else None


def _start_of(text: str) -> time | None:
    """The same of a beginning. None for 24:00, which is of the next day and no time of this one."""
    return None if text.strip().startswith("24") else time_of(text)


def hours_in(text: str) -> Hours | None:
    """The hours that a text says: 8-16, 08:00–16:00; None for none."""
    for sign in _RANGE:
        begin, found, end = text.partition(sign)
        if found:
            starts, ends = _start_of(begin), time_of(end)
            return None if starts is None or ends is None else (starts, ends)
    return None


@dataclass(frozen=True, slots=True)
class Meant:
    """A shift as a cell says it."""

    kind: str
    hours: Hours


def understand_cell(known: Mapping[str, ShiftCode], text: str) -> list[Meant] | None:
    """The shifts that a cell says: codes, hours, several of them, or none; None for neither."""
    text = fold(text)
    for sign in _BETWEEN:
        text = text.replace(sign, "\n")
    found = []
    for word in filter(None, (part.strip() for part in text.split("\n"))):
        if word in OFF:
            continue
        code = next((c for c in known.values() if not c.retired and word in c.words), None)
        hours = code.hours if code else hours_in(word)
        if hours is None:
            return None
        found.append(Meant(code.kind if code else "duty", hours))
    return found


def written_cell(known: Mapping[str, ShiftCode], shifts: list[Meant], language: str) -> str:
    """Shifts as cells say them: by their code where one has these hours; "" for none.

    Also "" for what no cell can say, which leaves it as it stands when the file comes back.
    """
    words = [_written(known, one, language) for one in shifts]
    return "/".join(word for word in words if word) if None not in words else ""


def _written(known: Mapping[str, ShiftCode], one: Meant, language: str) -> str | None:
    for code in known.values():
        if not code.retired and (code.kind, code.hours) == (one.kind, one.hours):
            return code.name.get(language) or next(iter(code.name.values()))
    # Hours alone are read as duty.
    return "-".join(f"{moment:%H:%M}" for moment in one.hours) if one.kind == "duty" else None
