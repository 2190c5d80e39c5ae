"""Columns read as they go out: ready-made text for hot lists instead of objects made of it.

A page of fifty rows holds hundreds of moments, ids and small documents. To make Python objects of
what the database has as text, and text of those again, costs more than everything else together.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import CHAR, JSON, Dialect, String, Text, TypeDecorator, Uuid, type_coerce
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from core.db import Instant


def rfc3339(moment: datetime) -> str:
    """A moment as `2026-11-24T03:00:00.123456Z`: RFC 3339, UTC, always to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class InstantText(TypeDecorator[str]):
    """A moment as RFC 3339 text. SQLite holds `2026-11-24 03:00:00.123456`, in UTC."""

    impl = Instant
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Plain text from SQLite, a datetime from anything else."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Instant().impl)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Make the text."""
        if value is None:
            return None
        if isinstance(value, str):
            return f"{value[:10]}T{value[11:]}Z"
        return rfc3339(value)


class UuidText(TypeDecorator[str]):
    """An id as text. SQLite holds its 32 hexadecimal digits."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Plain text from SQLite, the driver's own type from anything else."""
        return dialect.type_descriptor(CHAR(32) if dialect.name == "sqlite" else Uuid())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Make the text."""
        if value is None:
            return None
        if isinstance(value, UUID):
            return str(value)
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


class JsonText(TypeDecorator[Any]):
    """A document as it stands in the database, to be put into an answer unread."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Plain text from SQLite; from PostgreSQL the driver has read it already."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSON())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Mark the text as JSON."""
        return orjson.Fragment(value) if isinstance(value, str) else value


_WRITTEN: tuple[tuple[type, TypeEngine[Any]], ...] = (
    (Instant, InstantText()),
    (Uuid, UuidText()),
    (JSON, JsonText()),
)


def as_written(column: InstrumentedAttribute[Any]) -> Any:
    """The column as text for an answer, where its type is one that costs to convert."""
    for kind, written in _WRITTEN:
        if isinstance(column.type, kind):
            return type_coerce(column, written).label(column.key)
    return column
