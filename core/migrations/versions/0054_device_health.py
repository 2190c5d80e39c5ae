"""How devices are heard, and when their batteries will be empty."""

import sqlalchemy as sa
from alembic import op

from core.db import Instant

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of either yet."""
    _heard()
    _judged()
    _rounds()


def _rounds() -> None:
    op.create_table(
        "battery_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_battery_round_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["space_id"], ["space.id"], name=op.f("fk_battery_round_space_id_space")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_battery_round_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_battery_round")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_battery_round_ticket_id")),
        sa.UniqueConstraint(
            "site_id",
            "space_id",
            "month",
            "part",
            name=op.f("uq_battery_round_site_id_space_id_month_part"),
        ),
    )
    op.create_index(op.f("ix_battery_round_site_id"), "battery_round", ["site_id"])
    op.create_table(
        "battery_round_cell",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("percent", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["battery_round.id"],
            name=op.f("fk_battery_round_cell_round_id_battery_round"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_battery_round_cell_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_battery_round_cell_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["checklist_item.id"],
            name=op.f("fk_battery_round_cell_item_id_checklist_item"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("round_id", "device_id", name=op.f("pk_battery_round_cell")),
    )
    op.create_index(op.f("ix_battery_round_cell_item_id"), "battery_round_cell", ["item_id"])


def _heard() -> None:
    op.create_table(
        "device_path",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("first_heard", Instant(), nullable=False),
        sa.Column("last_heard", Instant(), nullable=False),
        sa.Column("rssi", sa.Float(), nullable=True),
        sa.Column("snr", sa.Float(), nullable=True),
        sa.Column("link_quality", sa.Float(), nullable=True),
        sa.Column("today", sa.Integer(), nullable=False),
        sa.Column("yesterday", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_device_path_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_device_path_site_id_node")),
        sa.PrimaryKeyConstraint("device_id", "path", name=op.f("pk_device_path")),
    )
    op.create_index(op.f("ix_device_path_site_id"), "device_path", ["site_id"])
    op.create_table(
        "device_battery",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_device_battery_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_device_battery_site_id_node")
        ),
        sa.PrimaryKeyConstraint("device_id", "day", name=op.f("pk_device_battery")),
    )
    op.create_index(op.f("ix_device_battery_site_id"), "device_battery", ["site_id"])


def _judged() -> None:
    op.create_table(
        "battery_state",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("judged_at", Instant(), nullable=False),
        sa.Column("percent", sa.Float(), nullable=True),
        sa.Column("low", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("per_day", sa.Float(), nullable=True),
        sa.Column("empty_on", sa.Date(), nullable=True),
        sa.Column("cell", sa.String(40), nullable=True),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_battery_state_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_battery_state_site_id_node")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_battery_state")),
    )
    op.create_index(op.f("ix_battery_state_site_id"), "battery_state", ["site_id"])
    op.create_index(op.f("ix_battery_state_empty_on"), "battery_state", ["empty_on"])
