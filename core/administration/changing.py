"""Changing fields of a row: what may be changed, and the fact in the event log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid
from rules.wording import worded


class OnSite(Protocol):
    """A row that belongs to a site."""

    id: Any
    site_id: Any


def refuse(
    what: str, problems: Sequence[str], advice: str = worded("Correct them and try again.")
) -> None:
    """Raise Invalid with all of `problems`, if there are any."""
    if problems:
        raise Invalid(worded("%(what)s was not saved", what=what), problems=problems, advice=advice)


def not_editable(changes: Mapping[str, Any], editable: tuple[str, ...]) -> list[str]:
    """A problem for each change of a field that stays as it is."""
    return [
        worded("%(name)s: cannot be changed", name=name) for name in changes if name not in editable
    ]


def name_problems(name: Any) -> list[str]:
    """What is wrong with a name in both languages: {"en": …, "zh": …}."""
    if not isinstance(name, Mapping) or not name:
        return [worded("name: give it in at least one language")]
    return [
        worded("name.%(language)s: a text is expected", language=language)
        if language in ("en", "zh")
        else worded("name.%(language)s: en or zh is expected", language=language)
        for language, text in name.items()
        if language not in ("en", "zh") or not isinstance(text, str) or not text.strip()
    ]


def log(
    session: Session,
    verb: str,
    row: OnSite,
    *,
    actor: events.Actor,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append `asset.create`, `source.update` and the like."""
    session.flush()
    subject = (verb.split(".")[0], row.id)
    events.append(
        session,
        verb,
        subject,
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        before=before,
        after=after,
    )


def apply(
    session: Session,
    kind: str,
    row: OnSite,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> bool:
    """Set the fields that differ and append the fact; returns whether any did.

    The log holds which fields, and old and new where they are no words of people.
    """
    differing = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not differing:
        return False
    plain = [name for name in differing if name != "name"]
    before = {name: _plain(getattr(row, name)) for name in plain}
    for name, value in differing.items():
        setattr(row, name, value)
    after = {name: _plain(differing[name]) for name in plain}
    facts = {**after, "fields": sorted(differing)}
    log(session, f"{kind}.update", row, actor=actor, now=now, before=before, after=facts)
    return True


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
