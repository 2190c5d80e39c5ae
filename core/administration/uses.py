"""What refers to a row, whatever part of the product it stands in."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from core.db import Base

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Use:
    """A row of `table` refers to the row `used`. user: its id, None where it has none."""

    used: UUID
    table: str
    user: UUID | None


def uses_of(
    session: Session, model: type[Base], ids: Collection[UUID], *, but: Collection[str] = ()
) -> list[Use]:
    """Every foreign key of any table to these rows, except from the tables in `but`.

    It asks the schema, so that a table of a workflow that comes later is not forgotten.
    """
    used = Base.metadata.tables[model.__tablename__]
    wanted = list(ids)
    found: list[Use] = []
    for table, column, target in _references(used):
        if table.name in but:
            continue
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            found += _read(session, used, target, table, column, some)
    return found


def _references(used: Table) -> Iterator[tuple[Table, Any, Any]]:
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table is used:
                yield table, key.parent, key.column


def _read(
    session: Session, used: Table, target: Any, table: Table, column: Any, ids: list[UUID]
) -> Iterator[Use]:
    # A row that refers to its own table, as spaces do, is read under another name.
    other = table.alias("user_of_it")
    mine = other.c.id if "id" in table.c else None
    columns = [used.c.id] if mine is None else [used.c.id, mine]
    statement = select(*columns).join(other, other.c[column.name] == target)
    for row in session.execute(statement.where(used.c.id.in_(ids))):
        yield Use(row[0], table.name, row[1] if len(row) > 1 else None)
