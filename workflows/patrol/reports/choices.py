"""What guards can report by an icon and a word: the shipped list, checked when it is read."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("choices.yaml")
NOTE = "note"
Kind = Literal["repair", "hazard", "observation", "incident", "note"]
# These open a ticket of their own kind.
OPENING = ("repair", "hazard")


class Words(BaseModel):
    """A name in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    zh: str


class Opens(BaseModel):
    """The ticket that a choice opens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    priority: Literal["low", "medium", "high", "critical"]
    team: str


class Choice(BaseModel):
    """One choice; see choices.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    icon: str
    name: Words
    ticket: Opens | None = None
    checks: dict[str, Words] = {}


@cache
def choices() -> Mapping[str, Choice]:
    """Every choice by its code, in the order in which phones show them."""
    shipped = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {code: Choice.model_validate(body) for code, body in shipped.items()}
