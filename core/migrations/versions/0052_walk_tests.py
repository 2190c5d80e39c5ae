"""Walk tests: places whose sensors are triggered one by one."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No place was tested yet."""
    _tests()
    _sensors()


def _tests() -> None:
    op.create_table(
        "walk_test",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts_at", core.db.Instant(), nullable=False),
        sa.Column("ends_at", core.db.Instant(), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("patrol", sa.String(length=120), nullable=False),
        sa.Column("lives_asked_by", sa.Uuid(), nullable=True),
        sa.Column("lives_confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("heard_until", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("signed_at", core.db.Instant(), nullable=True),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("signer", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        *_refer("walk_test", {"site_id": "node", "space_id": "space"}),
        *_refer(
            "walk_test",
            dict.fromkeys(
                ("started_by", "ended_by", "lives_asked_by", "lives_confirmed_by", "signed_by"),
                "person",
            ),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walk_test")),
    )
    op.create_index("ix_walk_test_site_end", "walk_test", ["site_id", "ends_at"])
    op.create_index("ix_walk_test_settled", "walk_test", ["settled"])


def _sensors() -> None:
    op.create_table(
        "walk_sensor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("test_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("answered_at", core.db.Instant(), nullable=True),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ticked_at", core.db.Instant(), nullable=True),
        sa.Column("ticked_by", sa.Uuid(), nullable=True),
        sa.Column("photo", sa.String(length=64), nullable=True),
        sa.Column("copy", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        *_refer("walk_sensor", {"site_id": "node", "test_id": "walk_test"}),
        *_refer("walk_sensor", {"device_id": "device", "ticked_by": "person"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walk_sensor")),
        sa.UniqueConstraint("test_id", "device_id", name=op.f("uq_walk_sensor_test_id_device_id")),
    )
    op.create_table(
        "walk_signer_key",
        sa.Column("test_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        *_refer("walk_signer_key", {"test_id": "walk_test", "site_id": "node"}),
        sa.PrimaryKeyConstraint("test_id", name=op.f("pk_walk_signer_key")),
    )


def _refer(table: str, targets: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]
