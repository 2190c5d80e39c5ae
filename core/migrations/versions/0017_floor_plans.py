"""Floor plans, and where assets stand on them."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OF_SITE = sa.text("space_id IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "floor_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("original", sa.String(length=64), nullable=False),
        sa.Column("copy", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("at", core.db.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_floor_plan_site_id_node")),
        sa.ForeignKeyConstraint(
            ["space_id"], ["space.id"], name=op.f("fk_floor_plan_space_id_space")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_plan")),
        sa.UniqueConstraint("space_id", name=op.f("uq_floor_plan_space_id")),
    )
    op.create_index(
        "uq_floor_plan_site",
        "floor_plan",
        ["site_id"],
        unique=True,
        sqlite_where=OF_SITE,
        postgresql_where=OF_SITE,
    )
    op.create_table(
        "plan_position",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "x >= 0 AND x <= 1 AND y >= 0 AND y <= 1", name=op.f("ck_plan_position_within")
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_plan_position_asset_id_asset")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["floor_plan.id"], name=op.f("fk_plan_position_plan_id_floor_plan")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_plan_position_site_id_node")
        ),
        sa.PrimaryKeyConstraint("plan_id", "asset_id", name=op.f("pk_plan_position")),
    )
    op.create_index(op.f("ix_plan_position_asset_id"), "plan_position", ["asset_id"])
