"""Marks on rounds, and when a round is to be looked at for them."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("round", sa.Column("next_check", core.db.Instant(), nullable=True))
    op.create_index(op.f("ix_round_next_check"), "round", ["next_check"])
    op.create_table(
        "patrol_mark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scans", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("made_at", core.db.Instant(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("answered_at", core.db.Instant(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", core.db.Instant(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_patrol_mark_{column}_{target}")
            )
            for column, target in {
                "site_id": "node",
                "round_id": "round",
                "person_id": "person",
                "decided_by": "person",
            }.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_mark")),
        sa.UniqueConstraint("round_id", "kind", name=op.f("uq_patrol_mark_round_id_kind")),
    )
    op.create_index("ix_patrol_mark_site_made", "patrol_mark", ["site_id", "made_at", "id"])
    op.create_index("ix_patrol_mark_person_made", "patrol_mark", ["person_id", "made_at", "id"])
