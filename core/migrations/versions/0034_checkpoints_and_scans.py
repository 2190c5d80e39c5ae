"""Checkpoints, what is scanned at them, scans, badges, and the key that tags' keys come from."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ACTIVE = sa.text("state = 'active'")
OPEN = sa.text("ends_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "patrol_key",
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", core.db.Instant(), nullable=False),
        *_refer("patrol_key", {"node_id": "node"}),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_patrol_key")),
    )
    _badges()
    _checkpoints()
    _scans()


def _refer(table: str, targets: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _badges() -> None:
    op.create_table(
        "badge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("derived_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", core.db.Instant(), nullable=False),
        sa.Column("ends_at", core.db.Instant(), nullable=True),
        *_refer("badge", {"site_id": "node", "person_id": "person"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge")),
    )
    _index("badge", "site_id", "person_id", "derived_id")
    op.create_index(
        "uq_badge_derived_id",
        "badge",
        ["derived_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _checkpoints() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("radius_m", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_m IS NULL)",
            name=op.f("ck_checkpoint_whole_position"),
        ),
        *_refer("checkpoint", {"id": "asset", "site_id": "node"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
    )
    _index("checkpoint", "site_id")
    op.create_table(
        "checkpoint_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("derived_id", sa.String(length=64), nullable=True),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("last_counter", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("weakest_dbm", sa.Integer(), nullable=True),
        sa.Column("created_at", core.db.Instant(), nullable=False),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        *_refer(
            "checkpoint_token",
            {
                "site_id": "node",
                "checkpoint_id": "checkpoint",
                "device_id": "device",
                "replaced_by": "checkpoint_token",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint_token")),
    )
    _index("checkpoint_token", "site_id", "checkpoint_id", "derived_id")
    for name, columns in (
        ("uq_checkpoint_token_derived", ["site_id", "kind", "derived_id"]),
        ("uq_checkpoint_token_device", ["kind", "device_id"]),
    ):
        op.create_index(
            name,
            "checkpoint_token",
            columns,
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        )


def _scans() -> None:
    op.create_table(
        "scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("credential_hash", sa.String(length=64), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", core.db.Instant(), nullable=False),
        sa.Column("received_at", core.db.Instant(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("grade", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        *_refer(
            "scan",
            {
                "site_id": "node",
                "checkpoint_id": "checkpoint",
                "token_id": "checkpoint_token",
                "person_id": "person",
                "device_id": "device",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
    )
    for name in ("site", "checkpoint", "person"):
        op.create_index(f"ix_scan_{name}_occurred", "scan", [f"{name}_id", "occurred_at", "id"])
    op.create_index("ix_scan_person_received", "scan", ["person_id", "received_at"])
    op.create_index("ix_scan_token_sequence", "scan", ["token_id", "sequence"])
