"""What a ticket turned out to be, and who did the work."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("ticket", sa.Column("verdict", sa.String(length=20), nullable=True))
    op.add_column("ticket", sa.Column("verdict_cause", sa.String(length=20), nullable=True))
    doer = sa.ForeignKey("person.id", name=op.f("fk_ticket_doer_id_person"))
    op.add_column(
        "ticket", sa.Column("doer_id", sa.Uuid(), doer, nullable=True), inline_references=True
    )
