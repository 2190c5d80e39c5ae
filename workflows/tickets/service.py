"""Changing calendars and terms: the clocks of open tickets are computed again, and say so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.calendars import CalendarDraft, codes_at, describe_calendar, save_calendar
from core.people import Caller
from core.places import Node
from workflows.tickets.passing import recompute_open
from workflows.tickets.promises import Terms, TermsAt, save_terms


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: how many open tickets have another deadline now."""

    moved: int
    version: int


def _sites_below(session: Session, node: Node) -> list[UUID]:
    found = select(Node.id).where(
        Node.kind == "site", Node.path.startswith(node.path, autoescape=True)
    )
    return list(session.scalars(found))


def list_calendars(session: Session, node: Node, *, now: datetime) -> list[dict[str, Any]]:
    """Every calendar that holds at a node, as `describe_calendar` has them."""
    return [describe_calendar(session, node, code, now=now) for code in codes_at(session, node)]


def change_calendar(
    session: Session,
    caller: Caller,
    node: Node,
    draft: CalendarDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> Changed:
    """Make or change a calendar, and compute the clocks of the open tickets that count in it."""
    row = save_calendar(session, caller, node, draft, now=now, expected_version=expected_version)
    moved = recompute_open(
        session,
        _sites_below(session, node),
        now=now,
        actor=events.Actor.person(caller.person_id),
        why="calendar",
        calendar=draft.code,
    )
    return Changed(moved, row.version)


def change_terms(
    session: Session,
    caller: Caller,
    node: Node,
    *,
    grade: str,
    own: Terms | None,
    now: datetime,
    expected_version: int | None,
) -> tuple[TermsAt, Changed]:
    """Change what is promised on a node, and compute the clocks of its open tickets again."""
    saved = save_terms(
        session, caller, node, grade=grade, own=own, now=now, expected_version=expected_version
    )
    moved = recompute_open(
        session,
        _sites_below(session, node),
        now=now,
        actor=events.Actor.person(caller.person_id),
        why="terms",
    )
    return saved, Changed(moved, saved.version)
