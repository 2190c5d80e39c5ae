"""How people are named in an edition, and what of them is taken out of what somebody wrote."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.badges import Badge
from core.people import Person

HIDDEN = "•••"
# Whatever may be a telephone number, with the spaces and hyphens that people put into them.
_NUMBER = re.compile(r"(?<![\w•])\+?\d(?:[ \-\u00a0().]{0,2}\d){6,}(?!\w)")
_SHORTEST_NAME = 2


def people_named(session: Session, people: Collection[UUID], at: datetime) -> dict[str, Any]:
    """By id the name of each, and what is printed on the badge that they had at a moment."""
    names = select(Person.id, Person.name).where(Person.id.in_(people)).order_by(Person.id)
    badges = (
        select(Badge.person_id, Badge.label)
        .where(
            Badge.person_id.in_(people),
            Badge.label != "",
            Badge.starts_at <= at,
            or_(Badge.ends_at.is_(None), Badge.ends_at > at),
        )
        .order_by(Badge.starts_at.desc(), Badge.id.desc())
    )
    labels: dict[UUID, str] = {}
    for person_id, label in session.execute(badges):
        labels.setdefault(person_id, label)
    return {
        str(person_id): {"name": name, "badge": labels.get(person_id, "")}
        for person_id, name in session.execute(names)
    }


def initials(name: str) -> str:
    """A name so short that only who knows the person knows it: `L. W.`, and 王伟 as 王*."""
    words = name.split()
    if not words:
        return HIDDEN
    if any(unicodedata.category(letter) == "Lo" for letter in name):
        return words[0][0] + "*" * max(1, len("".join(words)) - 1)
    return " ".join(f"{word[0].upper()}." for word in words)


def alias(naming: str, known: Mapping[str, str]) -> str:
    """How somebody is called. known: their `name` and `badge`."""
    if naming == "names":
        return known["name"] or HIDDEN
    if naming == "nobody":
        return HIDDEN
    if naming == "badges" and known["badge"]:
        return known["badge"]
    return initials(known["name"])


def without_people(text: str, aliases: Mapping[str, str]) -> str:
    """What somebody wrote without telephone numbers, and with people under their other names."""
    for name in sorted(aliases, key=len, reverse=True):
        if len(name) >= _SHORTEST_NAME:
            text = _pattern(name).sub(lambda _, name=name: aliases[name], text)  # type: ignore[misc]
    return _NUMBER.sub(HIDDEN, text)


def _pattern(name: str) -> re.Pattern[str]:
    escaped = re.escape(name)
    if name.isascii():
        # A short Latin name is part of many words; Chinese has no spaces to tell.
        escaped = rf"(?<!\w){escaped}(?!\w)"
    return re.compile(escaped, re.IGNORECASE)
