"""The short clock of fire alarms, and return visits to who reported something."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

DUE = sa.text("due_at IS NOT NULL")
STANDING = sa.text("state <> 'not_fire'")
MERGED = sa.text("merged_into_id IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    _fire_alarms()
    _return_visits()
    op.create_index("ix_ticket_resolved", "ticket", ["resolved_at"], unique=False)
    op.create_index(
        "ix_ticket_merged_into",
        "ticket",
        ["merged_into_id"],
        unique=False,
        sqlite_where=MERGED,
        postgresql_where=MERGED,
    )


def _person(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_fire_alarm_{name}_person"))


def _fire_alarms() -> None:
    op.create_table(
        "fire_alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("began_at", core.db.Instant(), nullable=False),
        sa.Column("seen_due", core.db.Instant(), nullable=False),
        sa.Column("confirm_due", core.db.Instant(), nullable=False),
        sa.Column("due_at", core.db.Instant(), nullable=True),
        sa.Column("seen_at", core.db.Instant(), nullable=True),
        sa.Column("seen_by", sa.Uuid(), nullable=True),
        sa.Column("sent_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=12), nullable=True),
        sa.Column("fire_at", core.db.Instant(), nullable=True),
        sa.Column("answered_at", core.db.Instant(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", core.db.Instant(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        _person("answered_by"),
        _person("decided_by"),
        _person("seen_by"),
        _person("sent_id"),
        sa.ForeignKeyConstraint(["id"], ["ticket.id"], name=op.f("fk_fire_alarm_id_ticket")),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["ticket_photo.id"], name=op.f("fk_fire_alarm_photo_id_ticket_photo")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_fire_alarm_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fire_alarm")),
    )
    op.create_index(
        "ix_fire_alarm_due",
        "fire_alarm",
        ["due_at"],
        unique=False,
        sqlite_where=DUE,
        postgresql_where=DUE,
    )
    op.create_index(
        "ix_fire_alarm_standing",
        "fire_alarm",
        ["site_id"],
        unique=False,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def _return_visits() -> None:
    op.create_table(
        "return_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("at", core.db.Instant(), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("satisfied", sa.Boolean(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["person.id"], name=op.f("fk_return_visit_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_return_visit_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_return_visit_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_visit")),
    )
    op.create_index(op.f("ix_return_visit_ticket_id"), "return_visit", ["ticket_id"], unique=False)
