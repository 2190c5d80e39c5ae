"""Announcing again."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("ticket", sa.Column("announced_at", core.db.Instant(), nullable=True))
    op.execute("UPDATE ticket SET announced_at = learned_at")
