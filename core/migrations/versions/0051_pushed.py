"""What platforms push over HTTP, by which keys they may, and the versions of mappings."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0051"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody pushes yet, and no source has a mapping."""
    _source_key()
    op.create_table(
        "http_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(500), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", core.db.Instant(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_http_message")),
    )
    op.create_index(op.f("ix_http_message_source_id"), "http_message", ["source_id"])
    op.create_index("ix_http_message_received_at_id", "http_message", ["received_at", "id"])
    op.create_table(
        "http_delivery",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("until", core.db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_http_delivery")),
    )
    op.create_index(op.f("ix_http_delivery_until"), "http_delivery", ["until"])
    op.create_table(
        "mapping_version",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("made_at", core.db.Instant(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
            name=op.f("fk_mapping_version_source_id_source"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "number", name=op.f("pk_mapping_version")),
    )


def _source_key() -> None:
    op.create_table(
        "source_key",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("profile", sa.String(20), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("cipher_key", sa.LargeBinary(), nullable=True),
        sa.Column("former", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", core.db.Instant(), nullable=True),
        sa.Column("set_at", core.db.Instant(), nullable=False),
        sa.Column("received_at", core.db.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
            name=op.f("fk_source_key_source_id_source"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_source_key_site_id_node")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_key")),
    )
    op.create_index(op.f("ix_source_key_site_id"), "source_key", ["site_id"])
