"""What is kept by code on nodes of the tree: it holds below, and what is nearer goes before."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, String, and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import events
from core.db import Base
from core.errors import Stale
from core.places import Node
from rules.wording import Message, worded

CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
LONGEST_NAME = 120
_FIELDS: Mapping[str, Message] = {
    "name": worded("name"),
    "title": worded("title"),
    "kind": worded("kind"),
    "kinds": worded("kinds"),
    "order": worded("order"),
    "priority": worded("priority"),
}


class Kept(Base):
    """A table whose rows are kept by code on nodes; see `kept_at`.

    retired: nothing new is made of it, here and below.
    """

    __abstract__ = True

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    retired: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)


Row = TypeVar("Row", bound=Kept)


def kept_at(session: Session, model: type[Row], node_id: UUID) -> dict[str, Row]:
    """By code the rows that hold at a node: its own, else the nearest above."""
    keeper = aliased(Node)
    statement = (
        select(model)
        .join(keeper, keeper.id == model.node_id)
        .join(Node, and_(func.substr(Node.path, 1, func.length(keeper.path)) == keeper.path))
        .where(Node.id == node_id)
        # The farthest first: what is nearer replaces it.
        .order_by(func.length(keeper.path))
    )
    return {row.code: row for row in session.scalars(statement)}


def row_to_keep(
    session: Session, model: type[Row], node: Node, code: str, *, expected_version: int | None
) -> Row:
    """The row of a code on a node, locked, or a new one, with its next version.

    Stale when somebody changed it since it was read (0: not yet there).
    """
    row = session.get(model, {"node_id": node.id, "code": code}, with_for_update=True)
    version = row.version if row else 0
    if expected_version is not None and expected_version != version:
        raise _changed(code)
    if row is None:
        row = model(node_id=node.id, code=code)
        session.add(row)
    row.version = version + 1
    return row


def _changed(code: str) -> Stale:
    return Stale(
        worded("%(code)s was changed since you read it", code=code),
        advice=worded("Load it again and repeat your change."),
    )


def log_kept(
    session: Session, kind: str, row: Kept, node: Node, *, person: UUID, now: datetime
) -> None:
    """Write the row, and that it was kept. Stale when somebody made it at the same moment."""
    code = row.code
    try:
        session.flush()
    except IntegrityError as error:
        raise _changed(code) from error
    events.append(
        session,
        kind,
        ("node", node.id),
        actor=events.Actor.person(person),
        learned_at=now,
        site_id=node.id if node.kind == "site" else None,
        after={"code": row.code, "version": row.version, "retired": row.retired},
    )


def code_problems(code: str) -> list[str]:
    """Whether a code can stand in addresses and files."""
    fits = CODE.fullmatch(code) is not None
    return [] if fits else [worded("code: small letters, digits, - and _, at most 40")]


def name_problems(name: Mapping[str, str], field: str) -> list[str]:
    """Whether an administered name says something in one language at least."""
    words = [text for text in name.values() if text.strip()]
    if words and all(len(text) <= LONGEST_NAME for text in words):
        return []
    return [
        worded(
            "%(name)s: 1 to %(most)s characters in one language at least",
            name=_FIELDS.get(field, field),
            most=LONGEST_NAME,
        )
    ]


def word_problems(value: str, allowed: Sequence[str], field: str) -> list[str]:
    """Whether a word is one of those that are allowed."""
    return (
        []
        if value in allowed
        else [
            worded(
                "%(name)s: one of %(known)s",
                name=_FIELDS.get(field, field),
                known=", ".join(allowed),
            )
        ]
    )


def tidy(name: Mapping[str, str]) -> dict[str, str]:
    """An administered name without spaces around it and without empty languages."""
    words = {language: " ".join(text.split()) for language, text in name.items()}
    return {language: text for language, text in words.items() if text}
