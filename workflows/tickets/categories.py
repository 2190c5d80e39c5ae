"""Categories of tickets: the shipped ones, and what companies, regions and sites make of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import JSON, String, func, select
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
from workflows.tickets.model import KINDS, PRIORITIES

CATEGORIES_FILE = Path(__file__).with_name("categories.yaml")
WRITE = "service.write"


class CategoryRow(Kept):
    """A category that a node keeps. kinds: of which kinds of ticket; empty: of all.

    team, priority: what a new ticket of it begins with; NULL = as usual. retired: no new ticket
    is filed under it, here and below; the old ones keep its name.
    """

    __tablename__ = "ticket_category"

    name: Mapped[dict[str, str]] = mapped_column(JSON)
    kinds: Mapped[list[str]] = mapped_column(JSON)
    team: Mapped[str | None] = mapped_column(String(40))
    priority: Mapped[str | None] = mapped_column(String(10))


@dataclass(frozen=True, slots=True)
class Category:
    """A category as it holds at a place; see `CategoryRow`. node_id: None = shipped."""

    code: str
    name: Mapping[str, str]
    kinds: tuple[str, ...] = ()
    team: str | None = None
    priority: str | None = None
    retired: bool = False
    node_id: UUID | None = None
    version: int = 0

    def offered_for(self, kind: str) -> bool:
        """Whether a new ticket of a kind may be filed under it."""
        return not self.retired and (not self.kinds or kind in self.kinds)

    def described(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "code": self.code,
            "name": dict(self.name),
            "kinds": list(self.kinds),
            "team": self.team,
            "priority": self.priority,
            "retired": self.retired,
            "node_id": self.node_id,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class CategoryDraft:
    """A category to keep; see `CategoryRow`."""

    code: str
    name: Mapping[str, str]
    kinds: tuple[str, ...] = field(default=())
    team: str | None = None
    priority: str | None = None
    retired: bool = False


@lru_cache(maxsize=1)
def shipped_categories() -> Mapping[str, Category]:
    """The categories that are shipped, by code."""
    names = yaml.safe_load(CATEGORIES_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({code: Category(code, name) for code, name in names.items()})


def categories_at(session: Session, node_id: UUID) -> dict[str, Category]:
    """By code every category that holds at a node, also the retired ones; shipped ones first."""
    own = {
        code: Category(
            code,
            row.name,
            tuple(row.kinds),
            row.team,
            row.priority,
            row.retired,
            row.node_id,
            row.version,
        )
        for code, row in kept_at(session, CategoryRow, node_id).items()
    }
    return {**shipped_categories(), **own}


def categories_seen(
    session: Session, sites: Sequence[UUID], wanted: str = ""
) -> dict[str, Mapping[str, str]]:
    """The names of every category that holds on one of the sites, also the retired ones, by code.

    wanted: the id of the only site that counts; empty: all of them.
    """
    paths = [
        path
        for site, path in session.execute(select(Node.id, Node.path).where(Node.id.in_(sites)))
        if wanted in ("", str(site))
    ]
    found = {code: one.name for code, one in shipped_categories().items()}
    statement = (
        select(CategoryRow.code, CategoryRow.name, Node.path)
        .join(Node, Node.id == CategoryRow.node_id)
        .order_by(func.length(Node.path), Node.path)
    )
    own = {
        code: name
        for code, name, keeper in session.execute(statement)
        if any(path.startswith(keeper) for path in paths)
    }
    return {**found, **own}


def category_names(
    session: Session, sites: Iterable[UUID]
) -> dict[UUID, dict[str, Mapping[str, str]]]:
    """By site and code the names of its categories, also of the retired ones."""
    return {
        site: {code: one.name for code, one in categories_at(session, site).items()}
        for site in sites
    }


def category_problems(session: Session, site_id: UUID, kind: str, code: str) -> list[str]:
    """Why a new ticket of a kind can't be filed under a code at a site; nothing for no code."""
    if not code:
        return []
    known = categories_at(session, site_id)
    if code in known and known[code].offered_for(kind):
        return []
    offered = ", ".join(one.code for one in known.values() if one.offered_for(kind))
    if code in known and known[code].retired:
        return [
            worded(
                "category: %(code)s is retired here; take one of %(offered)s",
                code=repr(code),
                offered=offered,
            )
        ]
    if code in known:
        return [
            worded(
                "category: %(code)s is not for a %(kind)s; take one of %(offered)s",
                code=repr(code),
                kind=kind,
                offered=offered,
            )
        ]
    return [
        worded(
            "category: there is no %(code)s here; take one of %(offered)s",
            code=repr(code),
            offered=offered,
        )
    ]


def save_category(
    session: Session,
    caller: Caller,
    node: Node,
    draft: CategoryDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> Category:
    """Keep a category on a node; one of the same code above it holds here no more.

    Invalid with every problem; Stale when somebody changed it since it was read (0: not yet
    there).
    """
    caller.require_over(WRITE, node)
    problems = _problems(draft)
    if problems:
        raise Invalid(worded("the category was not saved"), problems=problems)
    row = row_to_keep(session, CategoryRow, node, draft.code, expected_version=expected_version)
    row.name, row.kinds = tidy(draft.name), [kind for kind in KINDS if kind in draft.kinds]
    row.team, row.priority = draft.team or None, draft.priority or None
    row.retired = draft.retired
    log_kept(session, "category.save", row, node, person=caller.person_id, now=now)
    return categories_at(session, node.id)[draft.code]


def _problems(draft: CategoryDraft) -> list[str]:
    problems = [*code_problems(draft.code), *name_problems(draft.name, "name")]
    for kind in draft.kinds:
        problems += word_problems(kind, KINDS, "kinds")
    if draft.priority:
        problems += word_problems(draft.priority, PRIORITIES, "priority")
    if len(draft.team or "") > 40:
        problems.append(worded("team: at most 40 characters"))
    return problems
