"""What cells of rosters say and what stickers offer, as places keep it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "shift_code",
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("written", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("ends", sa.String(length=5), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_shift_code_node_id_node")),
        sa.PrimaryKeyConstraint("node_id", "code", name=op.f("pk_shift_code")),
    )
    op.create_table(
        "sticker_problem_list",
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_sticker_problem_list_node_id_node")
        ),
        sa.PrimaryKeyConstraint("code", "node_id", name=op.f("pk_sticker_problem_list")),
    )
