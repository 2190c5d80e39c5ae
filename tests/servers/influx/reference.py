"""A small reading of Flux: it runs the scripts that we write, on what the stand-in holds.

It follows Flux's documentation and is no proof of what InfluxDB does: a real one is, where the
tests are given one. What it doesn't know fails.
"""

# Names of nodes and of arguments are Flux's own.
# ruff: noqa: N802, N803
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from tests.servers.influx.compiler import Tree
from tests.servers.influx.kept import Bucket

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = {"ns": 1, "us": 1_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_OPERATORS = {"==": eq, "!=": ne, ">": gt, ">=": ge, "<": lt, "<=": le}
_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "mean": lambda values: sum(values) / len(values),
    "count": len,
    "sum": sum,
    "min": min,
    "max": max,
}
_SELECTORS = {"first": 0, "last": -1}


@dataclass
class Table:
    """Rows that share a key."""

    key: Row
    rows: list[Row]


@dataclass(frozen=True)
class Source:
    """A span of a bucket that isn't read yet, times in ns."""

    bucket: Bucket
    start: int = 0
    stop: int = 0

    def tables(self, wanted: Callable[[Row], bool] = lambda key: True) -> Iterator[Table]:
        """One table a column of the bucket that lies in the span."""
        with self.bucket.lock:
            for (measurement, tags, name), column in sorted(self.bucket.columns.items()):
                key: Row = {"_measurement": measurement, "_field": name, **dict(tags)}
                if not wanted(key):
                    continue
                key |= {"_start": self.start, "_stop": self.stop}
                rows = [
                    {**key, "_time": at, "_value": column[at]}
                    for at in sorted(column)
                    if self.start <= at < self.stop
                ]
                if rows:
                    yield Table(key, rows)


Stream = list[Table] | Source


def read(stream: Stream) -> list[Table]:
    """The tables of a stream."""
    return list(stream.tables()) if isinstance(stream, Source) else stream


class Script:
    """One script in the course of being run."""

    def __init__(self, buckets: Mapping[str, Bucket], now: int) -> None:
        """now: what now() says, ns."""
        self._buckets = buckets
        self._now = now
        self._names: Row = {"true": True, "false": False}

    def run(self, tree: Tree) -> list[Table]:
        """The tables that its last expression yields."""
        result: list[Table] = []
        for statement in tree["body"]:
            match statement["type"]:
                case "VariableAssignment":
                    value = self._value(statement["init"], self._names)
                    self._names[statement["id"]["name"]] = value
                case "ExpressionStatement":
                    result = read(self._value(statement["expression"], self._names))
                case "OptionStatement":
                    pass
                case other:
                    raise NotImplementedError(other)
        return result

    def _value(self, node: Tree, names: Row) -> Any:
        kind = node["type"]
        method = getattr(self, f"_of_{kind}", None)
        if method is None:
            raise NotImplementedError(kind)
        return method(node, names)

    def _of_IntegerLiteral(self, node: Tree, names: Row) -> int:
        del names
        return int(node["value"])

    def _of_StringLiteral(self, node: Tree, names: Row) -> str:
        del names
        return str(node["value"])

    def _of_RegexpLiteral(self, node: Tree, names: Row) -> re.Pattern[str]:
        del names
        return re.compile(node["value"])

    def _of_DateTimeLiteral(self, node: Tree, names: Row) -> int:
        del names
        return (datetime.fromisoformat(node["value"]) - _EPOCH) // timedelta(microseconds=1) * 1_000

    def _of_DurationLiteral(self, node: Tree, names: Row) -> int:
        del names
        return sum(part["magnitude"] * _NANOSECONDS[part["unit"]] for part in node["values"])

    def _of_Identifier(self, node: Tree, names: Row) -> Any:
        return names[node["name"]] if node["name"] in names else node["name"]

    def _of_ParenExpression(self, node: Tree, names: Row) -> Any:
        return self._value(node["expression"], names)

    def _of_ArrayExpression(self, node: Tree, names: Row) -> list[Any]:
        return [self._value(element, names) for element in node["elements"]]

    def _of_ObjectExpression(self, node: Tree, names: Row) -> Row:
        return {
            property_["key"].get("name", property_["key"].get("value")): self._value(
                property_["value"], names
            )
            for property_ in node["properties"]
        }

    def _of_MemberExpression(self, node: Tree, names: Row) -> Any:
        return self._value(node["object"], names).get(node["property"]["name"])

    def _of_LogicalExpression(self, node: Tree, names: Row) -> bool:
        left = self._value(node["left"], names)
        if node["operator"] == "and":
            return bool(left and self._value(node["right"], names))
        return bool(left or self._value(node["right"], names))

    def _of_BinaryExpression(self, node: Tree, names: Row) -> bool:
        left, right = (self._value(node[side], names) for side in ("left", "right"))
        if left is None:
            return False
        if node["operator"] == "=~":
            return right.search(left) is not None
        return bool(_OPERATORS[node["operator"]](left, right))

    def _of_ConditionalExpression(self, node: Tree, names: Row) -> Any:
        side = "consequent" if self._value(node["test"], names) else "alternate"
        return self._value(node[side], names)

    def _of_FunctionExpression(self, node: Tree, names: Row) -> Callable[[Any], Any]:
        (parameter,) = (one["key"]["name"] for one in node["params"])
        return lambda value: self._value(node["body"], {**names, parameter: value})

    def _of_PipeExpression(self, node: Tree, names: Row) -> Any:
        stream = self._value(node["argument"], names)
        if node["call"]["callee"]["name"] == "filter":
            return self._filtered(stream, node["call"], names)
        return self._called(node["call"], names, stream)

    def _of_CallExpression(self, node: Tree, names: Row) -> Any:
        return self._called(node, names)

    def _filtered(self, stream: Stream, call: Tree, names: Row) -> list[Table]:
        told = self._of_ObjectExpression(call["arguments"][0], names)["fn"]
        asked = set(_members(call))
        if isinstance(stream, Source) and not asked & {"_time", "_value"}:
            return list(stream.tables(told))
        kept = [
            Table(table.key, [row for row in table.rows if told(row)]) for table in read(stream)
        ]
        return [table for table in kept if table.rows]

    def _called(self, node: Tree, names: Row, *stream: Any) -> Any:
        callee = node["callee"]
        parts = [callee.get("name") or f"{callee['object']['name']}_{callee['property']['name']}"]
        given = node.get("arguments") or []
        arguments = self._of_ObjectExpression(given[0], names) if given else {}
        name = parts[0]
        if name in _AGGREGATES:
            return [_aggregated(table, name, **arguments) for table in read(stream[0])]
        if name in _SELECTORS:
            return [Table(t.key, [t.rows[_SELECTORS[name]]]) for t in read(stream[0])]
        method = getattr(self, f"_call_{name}", None)
        if method is None:
            raise NotImplementedError(name)
        renamed = {("from_" if key == "from" else key): value for key, value in arguments.items()}
        return method(*stream, **renamed)

    def _call_from(self, bucket: str) -> Source:
        return Source(self._buckets[bucket])

    def _call_range(self, source: Source, start: int, stop: int | None = None) -> Source:
        # A duration counts from now, and a number is one of seconds; we write neither.
        return Source(source.bucket, start, self._now if stop is None else stop)

    def _call_union(self, tables: list[Stream]) -> list[Table]:
        return _regrouped(
            (table.key, row) for stream in tables for table in read(stream) for row in table.rows
        )

    def _call_group(self, stream: Stream, columns: Iterable[str] = ()) -> list[Table]:
        rows = (row for table in read(stream) for row in table.rows)
        return _regrouped(({name: row[name] for name in columns}, row) for row in rows)

    def _call_keep(self, stream: Stream, columns: list[str]) -> list[Table]:
        return [
            Table(
                {name: value for name, value in table.key.items() if name in columns},
                [{name: row[name] for name in columns if name in row} for row in table.rows],
            )
            for table in read(stream)
        ]

    def _call_rename(self, stream: Stream, columns: dict[str, str]) -> list[Table]:
        return [
            Table(
                table.key,
                [{columns.get(name, name): v for name, v in row.items()} for row in table.rows],
            )
            for table in read(stream)
        ]

    def _call_set(self, stream: Stream, key: str, value: str) -> list[Table]:
        return [
            Table(
                {**table.key, key: value} if key in table.key else table.key,
                [{**row, key: value} for row in table.rows],
            )
            for table in read(stream)
        ]

    def _call_toFloat(self, stream: Stream) -> list[Table]:
        return [
            Table(table.key, [{**row, "_value": float(row["_value"])} for row in table.rows])
            for table in read(stream)
        ]

    def _call_map(self, stream: Stream, fn: Callable[[Row], Row]) -> list[Table]:
        rows = ((table.key, fn(row)) for table in read(stream) for row in table.rows)
        return _regrouped(
            ({name: row[name] for name in key if name in row}, row) for key, row in rows
        )

    def _call_pivot(
        self,
        stream: Stream,
        rowKey: list[str],
        columnKey: list[str],
        valueColumn: str,
    ) -> list[Table]:
        (by,), (across,) = rowKey, columnKey
        found: dict[tuple[Any, ...], tuple[Row, dict[int, Row]]] = {}
        for table in read(stream):
            key = {name: v for name, v in table.key.items() if name not in (across, valueColumn)}
            _, rows = found.setdefault(tuple(sorted(key.items())), (key, {}))
            for row in table.rows:
                made = rows.setdefault(row[by], {**key, by: row[by]})
                made[row[across]] = row[valueColumn]
        return [Table(key, [rows[at] for at in sorted(rows)]) for key, rows in found.values()]

    def _call_aggregateWindow(
        self,
        stream: Stream,
        every: int,
        fn: str,
        createEmpty: bool,
        timeSrc: str,
    ) -> list[Table]:
        assert (createEmpty, timeSrc) == (False, "_start")
        made = []
        for table in read(stream):
            windows: dict[int, list[Any]] = {}
            for row in table.rows:
                windows.setdefault(row["_time"] // every * every, []).append(row["_value"])
            rows = [
                {
                    **table.key,
                    "_time": max(at, table.key["_start"]),
                    "_value": _AGGREGATES[fn](some),
                }
                for at, some in windows.items()
            ]
            made.append(Table(table.key, rows))
        return made

    def _call_to(
        self,
        stream: Stream,
        bucket: str,
        fieldFn: Callable[[Row], Row],
        tagColumns: list[str] | None = None,
    ) -> list[Table]:
        tables = read(stream)
        for row in (row for table in tables for row in table.rows):
            tags = tuple((name, str(row[name])) for name in tagColumns or [])
            for name, value in fieldFn(row).items():
                if isinstance(value, float) and not math.isfinite(value):
                    raise ValueError(f"{name} of {row} can't be stored")
                column = (row["_measurement"], tags, name)
                self._buckets[bucket].columns.setdefault(column, {})[row["_time"]] = value
        return tables

    def _call_findRecord(self, stream: Stream, fn: Any, idx: int) -> Row:
        del fn
        tables = read(stream)
        return tables[0].rows[idx] if tables else {}

    def _call_array_from(self, rows: list[Row]) -> list[Table]:
        return [Table({}, rows)]

    def _call_schema_measurements(self, bucket: str, start: int) -> list[Table]:
        del start
        names = {name[0] for name, column in self._buckets[bucket].columns.items() if column}
        return [Table({}, [{"_value": name} for name in sorted(names)])] if names else []

    def _call_now(self) -> int:
        return self._now

    def _call_date_truncate(self, t: int, unit: int) -> int:
        return t // unit * unit

    def _call_date_sub(self, d: int, from_: int) -> int:
        return from_ - d


def _aggregated(table: Table, name: str, column: str = "_value") -> Table:
    value = _AGGREGATES[name]([row[column] for row in table.rows])
    return Table(table.key, [{**table.key, column: value}])


def _regrouped(rows: Iterable[tuple[Row, Row]]) -> list[Table]:
    found: dict[tuple[Any, ...], Table] = {}
    for key, row in rows:
        table = found.setdefault(tuple(sorted(key.items())), Table(key, []))
        table.rows.append(row)
    return list(found.values())


def _members(node: Any) -> Iterator[str]:
    """The columns that a function looks at."""
    if isinstance(node, list):
        for part in node:
            yield from _members(part)
    elif isinstance(node, dict):
        if node.get("type") == "MemberExpression":
            yield node["property"]["name"]
        for part in node.values():
            yield from _members(part)
