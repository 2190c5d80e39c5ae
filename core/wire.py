"""Columns read as they go out: ready-made text for hot lists instead of objects made of it.

A page of fifty rows holds hundreds of moments, ids and small documents. To make Python objects of
what the database has as text, and text of those again, costs more than everything else together.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import JSON, Dialect, Uuid, type_coerce
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine, UserDefinedType

from core.db import Instant


def rfc3339(moment: datetime) -> str:
    """A moment as `2026-11-24T03:00:00.123456Z`: RFC 3339, UTC, always to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(value: Any) -> str | None:
    if isinstance(value, str):
        # SQLite holds `2026-11-24 03:00:00.123456`, in UTC.
        return f"{value[:10]}T{value[11:]}Z"
    return None if value is None else rfc3339(value)


def _identifier(value: Any) -> str | None:
    if isinstance(value, str):
        # SQLite holds the 32 hexadecimal digits.
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return None if value is None else str(value)


def _document(value: Any) -> Any:
    # Where the driver has read it already, it is left as it is.
    return orjson.Fragment(value) if isinstance(value, str) else value


class _Written(UserDefinedType[Any]):
    """A type that is only ever read, by one function from what the driver gives."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """What makes the text."""
        return _READERS[self.name]


_READERS: dict[str, Callable[[Any], Any]] = {
    "moment": _moment,
    "identifier": _identifier,
    "document": _document,
}
_WRITTEN: tuple[tuple[type, TypeEngine[Any]], ...] = (
    (Instant, _Written("moment")),
    (Uuid, _Written("identifier")),
    (JSON, _Written("document")),
)


def as_written(column: InstrumentedAttribute[Any]) -> Any:
    """The column as text for an answer, where its type is one that costs to convert."""
    for kind, written in _WRITTEN:
        if isinstance(column.type, kind):
            return type_coerce(column, written).label(column.key)
    return column
