"""Drafts of rules and their review, versions by place, and rules that are tried in the shadow."""

from uuid import UUID

import sqlalchemy as sa
import yaml
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _versions()
    op.create_table(
        "rule_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("rule_fixed", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("seen_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.String(length=80), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(length=80), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=False),
        sa.Column("self_approved", sa.Boolean(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_rule_draft_node_id_node")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_rule_draft_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_draft")),
    )
    for column in ("node_id", "rule_id", "state"):
        op.create_index(op.f(f"ix_rule_draft_{column}"), "rule_draft", [column], unique=False)
    _shadows()


def _shadows() -> None:
    op.create_table(
        "rule_shadow",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(length=80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["rule_draft.id"], name=op.f("fk_rule_shadow_draft_id_rule_draft")
        ),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_rule_shadow_node_id_node")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_rule_shadow_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_shadow")),
    )
    for column in ("draft_id", "rule_id", "state"):
        op.create_index(op.f(f"ix_rule_shadow_{column}"), "rule_shadow", [column], unique=False)
    op.create_table(
        "shadow_alarm",
        *_found(),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("due_receipt", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("tripped_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("failing", sa.Text(), nullable=True),
        *_keys("shadow_alarm"),
        sa.PrimaryKeyConstraint("shadow_id", "asset_id", name=op.f("pk_shadow_alarm")),
    )
    op.create_table(
        "shadow_episode",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_found(),
        sa.Column("tripped_micros", sa.BigInteger(), nullable=False),
        sa.Column("cleared_micros", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        *_keys("shadow_episode"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_episode")),
        sa.UniqueConstraint(
            "shadow_id",
            "asset_id",
            "tripped_micros",
            name=op.f("uq_shadow_episode_shadow_id_asset_id_tripped_micros"),
        ),
    )


def _found() -> list[sa.Column[UUID]]:
    names = ("shadow_id", "asset_id", "site_id")
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in names]


def _keys(table: str) -> list[sa.ForeignKeyConstraint]:
    targets = {"shadow_id": "rule_shadow", "asset_id": "asset", "site_id": "node"}
    return [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}_{other}"))
        for name, other in targets.items()
    ]


def _versions() -> None:
    """A rule may have a version in force on each node of the tree; the nearest one holds."""
    op.drop_index("uq_rule_version_active", table_name="rule_version")
    op.create_index(
        "uq_rule_version_active_at",
        "rule_version",
        ["rule_id", "node_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    texts = {"asset_type": sa.String(length=60), "reason": sa.Text(), "end_reason": sa.Text()}
    for name, kind in texts.items():
        op.add_column(
            "rule_version", sa.Column(name, kind, nullable=False, server_default=sa.text("''"))
        )
    op.add_column("rule_version", sa.Column("draft_id", sa.Uuid(), nullable=True))
    op.add_column("rule_version", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rule_version", sa.Column("ended_by", sa.String(length=80), nullable=True))
    versions = sa.table(
        "rule_version", sa.column("id", sa.Uuid()), sa.column("document"), sa.column("asset_type")
    )
    connection = op.get_bind()
    for row_id, document in connection.execute(sa.select(versions.c.id, versions.c.document)).all():
        connection.execute(
            versions.update().where(versions.c.id == row_id).values(asset_type=_type_in(document))
        )


def _type_in(document: str) -> str:
    """The asset type that a stored document names; empty where it names none."""
    try:
        value = yaml.safe_load(document)
    except yaml.YAMLError:
        return ""
    applies = value.get("applies_to") if isinstance(value, dict) else None
    return str(applies.get("asset_type", ""))[:60] if isinstance(applies, dict) else ""
