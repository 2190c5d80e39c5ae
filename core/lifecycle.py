"""Every status is a table of moves, and one function makes a move."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from core import events
from core.errors import Conflict, Stale
from rules.wording import worded


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A status table: `moves[action][from status] = to status`."""

    name: str
    moves: Mapping[str, Mapping[str, str]]

    @property
    def statuses(self) -> tuple[str, ...]:
        """Every status that some move leaves or reaches, in order of appearance."""
        seen = dict.fromkeys(
            status
            for table in self.moves.values()
            for source, target in table.items()
            for status in (source, target)
        )
        return tuple(seen)

    def target(self, action: str, status: str) -> str:
        """Where `action` leads from `status`; Conflict where the table does not hold it."""
        table = self.moves.get(action, {})
        if status not in table:
            raise NoSuchMove(self, action, status)
        return table[status]

    def actions(self, status: str) -> list[str]:
        """The actions that the table allows from `status`."""
        return [action for action, table in self.moves.items() if status in table]


class NoSuchMove(Conflict):
    """A table that does not hold a move; its words are of codes, which pages tell in their own."""

    def __init__(self, lifecycle: Lifecycle, action: str, status: str) -> None:
        name, allowed = lifecycle.name, ", ".join(lifecycle.actions(status)) or "nothing"
        article = "an" if name[0] in "aeiou" else "a"
        detail = f"{article} {name} that is {status} cannot {action}"
        super().__init__(detail, advice=f"Possible now: {allowed}.")
        self.lifecycle, self.status_now = name, status


class Stateful(Protocol):
    """A row whose status is moved by `move`."""

    id: Any
    site_id: Any
    state: Any
    version: Any


@lru_cache(maxsize=256)
def _swap(model: Any, names: tuple[str, ...], versioned: bool) -> ReturningUpdate[Any]:
    """The compare-and-swap of a model and a set of fields, built once for each."""
    statement = update(model).where(
        model.id == bindparam("row_id"), model.state == bindparam("was")
    )
    if versioned:
        statement = statement.where(model.version == bindparam("version_read"))
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return (
        statement.values(state=bindparam("will_be"), version=model.version + 1, **values)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def move(
    session: Session,
    row: Stateful,
    lifecycle: Lifecycle,
    action: str,
    *,
    actor: events.Actor,
    learned_at: datetime,
    happened_at: datetime | None = None,
    values: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    expected_version: int | None = None,
) -> str:
    """Move `row` by `action`, set `values` with it, append the event; returns the new status.

    Compare-and-swap on the status: who lost it reloads and judges again, so two people pressing
    two buttons get one move and one clear refusal. Raises Conflict where the table says no, and
    Stale when `expected_version` is given and somebody else changed the row.
    """
    model = type(row)
    session.flush()
    while True:
        before = row.state
        after = lifecycle.target(action, before)
        statement = _swap(model, tuple(values or ()), expected_version is not None)
        given = {f"new_{name}": value for name, value in (values or {}).items()}
        given |= {"row_id": row.id, "was": before, "will_be": after}
        if expected_version is not None:
            given["version_read"] = expected_version
        if session.scalars(statement, given).first() is not None:
            break
        session.refresh(row)
        if expected_version is not None and row.version != expected_version:
            raise Stale(
                worded(
                    "this %(what)s was changed since you read it (version %(version)s)",
                    what=lifecycle.name,
                    version=row.version,
                ),
                advice=worded("Load it again and repeat your change."),
            )
    events.append(
        session,
        f"{lifecycle.name}.{action}",
        (lifecycle.name, row.id),
        actor=actor,
        learned_at=learned_at,
        happened_at=happened_at,
        site_id=row.site_id if isinstance(row.site_id, UUID) else None,
        before={"state": before},
        after={"state": after, **(facts or {})},
    )
    return after
