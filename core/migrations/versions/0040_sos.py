"""Calls for help with what phones say of them, and who has to say that they are well."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

STANDING = sa.text("state <> 'over'")
OF_SOMEBODY = sa.text("state <> 'over' AND person_id IS NOT NULL")
DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    _sos()
    _signals()
    _lone_plans()
    _lone_watches()
    op.create_table(
        "dead_zone",
        _id("place_id"),
        _id("site_id"),
        _moment("set_at"),
        _id("set_by"),
        *_refer("dead_zone", {"site_id": "node", "set_by": "person"}),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_dead_zone")),
    )
    _index("dead_zone", "site_id")


def _id(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=empty)


def _moment(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, core.db.Instant(), nullable=empty)


def _word(name: str, length: int, *, empty: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=empty)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _refer(table: str, targets: Mapping[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _partial(
    name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool = False
) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _sos() -> None:
    people = ("seen_by", "acknowledged_by", "coming_by", "ended_by")
    op.create_table(
        "sos",
        _id("id"),
        _id("site_id"),
        _id("ticket_id", empty=True),
        _word("state", 12),
        _number("version"),
        _word("kind", 8),
        _word("origin", 12),
        _flag("practice"),
        _id("person_id", empty=True),
        _word("phone", 64),
        _id("checkpoint_id", empty=True),
        _number("presses"),
        _moment("opened_at"),
        _moment("pressed_at", empty=True),
        _moment("last_press_at"),
        _moment("due_at", empty=True),
        _number("rung"),
        *(
            column
            for name in ("seen", "acknowledged", "coming")
            for column in (_moment(f"{name}_at", empty=True), _id(f"{name}_by", empty=True))
        ),
        _moment("cancelled_at", empty=True),
        _word("cancel_proof", 8, empty=True),
        _moment("ended_at", empty=True),
        _id("ended_by", empty=True),
        _word("outcome", 8, empty=True),
        *_refer(
            "sos",
            {
                "site_id": "node",
                "ticket_id": "ticket",
                "person_id": "person",
                "checkpoint_id": "asset",
                **dict.fromkeys(people, "person"),
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sos")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_sos_ticket_id")),
    )
    _partial("ix_sos_due", "sos", ["due_at"], DUE)
    _partial("uq_sos_standing", "sos", ["person_id", "practice"], OF_SOMEBODY, unique=True)
    _partial("ix_sos_site_standing", "sos", ["site_id"], STANDING)
    op.create_index("ix_sos_site_opened", "sos", ["site_id", "opened_at", "id"])


def _signals() -> None:
    op.create_table(
        "sos_signal",
        _id("id"),
        _id("sos_id"),
        _id("site_id"),
        _id("person_id"),
        _word("what", 10),
        _word("kind", 8),
        _moment("occurred_at", empty=True),
        _moment("received_at"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _word("proof", 8),
        *_refer("sos_signal", {"sos_id": "sos", "site_id": "node", "person_id": "person"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sos_signal")),
    )
    op.create_index("ix_sos_signal_sos_received", "sos_signal", ["sos_id", "received_at", "id"])
    op.create_table(
        "sos_phrase",
        _id("person_id"),
        _word("hash", 255),
        _moment("set_at"),
        *_refer("sos_phrase", {"person_id": "person"}),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_sos_phrase")),
    )


def _lone_plans() -> None:
    op.create_table(
        "lone_plan",
        _id("id"),
        _id("site_id"),
        _word("team", 40),
        _word("hours", 40),
        _flag("outside"),
        _number("every_min"),
        _number("grace_min"),
        _number("wait_min"),
        _flag("contact_counts"),
        _word("state", 10),
        _number("version"),
        *_refer("lone_plan", {"site_id": "node"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lone_plan")),
    )
    _index("lone_plan", "site_id")


def _lone_watches() -> None:
    op.create_table(
        "lone_watch",
        _id("id"),
        _id("site_id"),
        _id("plan_id"),
        _id("person_id"),
        _word("state", 15),
        _number("version"),
        *(_moment(name) for name in ("began_at", "ends_at", "heard_at")),
        _word("heard_by", 10),
        _id("checkpoint_id", empty=True),
        _moment("due_at"),
        _moment("reminded_at", empty=True),
        _moment("missed_at", empty=True),
        _id("sos_id", empty=True),
        _moment("ended_at", empty=True),
        _moment("next_look", empty=True),
        *_refer(
            "lone_watch",
            {
                "site_id": "node",
                "plan_id": "lone_plan",
                "person_id": "person",
                "checkpoint_id": "asset",
                "sos_id": "sos",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lone_watch")),
    )
    _index("lone_watch", "site_id", "plan_id", "next_look")
    _partial("uq_lone_watch_living", "lone_watch", ["person_id"], STANDING, unique=True)
