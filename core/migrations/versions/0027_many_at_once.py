"""What is done to many tickets at once: merged into one, and told once; views of a team."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("ticket_batch", sa.Column("into_id", sa.Uuid(), nullable=True))
    op.add_column("saved_view", sa.Column("team", sa.String(length=40), nullable=True))
    op.add_column("notice", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_notice_batch_id"), "notice", ["batch_id"], unique=False)
    op.create_table(
        "notice_ticket",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_ticket_notice_id_notice")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_notice_ticket_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_notice_ticket_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("notice_id", "ticket_id", name=op.f("pk_notice_ticket")),
    )
    op.create_index(
        op.f("ix_notice_ticket_ticket_id"), "notice_ticket", ["ticket_id"], unique=False
    )
