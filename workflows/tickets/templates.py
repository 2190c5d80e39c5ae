"""Templates of tickets, kept on nodes of the tree: what is written the same way again and again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import Invalid
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
from rules.wording import worded
from workflows.tickets.categories import category_problems
from workflows.tickets.checklist import NewItem, item_problems
from workflows.tickets.model import KINDS, PRIORITIES

WRITE = "service.write"
LONGEST_DESCRIPTION = 4000


class TicketTemplate(Kept):
    """A template. name, title, description: in both languages with fallback.

    items: the checklist, each item as `NewItem` has it, its numbers as text. retired: it is
    offered no more, here and below, also where it is inherited.
    """

    __tablename__ = "ticket_template"

    name: Mapped[dict[str, str]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(20))
    category: Mapped[str] = mapped_column(String(40))
    priority: Mapped[str] = mapped_column(String(10))
    team: Mapped[str] = mapped_column(String(40))
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    description: Mapped[dict[str, str]] = mapped_column(JSON)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON)

    @property
    def checklist(self) -> tuple[NewItem, ...]:
        """The items that a ticket of this template begins with."""
        return tuple(_item(one) for one in self.items)


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template to keep; see `TicketTemplate`."""

    code: str
    name: Mapping[str, str]
    title: Mapping[str, str]
    kind: str = "repair"
    category: str = ""
    priority: str = "medium"
    team: str = "maintenance"
    description: Mapping[str, str] | None = None
    items: tuple[NewItem, ...] = ()
    retired: bool = False


def _item(kept: Mapping[str, Any]) -> NewItem:
    limits = {name: None if kept[name] is None else Decimal(kept[name]) for name in ("low", "high")}
    return NewItem(**{**kept, **limits, "choices": tuple(kept["choices"])})


def _kept(item: NewItem) -> dict[str, Any]:
    limits = {
        name: None if value is None else format(value, "f")
        for name, value in (("low", item.low), ("high", item.high))
    }
    choices = [tidy(choice) for choice in item.choices]
    return {**asdict(item), **limits, "text": tidy(item.text), "choices": choices}


def templates_at(session: Session, node_id: UUID) -> dict[str, TicketTemplate]:
    """By code every template that holds at a node, also the retired ones."""
    return kept_at(session, TicketTemplate, node_id)


def find_template(session: Session, site_id: UUID, code: str) -> TicketTemplate:
    """A template as a ticket of a site is opened by it. Invalid when none is offered there."""
    found = templates_at(session, site_id).get(code)
    if found is None or found.retired:
        raise Invalid(
            worded("the ticket was not opened"),
            problems=[worded("template: there is no such template here, or it is retired")],
            advice=worded("See which templates the place offers, or leave the template out."),
        )
    return found


def save_template(
    session: Session,
    caller: Caller,
    node: Node,
    draft: TemplateDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> TicketTemplate:
    """Keep a template on a node; one of the same code above it holds here no more.

    Invalid with every problem; Stale when somebody changed it since it was read (0: not yet
    there).
    """
    caller.require_over(WRITE, node)
    problems = _problems(draft) or category_problems(session, node.id, draft.kind, draft.category)
    if problems:
        raise Invalid(worded("the template was not saved"), problems=problems)
    row = row_to_keep(session, TicketTemplate, node, draft.code, expected_version=expected_version)
    row.name, row.title = tidy(draft.name), tidy(draft.title)
    row.description = {key: text.strip() for key, text in (draft.description or {}).items()}
    row.kind, row.category, row.priority = draft.kind, draft.category, draft.priority
    row.team, row.retired = draft.team, draft.retired
    row.items = [_kept(item) for item in draft.items]
    log_kept(session, "template.save", row, node, person=caller.person_id, now=now)
    return row


def _problems(draft: TemplateDraft) -> list[str]:
    problems = [
        *code_problems(draft.code),
        *name_problems(draft.name, "name"),
        *name_problems(draft.title, "title"),
        *word_problems(draft.kind, KINDS, "kind"),
        *word_problems(draft.priority, PRIORITIES, "priority"),
        *item_problems(draft.items),
    ]
    if not 1 <= len(draft.team) <= 40:
        problems.append(worded("team: 1 to 40 characters"))
    if len(draft.category) > 40:
        problems.append(worded("category: at most 40 characters"))
    if any(len(text) > LONGEST_DESCRIPTION for text in (draft.description or {}).values()):
        problems.append(
            worded("description: at most %(most)s characters", most=LONGEST_DESCRIPTION)
        )
    return problems


def describe_template(template: TicketTemplate) -> dict[str, Any]:
    """A template as programs and pages read it. node_id: where it is kept."""
    names = ("node_id", "code", "name", "kind", "category", "priority", "team", "title")
    more = ("description", "items", "retired", "version")
    return {name: getattr(template, name) for name in (*names, *more)}
