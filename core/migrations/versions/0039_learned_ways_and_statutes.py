"""How long people take from one checkpoint to the next, and what plans are made under."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "patrol_way",
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("usual_s", sa.Integer(), nullable=True),
        sa.Column("quickest_s", sa.Integer(), nullable=True),
        sa.Column("first_at", core.db.Instant(), nullable=False),
        sa.Column("last_at", core.db.Instant(), nullable=False),
        sa.Column("learned_at", core.db.Instant(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_patrol_way_{column}_{table}")
            )
            for column, table in (
                ("from_id", "checkpoint"),
                ("to_id", "checkpoint"),
                ("site_id", "node"),
            )
        ),
        sa.PrimaryKeyConstraint("from_id", "to_id", name=op.f("pk_patrol_way")),
    )
    op.create_index(op.f("ix_patrol_way_site_id"), "patrol_way", ["site_id"])
    op.add_column("round_plan", sa.Column("statute", sa.JSON(), nullable=True))
