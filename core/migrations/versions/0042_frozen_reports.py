"""Reports that stay as they were closed, the clients they are for, and who has read them."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

DAY = sa.text("kind = 'daily' AND annex = 0")
SUBJECT = sa.text("subject_id IS NOT NULL AND annex = 0")


def upgrade() -> None:
    """Apply."""
    _clients()
    _reports()
    _editions()
    _readers()
    _sendings()


def _id(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=empty)


def _word(name: str, length: int, *, empty: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=empty)


def _moment(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, core.db.Instant(), nullable=empty)


def _refer(table: str, targets: Mapping[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _clients() -> None:
    op.create_table(
        "report_client",
        _id("id"),
        _id("site_id"),
        _word("name", 120),
        _word("language", 5),
        _word("naming", 10),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        _word("state", 10),
        sa.Column("version", sa.Integer(), nullable=False),
        *_refer("report_client", {"site_id": "node"}),
        _key("report_client", "id"),
    )
    op.create_index(op.f("ix_report_client_site_id"), "report_client", ["site_id"])
    op.create_table(
        "report_settings",
        _id("site_id"),
        sa.Column("closes_after_min", sa.Integer(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        _word("naming", 10),
        sa.Column("version", sa.Integer(), nullable=False),
        *_refer("report_settings", {"site_id": "node"}),
        _key("report_settings", "site_id"),
    )


def _reports() -> None:
    op.create_table(
        "frozen_report",
        _id("id"),
        _id("site_id"),
        _word("kind", 10),
        _word("number", 80),
        sa.Column("day", sa.Date(), nullable=True),
        _word("subject_kind", 20),
        _id("subject_id", empty=True),
        _id("of_id", empty=True),
        sa.Column("annex", sa.Integer(), nullable=False),
        _moment("closed_at"),
        _id("closed_by", empty=True),
        _moment("looked_at"),
        *_refer(
            "frozen_report",
            {"site_id": "node", "of_id": "frozen_report", "closed_by": "person"},
        ),
        _key("frozen_report", "id"),
        sa.UniqueConstraint("number", name=op.f("uq_frozen_report_number")),
    )
    for name, columns, where in (
        ("uq_frozen_report_day", ["site_id", "day"], DAY),
        ("uq_frozen_report_subject", ["subject_id"], SUBJECT),
    ):
        op.create_index(
            name,
            "frozen_report",
            columns,
            unique=True,
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_index("uq_frozen_report_annex", "frozen_report", ["of_id", "annex"], unique=True)
    op.create_index("ix_frozen_report_site_closed", "frozen_report", ["site_id", "closed_at", "id"])


def _editions() -> None:
    op.create_table(
        "report_edition",
        _id("id"),
        _id("site_id"),
        _id("report_id"),
        _id("client_id", empty=True),
        sa.Column("content", sa.JSON(), nullable=False),
        _word("digest", 64),
        sa.Column("files", sa.JSON(), nullable=False),
        *_refer(
            "report_edition",
            {"site_id": "node", "report_id": "frozen_report", "client_id": "report_client"},
        ),
        _key("report_edition", "id"),
    )
    op.create_index(op.f("ix_report_edition_report_id"), "report_edition", ["report_id"])
    op.create_index(op.f("ix_report_edition_digest"), "report_edition", ["digest"])
    op.create_table(
        "report_file",
        _id("edition_id"),
        _word("name", 10),
        _id("site_id"),
        _word("sha256", 64),
        *_refer("report_file", {"edition_id": "report_edition", "site_id": "node"}),
        _key("report_file", "edition_id", "name"),
    )
    op.create_index(op.f("ix_report_file_sha256"), "report_file", ["sha256"])


def _readers() -> None:
    op.create_table(
        "report_reader",
        _id("report_id"),
        _id("person_id"),
        _id("site_id"),
        _moment("read_at"),
        *_refer(
            "report_reader",
            {"report_id": "frozen_report", "person_id": "person", "site_id": "node"},
        ),
        _key("report_reader", "report_id", "person_id"),
    )


def _sendings() -> None:
    op.create_table(
        "report_sending",
        _id("id"),
        _id("site_id"),
        _id("edition_id"),
        _word("address", 120),
        _word("state", 10),
        sa.Column("tries", sa.Integer(), nullable=False),
        _moment("due_at", empty=True),
        _moment("sent_at", empty=True),
        _word("result", 300),
        _word("secret_hash", 64, empty=True),
        _moment("ends_at", empty=True),
        *_refer("report_sending", {"site_id": "node", "edition_id": "report_edition"}),
        _key("report_sending", "id"),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_report_sending_secret_hash")),
    )
    for column in ("edition_id", "due_at"):
        op.create_index(op.f(f"ix_report_sending_{column}"), "report_sending", [column])
