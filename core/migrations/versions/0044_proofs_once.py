"""Proofs of phones count once where that matters."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "phone_proof",
        sa.Column("phone_id", sa.Uuid(), nullable=False),
        sa.Column("jti_hash", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ends_at", core.db.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["phone_id"], ["phone.id"], name=op.f("fk_phone_proof_phone_id_phone")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_phone_proof_site_id_node")),
        sa.PrimaryKeyConstraint("phone_id", "jti_hash", name=op.f("pk_phone_proof")),
    )
