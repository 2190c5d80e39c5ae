"""Stickers, residents' reports, contractors' links, counts of tries; notes for residents."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    moment = core.db.Instant
    op.add_column("ticket_note", sa.Column("author_kind", sa.String(length=12), nullable=True))
    op.add_column(
        "ticket_note",
        sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("ticket_photo", sa.Column("author_kind", sa.String(length=12), nullable=True))
    op.create_table(
        "rate_count",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("began_at", moment(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_count")),
    )
    op.create_index(op.f("ix_rate_count_began_at"), "rate_count", ["began_at"])
    op.create_table(
        "sticker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=16), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("revoked_at", moment(), nullable=True),
        sa.CheckConstraint(
            "(asset_id IS NULL) <> (space_id IS NULL)", name=op.f("ck_sticker_one_place")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_sticker_asset_id_asset")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_sticker_site_id_node")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_sticker_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sticker")),
        sa.UniqueConstraint("code", name=op.f("uq_sticker_code")),
        sa.UniqueConstraint("path", name=op.f("uq_sticker_path")),
    )
    op.create_index(op.f("ix_sticker_site_id"), "sticker", ["site_id"])
    live = sa.text("revoked_at IS NULL")
    for place in ("asset", "space"):
        op.create_index(
            f"uq_sticker_{place}",
            "sticker",
            [f"{place}_id"],
            unique=True,
            sqlite_where=live,
            postgresql_where=live,
        )
    _create_reports()
    _create_links()


def _create_reports() -> None:
    moment = core.db.Instant
    op.create_table(
        "resident_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("sticker_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("ends_at", moment(), nullable=False),
        sa.Column("urges", sa.Integer(), nullable=False),
        sa.Column("urged_at", moment(), nullable=True),
        sa.Column("confirmed_at", moment(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_words", sa.Text(), nullable=False, server_default=""),
        sa.Column("rated_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_resident_report_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["sticker_id"], ["sticker.id"], name=op.f("fk_resident_report_sticker_id_sticker")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_resident_report_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_report")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_resident_report_secret_hash")),
    )
    op.create_index(op.f("ix_resident_report_ticket_id"), "resident_report", ["ticket_id"])
    op.create_index(op.f("ix_resident_report_ends_at"), "resident_report", ["ends_at"])


def _create_links() -> None:
    moment = core.db.Instant
    op.create_table(
        "contractor_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("answer_within", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.Column("offered_at", moment(), nullable=True),
        sa.Column("answer_by", moment(), nullable=True),
        sa.Column("accepted_at", moment(), nullable=True),
        sa.Column("arrived_at", moment(), nullable=True),
        sa.Column("arrived_by", sa.String(length=10), nullable=True),
        sa.Column("done_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["made_by"], ["person.id"], name=op.f("fk_contractor_link_made_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_contractor_link_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_contractor_link_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contractor_link")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_contractor_link_secret_hash")),
    )
    for column in ("ticket_id", "chain_id", "expires_at", "answer_by"):
        op.create_index(op.f(f"ix_contractor_link_{column}"), "contractor_link", [column])
