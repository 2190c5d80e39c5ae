"""Creating, changing and deleting sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.administration.changing import apply, log, not_editable, refuse
from core.codes import CODE, topic_filter_fault
from core.devices import Device, Source
from core.dialects import DIALECTS, option_faults
from core.errors import Conflict
from core.ids import new_id
from core.mapping_versions import note_versions
from core.source_memory import forget
from rules.located_yaml import nearest
from rules.wording import worded

EDITABLE = ("topic_filter", "dialect", "options", "enabled")


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to be. options: those of its dialect (core.dialects)."""

    code: str
    topic_filter: str
    dialect: str = "wk"
    options: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    id: UUID | None = None


def _field_problems(fields: Mapping[str, Any], dialect: str) -> list[str]:
    problems: list[str] = []
    if "topic_filter" in fields:
        fault = topic_filter_fault(str(fields["topic_filter"]))
        problems += [worded("topic_filter: %(fault)s", fault=fault)] if fault else []
    if dialect not in DIALECTS:
        hint = nearest(dialect, list(DIALECTS))
        problems.append(
            worded("dialect: one of %(known)s%(hint)s", known=", ".join(DIALECTS), hint=hint)
        )
    options = fields.get("options") or {}
    return problems + [
        worded("options.%(name)s: %(fault)s", name=name, fault=fault)
        for name, fault in option_faults(dialect, options)
    ]


def _topic_taken(session: Session, site_id: UUID, topic: str, but: UUID | None) -> list[str]:
    statement = select(Source.id, Source.code).where(
        Source.site_id == site_id, Source.topic_filter == topic
    )
    others = [code for source_id, code in session.execute(statement) if source_id != but]
    return (
        [worded("topic_filter: source %(code)s has it already", code=repr(others[0]))]
        if others
        else []
    )


def create_source(
    session: Session, site_id: UUID, new: NewSource, *, actor: events.Actor, now: datetime
) -> Source:
    """Tie a topic filter to a site. Raises Invalid with every problem."""
    fields = {name: getattr(new, name) for name in EDITABLE}
    problems: list[str] = []
    if not CODE.fullmatch(new.code):
        problems.append(worded("code: letters, digits, _ . and -, at most 60"))
    elif session.scalar(
        select(Source.id).where(Source.site_id == site_id, Source.code == new.code)
    ):
        problems.append(
            worded("code: there is a source %(code)s on this site already", code=repr(new.code))
        )
    problems += _field_problems(fields, new.dialect) + _topic_taken(
        session, site_id, new.topic_filter, None
    )
    refuse(worded("the source"), problems)
    source = Source(
        id=new.id or new_id(),
        site_id=site_id,
        code=new.code,
        topic_filter=new.topic_filter,
        dialect=new.dialect,
        options=dict(new.options),
        enabled=new.enabled,
    )
    session.add(source)
    after = {"code": new.code, **fields, "options": dict(new.options)}
    log(session, "source.create", source, actor=actor, now=now, after=after)
    note_versions(session, [source], actor=actor, now=now)
    return source


def update_source(
    session: Session,
    source: Source,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> Source:
    """Change topic_filter, dialect, options or enabled. Raises Invalid with every problem."""
    dialect = str(changes.get("dialect", source.dialect))
    judged = {"options": source.options, **changes} if "dialect" in changes else changes
    problems = not_editable(changes, EDITABLE) + _field_problems(judged, dialect)
    if "topic_filter" in changes:
        topic = str(changes["topic_filter"])
        problems += _topic_taken(session, source.site_id, topic, source.id)
    refuse(worded("the source"), problems)
    apply(session, "source", source, changes, actor=actor, now=now)
    note_versions(session, [source], actor=actor, now=now)
    return source


def delete_source(session: Session, source: Source, *, actor: events.Actor, now: datetime) -> None:
    """Delete a source. Conflict while devices belong to it."""
    count = session.scalar(select(func.count(Device.id)).where(Device.source_id == source.id))
    if count:
        raise Conflict(
            worded(
                "%(count)s devices belong to source %(code)s", count=count, code=repr(source.code)
            ),
            advice=worded("Give them another source first, or disable this one."),
        )
    before = {"code": source.code, "topic_filter": source.topic_filter}
    forget(session, source.id)
    log(session, "source.delete", source, actor=actor, now=now, before=before)
    session.delete(source)
    session.flush()
