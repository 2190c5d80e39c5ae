"""Tickets by what their titles say."""

import sqlalchemy as sa
from alembic import op

from core.folding import fold

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
_BATCH = 1_000


def upgrade() -> None:
    """Apply."""
    op.add_column("ticket", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    _fill()
    op.drop_index("ix_ticket_learned", table_name="ticket")
    op.create_index(
        "ix_ticket_found", "ticket", ["learned_at", "id", "search_text", "asset_id", "number"]
    )


def _fill() -> None:
    ticket = sa.table(
        "ticket",
        sa.column("id", sa.Uuid()),
        sa.column("title", sa.JSON()),
        sa.column("search_text", sa.Text()),
    )
    connection = op.get_bind()
    titles = connection.execute(sa.select(ticket.c.id, ticket.c.title)).all()
    change = (
        sa.update(ticket)
        .where(ticket.c.id == sa.bindparam("which"))
        .values(search_text=sa.bindparam("text"))
    )
    rows = [{"which": key, "text": fold(" ".join(title.values()))} for key, title in titles]
    for start in range(0, len(rows), _BATCH):
        connection.execute(change, rows[start : start + _BATCH])
