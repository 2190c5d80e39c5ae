"""What is kept by code on nodes of the tree: it holds below, and what is nearer goes before."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ForeignKey, String, and_, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core.db import Base
from core.places import Node

CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
LONGEST_NAME = 120


class Kept(Base):
    """A table whose rows are kept by code on nodes; see `kept_at`."""

    __abstract__ = True

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)


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


def code_problems(code: str) -> list[str]:
    """Whether a code can stand in addresses and files."""
    fits = CODE.fullmatch(code) is not None
    return [] if fits else ["code: small letters, digits, - and _, at most 40"]


def name_problems(name: Mapping[str, str], field: str) -> list[str]:
    """Whether an administered name says something in one language at least."""
    words = [text for text in name.values() if text.strip()]
    if words and all(len(text) <= LONGEST_NAME for text in words):
        return []
    return [f"{field}: 1 to {LONGEST_NAME} characters in one language at least"]


def word_problems(value: str, allowed: Sequence[str], field: str) -> list[str]:
    """Whether a word is one of those that are allowed."""
    return [] if value in allowed else [f"{field}: one of {', '.join(allowed)}"]


def tidy(name: Mapping[str, str]) -> dict[str, str]:
    """An administered name without spaces around it and without empty languages."""
    words = {language: " ".join(text.split()) for language, text in name.items()}
    return {language: text for language, text in words.items() if text}
