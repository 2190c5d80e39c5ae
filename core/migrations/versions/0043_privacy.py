"""What people agreed to, spans of tracks that a ticket needs, and what of scans has gone."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

STANDS = sa.text("withdrawn_at IS NULL")
WHOLE = sa.text("coarse_at IS NULL")


def upgrade() -> None:
    """Apply."""
    _consents()
    _holds()
    for table in ("scan", "journal_entry"):
        op.add_column(table, sa.Column("coarse_at", core.db.Instant(), nullable=True))
        op.create_index(
            f"ix_{table}_whole",
            table,
            ["received_at"],
            sqlite_where=WHOLE,
            postgresql_where=WHOLE,
        )


def _id(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=empty)


def _moment(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, core.db.Instant(), nullable=empty)


def _refer(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _consents() -> None:
    op.create_table(
        "consent",
        _id("id"),
        _id("person_id"),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        _moment("given_at"),
        sa.Column("given_by", sa.String(length=10), nullable=False),
        _moment("withdrawn_at", empty=True),
        sa.Column("withdrawn_by", sa.String(length=10), nullable=True),
        _refer("consent", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_person_id"), "consent", ["person_id"])
    op.create_index(
        "uq_consent_standing",
        "consent",
        ["person_id", "purpose"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )


def _holds() -> None:
    op.create_table(
        "track_hold",
        *(_id(name) for name in ("id", "site_id", "person_id", "ticket_id")),
        _moment("since"),
        _moment("until"),
        _id("made_by"),
        _moment("made_at"),
        _id("released_by", empty=True),
        _moment("released_at", empty=True),
        _refer("track_hold", "site_id", "node"),
        _refer("track_hold", "ticket_id", "ticket"),
        *(_refer("track_hold", name, "person") for name in ("person_id", "made_by", "released_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track_hold")),
    )
    for column in ("site_id", "person_id"):
        op.create_index(op.f(f"ix_track_hold_{column}"), "track_hold", [column])
