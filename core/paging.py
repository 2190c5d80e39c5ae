"""Keyset pages: newest first, from behind the last row that was read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, Uuid, select, tuple_, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, aggregate_strings

from core.db import Instant

LARGEST_PAGE = 200
# JSON holds no control character, so this one stands between the rows of a page.
_SEPARATOR = "\x1e"
Row = TypeVar("Row")
Key = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows and the key behind which the next ones lie; None at the end."""

    items: Sequence[Row]
    next: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """How many rows are wanted, and behind which key."""

    limit: int = 50
    after: tuple[Any, ...] | None = None


def rows_of(*columns: Any) -> Select[Any]:
    """A query of many columns, whose types a list of plain rows does not need."""
    return select(*columns)


class _InOrder(FunctionElement[Any]):
    inherit_cache = True


@compiles(_InOrder)
def _plain(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_InOrder, "sqlite")
def _without_index(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def in_order(column: InstrumentedAttribute[UUID]) -> Any:
    """The column, told not to be looked up by its own index.

    Without it SQLite, which keeps no statistics unless told to, finds every row of a site and
    sorts them all for one page; walking the index of the order finds the page at once.
    """
    return type_coerce(_InOrder(column), column.type)


def newest_first(
    session: Session,
    statement: Select[Any],
    keys: Sequence[Key],
    wish: Wish,
    shape: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
) -> Page[dict[str, Any]]:
    """One page of `statement`, ordered by `keys` descending; the keys must be unique together.

    Rows are plain dictionaries by column label; the keys are read along and taken out again.
    shape: makes the item from the row.
    """
    result = session.execute(_ordered(statement, keys, wish))
    names = list(result.keys())
    rows = result.all()
    shown = rows[: wish.limit]
    width = len(names) - len(keys)
    items = [dict(zip(names[:width], row[:width], strict=True)) for row in shown]
    following = tuple(shown[-1][width:]) if len(rows) > wish.limit else None
    return Page([shape(item) for item in items] if shape else items, following)


def text_page(statement: Select[Any], keys: Sequence[Key], wish: Wish) -> Select[Any]:
    """A statement of one column of JSON (see core.wire) as one of a page, for `read_texts`.

    One row holds the page whole: each row that is fetched lets another thread go first.
    """
    page = _ordered(statement, keys, wish).subquery()
    return select(aggregate_strings(next(iter(page.c)), _SEPARATOR))


def read_texts(
    session: Session, statement: Select[Any], keys: Sequence[Key], wish: Wish
) -> Page[str]:
    """The page that `text_page` describes; the rows must hold the keys under their own names."""
    text = session.execute(statement).scalar_one()
    rows = text.split(_SEPARATOR) if text else []
    shown = rows[: wish.limit]
    if len(rows) <= wish.limit:
        return Page(shown, None)
    last = orjson.loads(shown[-1])
    return Page(shown, tuple(_key_of(key, last[key.key]) for key in keys))


def _key_of(column: Key, written: Any) -> Any:
    if isinstance(column.type, Instant):
        return datetime.fromisoformat(written)
    return UUID(written) if isinstance(column.type, Uuid) else written


def _ordered(statement: Select[Any], keys: Sequence[Key], wish: Wish) -> Select[Any]:
    marked = [key.label(f"key_{index}") for index, key in enumerate(keys)]
    statement = statement.add_columns(*marked)
    if wish.after is not None:
        statement = statement.where(tuple_(*keys) < wish.after)
    return statement.order_by(*(key.desc() for key in keys)).limit(wish.limit + 1)
