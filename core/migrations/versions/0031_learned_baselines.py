"""What was learned to be usual for points."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "learned_baseline",
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("replaced", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series"], ["point.series"], name=op.f("fk_learned_baseline_series_point")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_learned_baseline_site_id_node")
        ),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_learned_baseline")),
    )
