"""Guards' phones with their journals, what these tell of files and reports, and PINs."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pin",
        _uuid("person_id"),
        sa.Column("hash", sa.String(length=255), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        _instant("changed_at"),
        *_refer("pin", {"person_id": "person"}),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_pin")),
    )
    _phones()
    _places_and_users()
    _journals()
    _reports()
    _files()


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[UUID]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _number(name: str, *, nullable: bool = False, big: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger() if big else sa.Integer(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, core.db.Instant(), nullable=nullable)


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


def _phones() -> None:
    op.create_table(
        "phone",
        _uuid("id"),
        _uuid("site_id"),
        _text("kind", 10),
        _text("label", 80),
        _text("team", 40),
        _uuid("person_id", nullable=True),
        _text("state", 10),
        _number("version"),
        sa.Column("key", sa.JSON(), nullable=False),
        _text("browser", 300),
        _text("app", 40),
        _instant("enrolled_at"),
        _number("accepted"),
        _number("head"),
        _text("head_hash", 64),
        _text("boot", 40),
        _number("mono_ms", big=True),
        _instant("last_at", nullable=True),
        _uuid("signed_in_id", nullable=True),
        _instant("heard_at"),
        _instant("told_until", nullable=True),
        _number("offset_ms", nullable=True, big=True),
        sa.Column("storage", sa.JSON(none_as_null=True), nullable=True),
        _instant("forked_at", nullable=True),
        *_refer("phone", {"site_id": "node", "person_id": "person", "signed_in_id": "person"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone")),
    )
    _index("phone", "site_id")


def _places_and_users() -> None:
    op.create_table(
        "phone_place",
        _uuid("id"),
        _uuid("site_id"),
        _text("kind", 10),
        _text("label", 80),
        _text("team", 40),
        _uuid("person_id", nullable=True),
        _text("code_hash", 64),
        _uuid("made_by"),
        _instant("made_at"),
        _instant("ends_at"),
        _uuid("phone_id", nullable=True),
        *_refer(
            "phone_place",
            {"site_id": "node", "person_id": "person", "made_by": "person", "phone_id": "phone"},
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_place")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_phone_place_code_hash")),
    )
    _index("phone_place", "site_id")
    op.create_table(
        "phone_user",
        _uuid("phone_id"),
        _uuid("person_id"),
        _uuid("site_id"),
        _instant("online_at"),
        _instant("offline_until"),
        _instant("signed_in_at", nullable=True),
        _instant("signed_out_at", nullable=True),
        _uuid("credential_id", nullable=True),
        *_refer(
            "phone_user",
            {
                "phone_id": "phone",
                "person_id": "person",
                "site_id": "node",
                "credential_id": "credential",
            },
        ),
        sa.PrimaryKeyConstraint("phone_id", "person_id", name=op.f("pk_phone_user")),
    )
    _index("phone_user", "person_id")


def _journals() -> None:
    op.create_table(
        "journal_entry",
        _uuid("phone_id"),
        _number("seq"),
        _uuid("id"),
        _uuid("site_id"),
        _uuid("person_id", nullable=True),
        _text("kind", 20),
        _text("hash", 64),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _text("signature", 100, nullable=True),
        _instant("occurred_at"),
        _instant("device_at"),
        _number("offset_ms", nullable=True, big=True),
        _number("mono_ms", big=True),
        _text("boot", 40),
        _instant("received_at"),
        _text("verdict", 20),
        _text("reason", 20, nullable=True),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        *_refer("journal_entry", {"phone_id": "phone", "site_id": "node", "person_id": "person"}),
        sa.PrimaryKeyConstraint("phone_id", "seq", name=op.f("pk_journal_entry")),
    )
    _index("journal_entry", "id")
    for name, columns in {
        "ix_journal_entry_site_occurred": ["site_id", "occurred_at"],
        "ix_journal_entry_person_occurred": ["person_id", "occurred_at"],
    }.items():
        op.create_index(name, "journal_entry", columns)
    op.create_table(
        "journal_fork",
        _uuid("phone_id"),
        _number("seq"),
        _text("hash", 64),
        _uuid("site_id"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _instant("received_at"),
        *_refer("journal_fork", {"phone_id": "phone", "site_id": "node"}),
        sa.PrimaryKeyConstraint("phone_id", "seq", "hash", name=op.f("pk_journal_fork")),
    )


def _reports() -> None:
    op.create_table(
        "guard_report",
        _uuid("id"),
        _uuid("site_id"),
        _uuid("phone_id"),
        _number("seq"),
        _uuid("person_id"),
        _text("kind", 20),
        _text("choice", 40),
        _uuid("checkpoint_id", nullable=True),
        _uuid("round_id", nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _instant("occurred_at"),
        _instant("received_at"),
        _text("state", 10),
        _number("version"),
        _uuid("ticket_id", nullable=True),
        _instant("closed_at", nullable=True),
        _uuid("closed_by", nullable=True),
        sa.Column("closing", sa.Text(), nullable=False),
        *_refer(
            "guard_report",
            {
                "site_id": "node",
                "phone_id": "phone",
                "person_id": "person",
                "checkpoint_id": "asset",
                "round_id": "round",
                "ticket_id": "ticket",
                "closed_by": "person",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_report")),
    )
    _index("guard_report", "person_id", "round_id")
    columns = ["site_id", "occurred_at", "id"]
    op.create_index("ix_guard_report_site_occurred", "guard_report", columns)
    op.create_table(
        "guard_report_addition",
        _uuid("id"),
        _uuid("site_id"),
        _uuid("report_id"),
        _uuid("person_id"),
        sa.Column("text", sa.Text(), nullable=False),
        _instant("occurred_at"),
        _instant("received_at"),
        sa.Column("annexed", sa.Boolean(), nullable=False),
        *_refer(
            "guard_report_addition",
            {"site_id": "node", "report_id": "guard_report", "person_id": "person"},
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_report_addition")),
    )
    _index("guard_report_addition", "report_id")


def _files() -> None:
    op.create_table(
        "guard_file",
        _uuid("id"),
        _uuid("site_id"),
        _uuid("phone_id"),
        _number("seq"),
        _uuid("person_id", nullable=True),
        _text("what", 10),
        _text("sha256", 64),
        *(_number(name) for name in ("size", "received")),
        _text("state", 10),
        _number("version"),
        *(_instant(name) for name in ("taken_at", "told_at")),
        _instant("completed_at", nullable=True),
        *(_text(name, 64, nullable=True) for name in ("original", "copy")),
        _text("media_type", 40, nullable=True),
        *(_number(name, nullable=True) for name in ("width", "height", "seconds")),
        _uuid("report_id", nullable=True),
        _uuid("addition_id", nullable=True),
        sa.Column("annexed", sa.Boolean(), nullable=False),
        *_refer(
            "guard_file",
            {
                "site_id": "node",
                "phone_id": "phone",
                "person_id": "person",
                "report_id": "guard_report",
                "addition_id": "guard_report_addition",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_file")),
    )
    _index("guard_file", "sha256", "report_id")
    op.create_index("ix_guard_file_phone_state", "guard_file", ["phone_id", "state"])
    op.create_table(
        "guard_file_piece",
        _uuid("file_id"),
        _number("starts_at"),
        _uuid("site_id"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *_refer("guard_file_piece", {"file_id": "guard_file", "site_id": "node"}),
        sa.PrimaryKeyConstraint("file_id", "starts_at", name=op.f("pk_guard_file_piece")),
    )
