"""Voice notes on tickets, and who is named in a note."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ticket_voice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_kind", sa.String(length=12), nullable=True),
        sa.Column("at", core.db.Instant(), nullable=False),
        sa.Column("original", sa.String(length=64), nullable=False),
        sa.Column("copy", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_ticket_voice_author_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["ticket_note.id"], name=op.f("fk_ticket_voice_note_id_ticket_note")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_ticket_voice_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_voice_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_voice")),
        sa.UniqueConstraint(
            "ticket_id", "original", name=op.f("uq_ticket_voice_ticket_id_original")
        ),
    )
    op.create_table(
        "ticket_mention",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["ticket_note.id"], name=op.f("fk_ticket_mention_note_id_ticket_note")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_ticket_mention_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_ticket_mention_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_mention_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("note_id", "person_id", name=op.f("pk_ticket_mention")),
    )
    op.create_index("ix_ticket_mention_ticket_id", "ticket_mention", ["ticket_id"])
