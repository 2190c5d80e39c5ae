"""The lists of problems that stickers offer, as companies, regions and sites keep them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, select
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
from core.places import Node, Space
from core.site_file import load_catalog
from rules.wording import worded
from workflows.customers.problems import (
    OTHER,
    SOMETHING_ELSE,
    Problem,
    shipped_problems,
)
from workflows.customers.stickers import Stuck
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import category_problems

WRITE = "service.write"
# More than that nobody reads who stands there with a bucket.
MOST_PROBLEMS = 20
LONGEST_NAME = 60
# The lists for whatever has none of its own; shipped ones are called by the type of asset.
ANY_ASSET, ANY_SPACE = "asset", "space"
GENERAL = (ANY_ASSET, ANY_SPACE)
# `asset:pump` is the list of all pumps, `space:lobby` of all spaces of this kind.
_BY_TYPE, _BY_KIND = f"{ANY_ASSET}:", f"{ANY_SPACE}:"


class ProblemList(Kept):
    """A list that a node keeps. code: what it is for, see `about_of`. problems: see `Problem`.

    retired: none of its own here and below; the general list is offered instead.
    """

    __tablename__ = "sticker_problem_list"

    # A type of asset may be called by more letters than other codes have.
    code: Mapped[str] = mapped_column(String(80), primary_key=True)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class Offered:
    """A list as it holds at a place. node_id: where it is kept; None = shipped."""

    about: str
    problems: Sequence[Problem]
    retired: bool = False
    node_id: UUID | None = None
    version: int = 0

    def described(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "about": self.about,
            "problems": [one.model_dump() for one in self.problems],
            "retired": self.retired,
            "node_id": self.node_id,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A list to keep; see `ProblemList`. The first problem is shown first."""

    about: str
    problems: Sequence[Problem]
    retired: bool = False


def about_of(kind: str, word: str) -> str:
    """What a list is for: `asset` and a type, or `space` and a kind."""
    return f"{kind}:{word}"


def shipped_lists() -> dict[str, Offered]:
    """The lists that are shipped, by what they are for; the general ones first."""
    shipped = shipped_problems()
    general = {about: Offered(about, shipped[about]) for about in GENERAL}
    own = {
        f"{_BY_TYPE}{kind}": Offered(f"{_BY_TYPE}{kind}", problems)
        for kind, problems in shipped.items()
        if kind not in GENERAL
    }
    return {**general, **own}


def lists_at(session: Session, node_id: UUID) -> dict[str, Offered]:
    """By what it is for every list that holds at a node, also the retired ones."""
    own = {
        about: Offered(
            about,
            [Problem.model_validate(one) for one in row.problems],
            row.retired,
            row.node_id,
            row.version,
        )
        for about, row in kept_at(session, ProblemList, node_id).items()
    }
    return {**shipped_lists(), **own}


def list_of(known: Mapping[str, Offered], about: str) -> Offered:
    """The list that is offered for something: its own, or else the general one."""
    general = known[about.partition(":")[0]]
    own = known.get(about, general)
    return general if own.retired else own


def _about(stuck: Stuck) -> str:
    if stuck.asset is not None:
        return f"{_BY_TYPE}{stuck.asset.type}"
    return _about_space(stuck.space)


def _about_space(space: Space | None) -> str:
    return f"{_BY_KIND}{space.kind}" if space is not None else ANY_SPACE


def problems_at(session: Session, stuck: Stuck) -> list[Problem]:
    """Every problem that may be reported at a sticker, something else last.

    Also those that are retired: whoever opened the page before still sends them. A page shows
    those that are not.
    """
    own = list_of(lists_at(session, stuck.site.id), _about(stuck)).problems
    return [*own, SOMETHING_ELSE]


def problems_in(session: Session, site_id: UUID, spaces: Iterable[Space | None]) -> list[Problem]:
    """Every problem that may be reported in some of these spaces, something else last.

    None stands for the site as a whole. Of two with one code, that of the earlier space.
    """
    known = lists_at(session, site_id)
    lists = (list_of(known, _about_space(space)).problems for space in spaces)
    found: dict[str, Problem] = {}
    for one in chain.from_iterable(lists):
        found.setdefault(one.code, one)
    return [*found.values(), SOMETHING_ELSE]


def save_list(
    session: Session,
    caller: Caller,
    node: Node,
    draft: ListDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> Offered:
    """Keep a list on a node; one for the same above it holds here no more.

    Invalid with every problem; Stale when somebody changed it since it was read (0: not yet
    there).
    """
    caller.require_over(WRITE, node)
    problems = [*_about_problems(session, node, draft), *_list_problems(session, node, draft)]
    if problems:
        raise Invalid(worded("the list was not saved"), problems=problems)
    row = row_to_keep(session, ProblemList, node, draft.about, expected_version=expected_version)
    row.problems = [_kept(one) for one in draft.problems]
    row.retired = draft.retired
    log_kept(session, "sticker.problems", row, node, person=caller.person_id, now=now)
    return lists_at(session, node.id)[draft.about]


def _kept(one: Problem) -> dict[str, Any]:
    names = tidy({"en": one.en, "zh": one.zh})
    return {**one.model_dump(), "en": names.get("en", ""), "zh": names.get("zh", "")}


def _about_problems(session: Session, node: Node, draft: ListDraft) -> list[str]:
    if draft.about in GENERAL:
        return [worded("retired: the general list is always there")] if draft.retired else []
    kind, _, word = draft.about.partition(":")
    if kind == ANY_ASSET and word in load_catalog(session):
        return []
    if kind == ANY_SPACE and word in space_kinds(session, node):
        return []
    return [
        worded("about: asset, space, asset: and a type, or space: and a kind that there is here")
    ]


def _list_problems(session: Session, node: Node, draft: ListDraft) -> Iterator[str]:
    if len(draft.problems) > MOST_PROBLEMS:
        yield worded("problems: at most %(most)s", most=MOST_PROBLEMS)
    counted = Counter(one.code for one in draft.problems)
    for number, one in enumerate(draft.problems, 1):
        found = [
            *code_problems(one.code),
            *name_problems({"en": one.en, "zh": one.zh}, "name"),
            *word_problems(one.kind, KINDS, "kind"),
            *word_problems(one.priority, PRIORITIES, "priority"),
        ]
        if max(len(one.en), len(one.zh)) > LONGEST_NAME:
            found.append(worded("name: at most %(most)s characters", most=LONGEST_NAME))
        if one.code == OTHER or counted[one.code] > 1:
            found.append(worded("code: %(code)s is there already", code=repr(one.code)))
        if not 1 <= len(one.team) <= 40:
            found.append(worded("team: 1 to 40 characters"))
        if not found and not one.retired:
            found += category_problems(session, node.id, one.kind, one.category)
        yield from (
            worded("problem %(number)s: %(problem)s", number=number, problem=text) for text in found
        )


def space_kinds(session: Session, node: Node) -> list[str]:
    """The kinds of spaces that there are on a site, or on the sites below a node."""
    statement = (
        select(Space.kind)
        .join(Node, Node.id == Space.site_id)
        .where(Node.path.startswith(node.path, autoescape=True))
        .distinct()
        .order_by(Space.kind)
    )
    return list(session.scalars(statement))
