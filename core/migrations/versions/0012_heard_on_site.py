"""The index of critical tickets that nobody has accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

LOUD = sa.text("priority = 'critical' AND responded_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_ticket_loud", "ticket", ["site_id"], sqlite_where=LOUD, postgresql_where=LOUD
    )
