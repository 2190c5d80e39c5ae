"""Trying a mapping on a message, and putting it into force: what waited is taken in again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.administration.sources import update_source
from core.codes import topic_matches
from core.devices import Source
from core.local_time import zone
from core.mapping_versions import OPTION
from core.mappings import (
    Fault,
    MessageMapping,
    Outcome,
    Trace,
    evaluate,
    from_text,
    read_mapping,
)
from core.people import Caller
from core.places import Node
from core.quarantine import Quarantined
from rules.located_yaml import Located

DIALECT = "mapping"
WRITE_QUARANTINE = "quarantine.write"
MOST_REPLAYED = 500
# Of so many rows the topics are compared.
_MOST_LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping as somebody writes it. document: None where the text is none."""

    document: Any
    mapping: MessageMapping | None
    faults: Sequence[Fault] = ()
    located: Located | None = None

    def line(self, fault: Fault) -> int | None:
        """The line at which a fault stands, if there is a text."""
        return self.located.where(fault.path)[0] if self.located is not None else None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a draft made of a message; nothing where it has faults."""

    draft: Draft
    outcome: Outcome = field(default_factory=Outcome)
    trace: Trace = field(default_factory=Trace)


def draft_of_text(text: str) -> Draft:
    """A draft from YAML or JSON."""
    read = from_text(text)
    if isinstance(read, list):
        return Draft(None, None, read)
    return _draft(read.value, read)


def draft_of(document: Any) -> Draft:
    """A draft from a document."""
    return _draft(document, None)


def _draft(document: Any, located: Located | None) -> Draft:
    made = read_mapping(document)
    if isinstance(made, list):
        return Draft(document, None, made, located)
    return Draft(document, made, (), located)


def try_draft(draft: Draft, topic: str, payload: bytes, where: ZoneInfo) -> Trial:
    """What a draft makes of a message. where: the zone of times that name none."""
    if draft.mapping is None:
        return Trial(draft)
    trace = Trace()
    return Trial(draft, evaluate(draft.mapping, topic, payload, where, trace), trace)


def zone_of(session: Session, source: Source) -> ZoneInfo:
    """In which zone times are that name none: the source's, else the site's."""
    named = source.options.get("zone")
    return zone(named or session.get_one(Node, source.site_id).time_zone or "UTC")


def save_mapping(
    session: Session,
    caller: Caller,
    source: Source,
    document: Any,
    *,
    actor: events.Actor,
    now: datetime,
) -> int:
    """Put a mapping into force and have what waits on the source's topics taken in again.

    Returns how many rows of quarantine were asked for. Raises Invalid with every fault. The source
    speaks the dialect `mapping` from then on.
    """
    options = {**source.options, OPTION: document}
    changes = {"dialect": DIALECT, "options": options}
    update_source(session, source, changes, actor=actor, now=now)
    rows = waiting_on(session, caller, source)
    # In the order in which it came: what is older than what was judged already would be late.
    for row in sorted(rows, key=lambda row: (row.first_at, row.id)):
        subject = ("quarantine", row.id)
        events.append(
            session,
            "quarantine.replay",
            subject,
            actor=actor,
            learned_at=now,
            site_id=row.site_id,
        )
    return len(rows)


def waiting_on(session: Session, caller: Caller, source: Source) -> list[Quarantined]:
    """What waits in quarantine as it came on the source's topics, the newest first.

    What came before any source took its topic belongs to no site yet; that is for those alone who
    look after the whole company.
    """
    ours = Quarantined.site_id == source.site_id
    if WRITE_QUARANTINE in caller.company_wide:
        ours = ours | Quarantined.site_id.is_(None)
    statement = (
        select(Quarantined)
        .where(
            ours,
            Quarantined.state == "waiting",
            Quarantined.kept > 0,
            # What a device of ours would have said can be read; it waits for something else.
            ~Quarantined.topic.startswith("wk/v1/", autoescape=True),
        )
        .order_by(Quarantined.last_at.desc(), Quarantined.id)
        .limit(_MOST_LOOKED_AT)
    )
    rows = (row for row in session.scalars(statement))
    taken = [row for row in rows if topic_matches(source.topic_filter, row.topic)]
    return taken[:MOST_REPLAYED]


def still_waiting(
    session: Session, caller: Caller, source: Source, *, until: datetime
) -> dict[str, int]:
    """Of what waited at a moment, what waits still: rows by reason."""
    counts: dict[str, int] = {}
    for row in waiting_on(session, caller, source):
        if row.last_at <= until:
            counts[row.reason] = counts.get(row.reason, 0) + 1
    return counts


def find_waiting(
    session: Session, caller: Caller, source: Source, row_id: UUID
) -> Quarantined | None:
    """One row of those that wait on the source's topics."""
    rows = waiting_on(session, caller, source)
    return next((row for row in rows if row.id == row_id), None)
