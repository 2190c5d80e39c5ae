"""Alarms that are shelved, suppressed or out of service, and what they keep of their rule."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

REFERS_TO = {
    "site_id": "node",
    "alarm_id": "alarm",
    "asked_by": "person",
    "confirmed_by": "person",
    "ended_by": "person",
}
WORK_REFERS_TO = {"site_id": "node", "planned_by": "person", "ended_by": "person"}
TARGET_REFERS_TO = {
    "site_id": "node",
    "work_id": "planned_work",
    "asset_id": "asset",
    "space_id": "space",
}


def _create_planned_work() -> None:
    op.create_table(
        "planned_work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("with_supplied", sa.Boolean(), nullable=False),
        sa.Column("starts_at", core.db.Instant(), nullable=False),
        sa.Column("ends_at", core.db.Instant(), nullable=False),
        sa.Column("planned_at", core.db.Instant(), nullable=False),
        sa.Column("planned_by", sa.Uuid(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_planned_work_{column}_{table}")
            )
            for column, table in WORK_REFERS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_work")),
    )
    op.create_index("ix_planned_work_site_end", "planned_work", ["site_id", "ends_at"])
    op.create_table(
        "planned_target",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(asset_id IS NULL) <> (space_id IS NULL)", name=op.f("ck_planned_target_one")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_planned_target_{column}_{table}")
            )
            for column, table in TARGET_REFERS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_target")),
    )
    op.create_index(op.f("ix_planned_target_work_id"), "planned_target", ["work_id"])


def upgrade() -> None:
    """Apply."""
    _create_planned_work()
    op.add_column("alarm", sa.Column("facts", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("alarm", sa.Column("realarm_due", core.db.Instant(), nullable=True))
    op.create_index("ix_alarm_realarm", "alarm", ["state", "realarm_due"])
    op.create_table(
        "withholding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("patrol", sa.String(length=120), nullable=False),
        sa.Column("one_shot", sa.Boolean(), nullable=False),
        sa.Column("since", core.db.Instant(), nullable=False),
        sa.Column("until", core.db.Instant(), nullable=True),
        sa.Column("ended_at", core.db.Instant(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("cause_kind", sa.String(length=20), nullable=True),
        sa.Column("cause_id", sa.Uuid(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_withholding_{column}_{table}")
            )
            for column, table in REFERS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withholding")),
    )
    op.create_index("ix_withholding_alarm_id", "withholding", ["alarm_id"])
    op.create_index("ix_withholding_due", "withholding", ["state", "until"])
    op.create_index("ix_withholding_cause", "withholding", ["cause_id"])
    for state in ("standing", "asked"):
        op.create_index(
            f"uq_withholding_{state}",
            "withholding",
            ["alarm_id"],
            unique=True,
            sqlite_where=sa.text(f"state = '{state}'"),
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    with op.batch_alter_table("episode") as batch:
        batch.add_column(sa.Column("announced_at", core.db.Instant(), nullable=True))
        batch.add_column(sa.Column("proof", sa.JSON(none_as_null=True), nullable=True))
        batch.add_column(sa.Column("withholding_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_episode_withholding_id_withholding"),
            "withholding",
            ["withholding_id"],
            ["id"],
        )
