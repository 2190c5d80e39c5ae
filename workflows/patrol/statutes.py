"""What statutes ask of patrols, as data: whom, how often, what to look at, and by which text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

FILE = Path(__file__).with_name("statutes.yaml")
Names = Mapping[str, str]
FORCES = ("law", "rule", "standard")
# How a text was read: all of it, or the article in a reprint of somebody else's.
SEEN = ("full", "reprint")


@dataclass(frozen=True, slots=True)
class Source:
    """A text, and the article of it. force: one of FORCES, seen: one of SEEN."""

    code: str
    name: Names
    article: str
    force: str
    seen: str
    address: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something that the patrol has to look at."""

    code: str
    name: Names


@dataclass(frozen=True, slots=True)
class Statute:
    """What a statute asks for. binds: whom; asks: in one sentence.

    every_min: between the begins of two rounds at most so long, within hours that a plan names;
    counts_in: what these are, `open` or `night`. at_closing: a round when they end. times_a_day:
    so many rounds each day. items: what has to be looked at.
    """

    code: str
    title: Names
    binds: Names
    asks: Names
    sources: Sequence[Source]
    items: Sequence[Item]
    every_min: int | None = None
    times_a_day: int | None = None
    counts_in: str | None = None
    at_closing: bool = False


def _read(text: str) -> dict[str, Statute]:
    body = yaml.safe_load(text)
    return {code: _statute(code, each, body) for code, each in body["statutes"].items()}


def _statute(code: str, body: Mapping[str, Any], whole: Mapping[str, Any]) -> Statute:
    given = dict(body)
    sources = [
        Source(code=name, article=str(article), **whole["sources"][name])
        for name, article in given.pop("sources").items()
    ]
    items = [Item(name, whole["items"][name]) for name in given.pop("items")]
    return Statute(code=code, sources=sources, items=items, **given)


STATUTES: Mapping[str, Statute] = MappingProxyType(_read(FILE.read_text(encoding="utf-8")))
