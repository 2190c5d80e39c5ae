"""Checklists, templates, categories, links and signatures of tickets."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "checklist_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=True),
        sa.Column("low", sa.Numeric(precision=16, scale=4), nullable=True),
        sa.Column("high", sa.Numeric(precision=16, scale=4), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=True),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", core.db.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["person.id"], name=op.f("fk_checklist_item_answered_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_checklist_item_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_checklist_item_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_item")),
    )
    op.create_index(op.f("ix_checklist_item_ticket_id"), "checklist_item", ["ticket_id"])
    op.create_table(
        "ticket_template",
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_ticket_template_node_id_node")
        ),
        sa.PrimaryKeyConstraint("node_id", "code", name=op.f("pk_ticket_template")),
    )
    op.create_table(
        "ticket_category",
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=True),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_ticket_category_node_id_node")
        ),
        sa.PrimaryKeyConstraint("node_id", "code", name=op.f("pk_ticket_category")),
    )
    op.create_table(
        "ticket_relation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_ticket_relation_author_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["from_id"], ["ticket.id"], name=op.f("fk_ticket_relation_from_id_ticket")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_ticket_relation_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["to_id"], ["ticket.id"], name=op.f("fk_ticket_relation_to_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_relation")),
        sa.UniqueConstraint(
            "from_id", "to_id", "kind", name=op.f("uq_ticket_relation_from_id_to_id_kind")
        ),
    )
    op.create_index(op.f("ix_ticket_relation_to_id"), "ticket_relation", ["to_id"])
    op.create_table(
        "ticket_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("picture", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("shown_by", sa.Uuid(), nullable=False),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shown_by"], ["person.id"], name=op.f("fk_ticket_signature_shown_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_ticket_signature_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_signature_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_signature")),
    )
    op.create_index(op.f("ix_ticket_signature_ticket_id"), "ticket_signature", ["ticket_id"])
    op.create_table(
        "signer_key",
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_signer_key_site_id_node")),
        sa.ForeignKeyConstraint(
            ["signature_id"],
            ["ticket_signature.id"],
            name=op.f("fk_signer_key_signature_id_ticket_signature"),
        ),
        sa.PrimaryKeyConstraint("signature_id", name=op.f("pk_signer_key")),
    )
