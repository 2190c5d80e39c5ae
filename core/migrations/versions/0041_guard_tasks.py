"""Tasks for guards, whom they were offered to, and rounds that wait meanwhile."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

STANDS = sa.text("state <> 'over'")
TAKEN_UP = sa.text("state IN ('offered', 'accepted')")


def upgrade() -> None:
    """Apply."""
    _tasks()
    _offers()
    with op.batch_alter_table("round") as batch:
        batch.add_column(_moment("paused_at", empty=True))
        batch.add_column(sa.Column("paused_s", sa.Integer(), nullable=False, server_default="0"))


def _id(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=empty)


def _moment(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, core.db.Instant(), nullable=empty)


def _word(name: str, length: int, *, empty: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=empty)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _refer(table: str, targets: Mapping[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _tasks() -> None:
    of = {"id": "ticket", "site_id": "node", "person_id": "person", "scan_id": "scan"}
    op.create_table(
        "guard_task",
        _id("id"),
        _id("site_id"),
        _word("state", 12),
        _number("version"),
        _number("run"),
        _moment("began_at"),
        _moment("due_at", empty=True),
        _id("person_id", empty=True),
        *(_moment(f"{name}_at", empty=True) for name in ("offered", "accepted", "late", "arrived")),
        _word("arrived_by", 8, empty=True),
        _id("scan_id", empty=True),
        sa.Column("proof", sa.JSON(none_as_null=True), nullable=True),
        _moment("passed_up_at", empty=True),
        _moment("ended_at", empty=True),
        _word("why", 12, empty=True),
        sa.Column("reason", sa.Text(), nullable=False),
        *_refer("guard_task", of),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_task")),
    )
    op.create_index(op.f("ix_guard_task_person_id"), "guard_task", ["person_id"])
    op.create_index(
        "ix_guard_task_standing",
        "guard_task",
        ["id"],
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.create_index("ix_guard_task_site_began", "guard_task", ["site_id", "began_at", "id"])


def _offers() -> None:
    of = {"site_id": "node", "task_id": "guard_task", "person_id": "person", "by_id": "person"}
    op.create_table(
        "guard_offer",
        _id("id"),
        _id("site_id"),
        _id("task_id"),
        _id("person_id"),
        _number("run"),
        _number("number"),
        _word("state", 10),
        _number("version"),
        _moment("offered_at"),
        _moment("answer_by", empty=True),
        _moment("answered_at", empty=True),
        _id("by_id", empty=True),
        sa.Column("near", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *_refer("guard_offer", of),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_offer")),
    )
    op.create_index("uq_guard_offer_task_number", "guard_offer", ["task_id", "number"], unique=True)
    op.create_index(
        "uq_guard_offer_taken_up",
        "guard_offer",
        ["person_id"],
        unique=True,
        sqlite_where=TAKEN_UP,
        postgresql_where=TAKEN_UP,
    )
