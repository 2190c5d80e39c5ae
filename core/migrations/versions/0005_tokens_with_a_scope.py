"""Tokens with a scope."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("credential", sa.Column("scope", sa.JSON(none_as_null=True), nullable=True))
