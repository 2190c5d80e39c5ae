"""One object of a mapping's document with its place; a wrong field notes a fault and goes on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rules.located_yaml import nearest
from rules.wording import Message, worded

Path = tuple[str | int, ...]
Found = TypeVar("Found")
_LONGEST_TEXT = 300


def written(path: Path) -> str:
    """A path as people write it: `readings[2].path`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a mapping. path: of the value, from the top of the document."""

    path: Path
    message: Message

    @property
    def where(self) -> str:
        """The path as people write it: `readings[2].path`."""
        return written(self.path)

    @property
    def text(self) -> Message:
        """Path and message as one, which keeps what can be translated."""
        if not self.path:
            return self.message
        return Message("%(where)s: %(message)s", {"where": self.where, "message": self.message})


@dataclass(frozen=True, slots=True)
class Place:
    """An object at `path`; `faults` is shared by all places of a document."""

    value: dict[str, Any]
    path: Path = ()
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, key: str | None, message: Message) -> None:
        """Note a fault of the value of `key`, or of the whole."""
        self.faults.append(Fault(self.path if key is None else (*self.path, key), message))

    def only(self, known: Sequence[str]) -> None:
        """Refuse every key that is not among `known`."""
        for key in self.value:
            if key not in known:
                near = nearest(str(key)[:60], known)
                hint = Message(str(near)) if near else Message("")
                self.refuse(str(key)[:60], worded("unknown%(hint)s", hint=hint))

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text; None after noting that it is missing or none."""
        value = self.value.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is None:
            self.refuse(None, worded("%(key)s is missing", key=key))
        elif not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
            self.refuse(key, worded("a text of 1 to %(most)d characters", most=_LONGEST_TEXT))
        else:
            return value
        return None

    def choice(self, key: str, allowed: Collection[str], default: str) -> str:
        """One of `allowed`; the default after noting that it is none of them."""
        value = self.value.get(key, default)
        if isinstance(value, str) and value in allowed:
            return value
        near = Message(str(nearest(str(value)[:60], list(allowed))))
        known = ", ".join(allowed)
        self.refuse(key, worded("one of %(known)s%(hint)s", known=known, hint=near))
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.value.get(key, default)
        if isinstance(value, bool):
            return value
        self.refuse(key, worded("true or false"))
        return default

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int | None:
        """A whole number from `low` to `high`, also as a text such as 0x10; else the default."""
        value = self.value.get(key, default)
        if isinstance(value, str):
            value = _hexadecimal(value)
        if value is default and key not in self.value:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(key, worded("a whole number from %(low)d to %(high)d", low=low, high=high))
        return default

    def number(self, key: str, default: float) -> float:
        """A number that can be counted with."""
        value = self.value.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e15:
            return float(value)
        self.refuse(key, worded("a number"))
        return default

    def part(self, key: str) -> "Place | None":
        """The object at `key`; None when there is none or it is something else."""
        value = self.value.get(key)
        return None if value is None else self._as_place((*self.path, key), value)

    def parts(self, key: str, most: int) -> Iterator["Place"]:
        """The objects of the list at `key`."""
        value = self.value.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.refuse(key, worded("a list is expected here"))
            return
        if len(value) > most:
            self.refuse(key, worded("at most %(most)d of them", most=most))
        for number, item in enumerate(value[:most]):
            place = self._as_place((*self.path, key, number), item)
            if place is not None:
                yield place

    def compiled(self, key: str, made: Found | Message) -> Found | None:
        """What was made of the value of `key`; None after noting why nothing was."""
        if isinstance(made, Message):
            self.refuse(key, made)
            return None
        return made

    def _as_place(self, path: Path, value: Any) -> "Place | None":
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return Place(value, path, self.faults)
        self.faults.append(Fault(path, worded("names with values are expected here")))
        return None


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16) if text[:2].lower() == "0x" and len(text) <= 10 else None
    except ValueError:
        return None
