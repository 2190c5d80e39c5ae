"""Profiles of one's own, and devices that are expected before they speak."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "device_profile",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", core.db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_profile")),
    )
    op.create_table(
        "expected_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("profile", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", core.db.Instant(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("tried_at", core.db.Instant(), nullable=True),
        *_refer("expected_device", {"site_id": "node", "space_id": "space"}),
        *_refer("expected_device", {"asked_by": "person", "device_id": "device"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expected_device")),
    )
    op.create_index(
        "uq_expected_device_waits",
        "expected_device",
        ["site_id", "key"],
        unique=True,
        sqlite_where=sa.text("state = 'expected'"),
        postgresql_where=sa.text("state = 'expected'"),
    )


def _refer(table: str, targets: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]
