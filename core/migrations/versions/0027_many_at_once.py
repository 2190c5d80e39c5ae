"""What is done to many tickets at once: merging them into one."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("ticket_batch", sa.Column("into_id", sa.Uuid(), nullable=True))
