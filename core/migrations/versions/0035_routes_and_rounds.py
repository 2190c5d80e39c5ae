"""Routes, plans of rounds, rounds with their points, and when guards' phones were heard of."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _routes()
    _plans()
    _rounds()
    _round_points()
    op.create_table(
        "patrol_contact",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", core.db.Instant(), nullable=False),
        sa.Column("told_until", core.db.Instant(), nullable=True),
        *_refer("patrol_contact", {"person_id": "person"}),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_patrol_contact")),
    )


def _refer(table: str, targets: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _routes() -> None:
    op.create_table(
        "route",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("visit_order", sa.String(length=15), nullable=False),
        sa.Column("take", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_refer("route", {"site_id": "node"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_route_site_id_code")),
    )
    op.create_table(
        "route_point",
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("opens_min", sa.Integer(), nullable=True),
        sa.Column("closes_min", sa.Integer(), nullable=True),
        *_refer(
            "route_point",
            {"route_id": "route", "site_id": "node", "checkpoint_id": "checkpoint"},
        ),
        sa.PrimaryKeyConstraint("route_id", "position", name=op.f("pk_route_point")),
    )
    _index("route_point", "checkpoint_id")


def _plans() -> None:
    op.create_table(
        "round_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.JSON(), nullable=False),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("hours", sa.String(length=40), nullable=False),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("duration_min", sa.Integer(), nullable=False),
        sa.Column("tolerance_min", sa.Integer(), nullable=False),
        sa.Column("settle_min", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_until", core.db.Instant(), nullable=True),
        *_refer("round_plan", {"site_id": "node", "route_id": "route"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_plan")),
    )
    _index("round_plan", "site_id", "route_id")


def _rounds() -> None:
    op.create_table(
        "round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("visit_order", sa.String(length=15), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(
            sa.Column(name, core.db.Instant(), nullable=False)
            for name in ("planned_at", "opens_at", "begin_by", "ends_at", "settles_at")
        ),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        *(
            sa.Column(name, core.db.Instant(), nullable=True)
            for name in ("began_at", "ended_at", "next_look", "late_told_at", "passed_up_at")
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        *_refer(
            "round",
            {
                "site_id": "node",
                "route_id": "route",
                "plan_id": "round_plan",
                "person_id": "person",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("plan_id", "planned_at", name=op.f("uq_round_plan_id_planned_at")),
    )
    _index("round", "route_id", "plan_id", "person_id", "next_look")
    op.create_index("ix_round_site_planned", "round", ["site_id", "planned_at", "id"])


def _round_points() -> None:
    op.create_table(
        "round_point",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opens_at", core.db.Instant(), nullable=False),
        sa.Column("closes_at", core.db.Instant(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=True),
        sa.Column("scanned_at", core.db.Instant(), nullable=True),
        sa.Column("judged_at", core.db.Instant(), nullable=True),
        sa.Column("annexed", sa.Boolean(), nullable=False),
        sa.Column("told_at", core.db.Instant(), nullable=True),
        sa.Column("passed_up_at", core.db.Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        *_refer(
            "round_point",
            {
                "round_id": "round",
                "site_id": "node",
                "checkpoint_id": "checkpoint",
                "scan_id": "scan",
            },
        ),
        sa.PrimaryKeyConstraint("round_id", "position", name=op.f("pk_round_point")),
    )
    _index("round_point", "scan_id")
    op.create_index("ix_round_point_checkpoint", "round_point", ["checkpoint_id", "opens_at"])
