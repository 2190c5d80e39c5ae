"""Codes of devices from the names that other dialects give them, and two names never one code."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ingest.decoding import Problem

# What a source remembers under this and a code: the name that has it.
NAMED = "name/"
LONGEST = 120
_UNFIT = re.compile(r"[\s+#\x00-\x1f\x7f]|^\$|[\ud800-\udfff]")
_DIGEST = 12
# A code without these is its name, letter by letter, so that no other name can have it.
_MADE = frozenset(".-~")


@lru_cache(maxsize=16_384)
def device_code(name: str) -> str:
    """The code of a device of this name: levels joined by points, `-` for what no code can have.

    A name too long for a code is cut and ends in a digest of the whole.
    """
    code = _UNFIT.sub("-", ".".join(level for level in name.split("/") if level)) or "-"
    if len(code) <= LONGEST:
        return code
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{code[: LONGEST - _DIGEST - 1]}~{digest}"


def beside(levels: Sequence[str], topic_filter: str) -> str:
    """The name that the first levels of a topic hold beside what the filter spells.

    What the filter spells says where, not which device it is; where it spells all, the last level.
    """
    spelled = topic_filter.split("/")
    own = [
        level
        for place, level in enumerate(levels)
        if level and (place >= len(spelled) or spelled[place] != level)
    ]
    return "/".join(own) or next((level for level in reversed(levels) if level), "")


@dataclass(frozen=True, slots=True)
class Named:
    """A device by its code. remember: what makes the code this name's, where nothing does yet."""

    code: str
    remember: Mapping[str, Any] = field(default_factory=dict)


def named(memory: Mapping[str, Any], name: str) -> Named | Problem:
    """The code that a name has in its source. A Problem where another name has it already."""
    code = device_code(name)
    # Half characters can be written in JSON, and no database keeps them.
    name = name.encode("utf-8", "replace").decode()
    if _MADE.isdisjoint(code):
        return Named(code)
    if not name.isascii():
        # Half characters can be written in JSON, and nowhere be kept.
        name = name.encode("utf-8", "replace").decode()
    holder = memory.get(NAMED + code)
    if holder == name:
        return Named(code)
    if holder is None:
        return Named(code, {NAMED + code: name})
    other = str(holder)[:60]
    detail = f"device {code[:60]!r} is {other!r} already, not {name[:60]!r}: rename one of them"
    return Problem("unsupported", detail)
