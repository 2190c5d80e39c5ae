"""Up to where facts of the event log have become moments that rules count."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for column in ("told_txid", "told_seq"):
        op.add_column("shard", sa.Column(column, sa.BigInteger(), nullable=True))
