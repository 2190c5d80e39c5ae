"""Lists of tickets under a name, and what was done to many tickets at once."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", core.db.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_saved_view_node_id_node")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["person.id"], name=op.f("fk_saved_view_owner_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner_id"], unique=False)
    op.create_index(op.f("ix_saved_view_node_id"), "saved_view", ["node_id"], unique=False)
    op.create_table(
        "default_view",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_default_view_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_view.id"], name=op.f("fk_default_view_view_id_saved_view")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_default_view")),
    )
    op.create_index(op.f("ix_default_view_view_id"), "default_view", ["view_id"], unique=False)
    op.create_table(
        "ticket_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_ticket_batch_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["ticket_batch.id"], name=op.f("fk_ticket_batch_undoes_id_ticket_batch")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_batch")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_ticket_batch_undoes_id")),
    )
    op.create_index(op.f("ix_ticket_batch_person_id"), "ticket_batch", ["person_id"], unique=False)
    op.create_index(op.f("ix_ticket_batch_at"), "ticket_batch", ["at"], unique=False)
