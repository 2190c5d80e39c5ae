"""Rows as they go out: for hot lists the database itself writes the JSON.

A page of fifty rows holds hundreds of moments, ids and small documents. To make Python objects of
what the database has as text, and text of those again, costs more than everything else together;
and while the database writes, other threads of the process run.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Text, Uuid, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from core.db import Instant


def rfc3339(moment: datetime) -> str:
    """A moment as `2026-11-24T03:00:00.123456Z`: RFC 3339, UTC, always to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Moment(FunctionElement[Any]):
    inherit_cache = True


class _Identifier(FunctionElement[Any]):
    inherit_cache = True


class _Document(FunctionElement[Any]):
    inherit_cache = True


class _Truth(FunctionElement[Any]):
    inherit_cache = True


class _Row(FunctionElement[str]):
    inherit_cache = True
    type = Text()


# PostgreSQL knows its types, and writes all but moments as they are wanted.
_ON_POSTGRESQL = {
    _Moment: "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    _Identifier: "{}",
    _Document: "{}",
    _Truth: "{}",
    _Row: "CAST(json_build_object({}) AS TEXT)",
}
# SQLite holds `2026-11-24 03:00:00.123456` in UTC, ids as 32 hexadecimal digits, JSON as text.
_ON_SQLITE = {
    _Moment: "(substr({0}, 1, 10) || 'T' || substr({0}, 12) || 'Z')",
    _Identifier: "(substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4)"
    " || '-' || substr({0}, 17, 4) || '-' || substr({0}, 21))",
    _Document: "json({})",
    _Truth: "json(CASE {} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
    _Row: "json_object({})",
}


def _compiled_for(kind: type[FunctionElement[Any]]) -> None:
    for dialect, forms in (("sqlite", _ON_SQLITE), ("postgresql", _ON_POSTGRESQL)):

        def write(
            element: Any, compiler: SQLCompiler, form: str = forms[kind], **options: Any
        ) -> str:
            return form.format(compiler.process(element.clauses, **options))

        compiles(kind, dialect)(write)


for _kind in _ON_SQLITE:
    _compiled_for(_kind)

_WRITTEN: tuple[tuple[type, type[FunctionElement[Any]]], ...] = (
    (Instant, _Moment),
    (Uuid, _Identifier),
    (JSON, _Document),
    (Boolean, _Truth),
)


def _as_json(column: InstrumentedAttribute[Any]) -> Any:
    for kind, writer in _WRITTEN:
        if isinstance(column.type, kind):
            return writer(column)
    return column


def row_text(columns: dict[str, InstrumentedAttribute[Any]]) -> Any:
    """An expression: the columns under the given names, as the text of one JSON object.

    Moments are RFC 3339 in UTC, ids with hyphens; at most 50 columns (a limit of PostgreSQL).
    """
    parts: list[Any] = []
    for name, column in columns.items():
        parts += [literal_column(f"'{name}'"), _as_json(column)]
    return _Row(*parts)
