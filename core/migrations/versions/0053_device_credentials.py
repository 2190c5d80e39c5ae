"""Identities of devices on the broker, and their credentials."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No device has a credential of its own before."""
    _identities()
    _credentials()
    _broker()


def _identities() -> None:
    op.create_table(
        "device_identity",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("speaks_for", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("reads", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("twice_since", core.db.Instant(), nullable=True),
        sa.Column("twice", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_identity_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_device_identity_site_id_node")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_identity")),
    )
    op.create_index(op.f("ix_device_identity_site_id"), "device_identity", ["site_id"])


def _credentials() -> None:
    op.create_table(
        "device_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("hash", sa.String(length=80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", core.db.Instant(), nullable=False),
        sa.Column("replaced_at", core.db.Instant(), nullable=True),
        sa.Column("valid_until", core.db.Instant(), nullable=True),
        sa.Column("ended_at", core.db.Instant(), nullable=True),
        sa.Column("admitted_at", core.db.Instant(), nullable=True),
        sa.Column("first_used_at", core.db.Instant(), nullable=True),
        sa.Column("last_used_at", core.db.Instant(), nullable=True),
        sa.Column("connections", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_credential_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_device_credential_site_id_node")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_credential")),
        sa.UniqueConstraint("username", name=op.f("uq_device_credential_username")),
    )
    op.create_index(op.f("ix_device_credential_device_id"), "device_credential", ["device_id"])
    op.create_index(op.f("ix_device_credential_site_id"), "device_credential", ["site_id"])


def _broker() -> None:
    op.create_table(
        "broker_accounts",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reached_at", core.db.Instant(), nullable=True),
        sa.Column("fault", sa.String(length=500), nullable=True),
        sa.Column("fault_since", core.db.Instant(), nullable=True),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.Column("shared", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_broker_accounts")),
    )
    op.create_table(
        "device_hearing",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("through", sa.String(length=120), nullable=True),
        sa.Column("heard_at", core.db.Instant(), nullable=False),
        sa.Column("stray_source", sa.String(length=60), nullable=True),
        sa.Column("stray_through", sa.String(length=120), nullable=True),
        sa.Column("stray_since", core.db.Instant(), nullable=True),
        sa.Column("stray_last", core.db.Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_hearing_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_device_hearing_site_id_node")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_hearing")),
    )
    op.create_index(op.f("ix_device_hearing_site_id"), "device_hearing", ["site_id"])
