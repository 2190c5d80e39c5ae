"""Labour, parts and cost on tickets, and what was found."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for name in ("fault_code", "cause_code", "remedy_code"):
        op.add_column("ticket", sa.Column(name, sa.String(length=30), nullable=True))
    op.create_table(
        "ticket_work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=120), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("cost", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_ticket_work_author_id_person")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_ticket_work_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_work_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_work")),
    )
    op.create_index(op.f("ix_ticket_work_ticket_id"), "ticket_work", ["ticket_id"], unique=False)
