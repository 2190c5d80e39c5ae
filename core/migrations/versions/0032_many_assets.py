"""How far each point had been read when an alarm that asks many assets changed last."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An empty value is that of every alarm that asks nobody else."""
    for table in ("alarm", "shadow_alarm"):
        op.add_column(table, sa.Column("seen", sa.JSON(none_as_null=True), nullable=True))
