"""People outside who are told by SMS, and browsers that take pushes, and pressed buttons."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "follower",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("ends_at", core.db.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_follower_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_follower_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follower")),
        sa.UniqueConstraint("of_id", name=op.f("uq_follower_of_id")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_follower_code_hash")),
    )
    op.create_index(op.f("ix_follower_ticket_id"), "follower", ["ticket_id"], unique=False)
    op.create_index(op.f("ix_follower_phone"), "follower", ["phone"], unique=False)
    op.create_index(op.f("ix_follower_ends_at"), "follower", ["ends_at"], unique=False)
    op.add_column("notice", sa.Column("follower_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_notice_follower_id"), "notice", ["follower_id"], unique=False)
    op.add_column("attempt", sa.Column("pressed_at", core.db.Instant(timezone=True), nullable=True))
    op.create_table(
        "push_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("added_at", core.db.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_push_device_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_device")),
        sa.UniqueConstraint("endpoint_hash", name=op.f("uq_push_device_endpoint_hash")),
    )
    op.create_index(op.f("ix_push_device_person_id"), "push_device", ["person_id"], unique=False)
