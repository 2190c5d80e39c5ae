"""What dialects need: what decoders remember, what devices say they are, and converted values."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is remembered or described yet, and every point is measured as it is meant."""
    op.create_table(
        "source_memory",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
            name=op.f("fk_source_memory_source_id_source"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "key", name=op.f("pk_source_memory")),
    )
    with op.batch_alter_table("device") as table:
        table.add_column(sa.Column("described", sa.JSON(), nullable=True))
    with op.batch_alter_table("point") as table:
        table.add_column(sa.Column("scale", sa.Float(), nullable=True))
        table.add_column(sa.Column("shift", sa.Float(), nullable=True))
    with op.batch_alter_table("shard") as table:
        table.add_column(sa.Column("filters", sa.JSON(), nullable=True))
