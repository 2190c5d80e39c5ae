"""Chatter, incidents of many alarms, and floods."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_CHATTERS = sa.text("chatter_since IS NOT NULL")
_STANDS = sa.text("ended_at IS NULL")
_HAS_INHIBITORS = sa.text("inhibited_by <> ''")
_HAS_FAMILY = sa.text("family IS NOT NULL")
_CHILD_REFERS_TO = {
    "incident_id": "incident",
    "alarm_id": "alarm",
    "site_id": "node",
    "split_by": "person",
}


def upgrade() -> None:
    """Apply."""
    _chatter()
    _incidents()
    _floods()
    _alarms_of_incidents()
    op.create_index("ix_episode_site_learned", "episode", ["site_id", "learned_at"])


def _chatter() -> None:
    op.add_column("alarm", sa.Column("recent", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("alarm", sa.Column("chatter_since", core.db.Instant(), nullable=True))
    op.add_column(
        "alarm", sa.Column("chatter_count", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("alarm", sa.Column("chatter_heard_at", core.db.Instant(), nullable=True))
    op.add_column("alarm", sa.Column("chatter_proof", sa.JSON(), nullable=True))
    op.create_index(
        "ix_alarm_chatter",
        "alarm",
        ["site_id"],
        unique=False,
        sqlite_where=_CHATTERS,
        postgresql_where=_CHATTERS,
    )
    op.add_column("episode", sa.Column("trips", sa.Integer(), server_default="1", nullable=False))
    op.add_column("episode", sa.Column("chattered_until", core.db.Instant(), nullable=True))


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.String(length=10), nullable=False),
        sa.Column("root_kind", sa.String(length=10), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("first_micros", sa.BigInteger(), nullable=False),
        sa.Column("last_micros", sa.BigInteger(), nullable=False),
        sa.Column("learned_at", core.db.Instant(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_incident_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_incident_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_site_last", "incident", ["site_id", "last_micros"])
    op.create_index(op.f("ix_incident_ticket_id"), "incident", ["ticket_id"])
    op.create_table(
        "incident_child",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("tripped_micros", sa.BigInteger(), nullable=False),
        sa.Column("split_at", core.db.Instant(), nullable=True),
        sa.Column("split_by", sa.Uuid(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_incident_child_{column}_{table}")
            )
            for column, table in _CHILD_REFERS_TO.items()
        ),
        sa.PrimaryKeyConstraint("incident_id", "alarm_id", name=op.f("pk_incident_child")),
    )


def _floods() -> None:
    op.create_table(
        "site_flood",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", core.db.Instant(), nullable=False),
        sa.Column("ended_at", core.db.Instant(), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("peak", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_site_flood_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_flood")),
    )
    op.create_index("ix_site_flood_began", "site_flood", ["site_id", "began_at"])
    op.create_index(
        "uq_site_flood_standing",
        "site_flood",
        ["site_id"],
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    )


def _alarms_of_incidents() -> None:
    with op.batch_alter_table("alarm") as batch:
        batch.add_column(sa.Column("family", sa.String(length=10), nullable=True))
        batch.add_column(sa.Column("incident_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("inhibited_by", sa.Text(), server_default="", nullable=False))
        batch.create_foreign_key(
            op.f("fk_alarm_incident_id_incident"), "incident", ["incident_id"], ["id"]
        )
    op.create_index("ix_alarm_incident_id", "alarm", ["incident_id"])
    op.create_index(
        "ix_alarm_family",
        "alarm",
        ["site_id", "family", "raised_at"],
        sqlite_where=_HAS_FAMILY,
        postgresql_where=_HAS_FAMILY,
    )
    op.create_index(
        "ix_alarm_inhibited_by",
        "alarm",
        ["site_id", "raised_at"],
        sqlite_where=_HAS_INHIBITORS,
        postgresql_where=_HAS_INHIBITORS,
    )
