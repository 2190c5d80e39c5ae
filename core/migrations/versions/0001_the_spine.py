"""the spine."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_SQLITE = [
    f"CREATE TRIGGER event_no_{verb} BEFORE {verb} ON event "
    f"BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
_POSTGRESQL = [
    "ALTER TABLE event ALTER COLUMN txid SET DEFAULT (pg_current_xact_id()::text::bigint)",
    "CREATE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the event log is append-only'; END $$",
    "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
    "FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()",
]


def _guard_the_log() -> None:
    statements = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
    op.execute("INSERT INTO ticket_counter (id, value) VALUES (1, 0)")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "asset_type",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_asset_type")),
    )
    op.create_table(
        "event",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("txid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=80), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.String(length=120), nullable=False),
        sa.Column("happened_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("learned_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_order", "event", ["txid", "seq"], unique=False)
    op.create_index("ix_event_site_learned", "event", ["site_id", "learned_at"], unique=False)
    op.create_index("ix_event_subject", "event", ["subject_kind", "subject_id"], unique=False)
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("last_success", core.db.Instant(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=False),
        sa.Column("failed_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_run")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("ends_at", core.db.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "node",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(length=600), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.CheckConstraint("kind IN ('company','region','site')", name=op.f("ck_node_kind")),
        sa.ForeignKeyConstraint(["parent_id"], ["node.id"], name=op.f("fk_node_parent_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        sa.UniqueConstraint("path", name=op.f("uq_node_path")),
    )
    op.create_table(
        "outbox_cursor",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("txid", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_outbox_cursor")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("left_at", core.db.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "quarantined",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("device_code", sa.String(length=120), nullable=False),
        sa.Column("topic", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("minute", core.db.Instant(timezone=True), nullable=False),
        sa.Column("first_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("last_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined")),
    )
    op.create_index(
        "ix_quarantined_cause", "quarantined", ["device_code", "reason", "minute"], unique=False
    )
    op.create_index(op.f("ix_quarantined_last_at"), "quarantined", ["last_at"], unique=False)
    op.create_index(op.f("ix_quarantined_site_id"), "quarantined", ["site_id"], unique=False)
    op.create_table(
        "series_number",
        sa.Column("number", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_series_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "shard",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("last_beat", core.db.Instant(timezone=True), nullable=True),
        sa.Column("stopped_micros", sa.BigInteger(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shard")),
    )
    op.create_table(
        "shard_gap",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("shard", sa.String(length=40), nullable=False),
        sa.Column("start_micros", sa.BigInteger(), nullable=False),
        sa.Column("end_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard_gap")),
    )
    op.create_index(op.f("ix_shard_gap_shard"), "shard_gap", ["shard"], unique=False)
    op.create_table(
        "ticket_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_counter")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("ends_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("used_at", core.db.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_credential_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_credential_secret_hash")),
    )
    op.create_index(op.f("ix_credential_person_id"), "credential", ["person_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column(
            "event_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("next_try_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("last_tried_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("last_result", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_delivery_event_seq_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("event_seq", "channel", name=op.f("uq_delivery_event_seq_channel")),
    )
    op.create_index("ix_delivery_next", "delivery", ["state", "next_try_at"], unique=False)
    op.create_table(
        "grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_grant_node_id_node")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_grant_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
        sa.UniqueConstraint(
            "person_id", "node_id", "role", name=op.f("uq_grant_person_id_node_id_role")
        ),
    )
    op.create_index(op.f("ix_grant_person_id"), "grant", ["person_id"], unique=False)
    op.create_table(
        "idempotent_answer",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", core.db.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_idempotent_answer_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", "route", "key", name=op.f("pk_idempotent_answer")),
    )
    op.create_index(
        op.f("ix_idempotent_answer_created_at"), "idempotent_answer", ["created_at"], unique=False
    )
    op.create_table(
        "quarantined_body",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("quarantined_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(length=500), nullable=False),
        sa.Column("received_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["quarantined_id"],
            ["quarantined.id"],
            name=op.f("fk_quarantined_body_quarantined_id_quarantined"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_body")),
    )
    op.create_index(
        op.f("ix_quarantined_body_quarantined_id"),
        "quarantined_body",
        ["quarantined_id"],
        unique=False,
    )
    op.create_table(
        "rule_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_rule_version_node_id_node")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
    )
    op.create_index(op.f("ix_rule_version_node_id"), "rule_version", ["node_id"], unique=False)
    op.create_index(
        "uq_rule_version_active",
        "rule_version",
        ["rule_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_index("uq_rule_version_number", "rule_version", ["rule_id", "version"], unique=True)
    op.create_table(
        "source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("topic_filter", sa.String(length=200), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_source_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_source_site_id_code")),
    )
    op.create_index(op.f("ix_source_site_id"), "source", ["site_id"], unique=False)
    op.create_table(
        "space",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["space.id"], name=op.f("fk_space_parent_id_space")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_space_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_space")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_space_site_id_code")),
    )
    op.create_index(op.f("ix_space_site_id"), "space", ["site_id"], unique=False)
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("criticality", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_asset_site_id_node")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_asset_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_asset_site_id_code")),
    )
    op.create_index(op.f("ix_asset_site_id"), "asset", ["site_id"], unique=False)
    op.create_index(op.f("ix_asset_space_id"), "asset", ["space_id"], unique=False)
    op.create_index(op.f("ix_asset_type"), "asset", ["type"], unique=False)
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("path_id", sa.Uuid(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("first_seen", core.db.Instant(timezone=True), nullable=True),
        sa.Column("last_sample", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_device_asset_id_asset")),
        sa.ForeignKeyConstraint(["path_id"], ["device.id"], name=op.f("fk_device_path_id_device")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_device_site_id_node")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_device_source_id_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_device_site_id_code")),
    )
    op.create_index(op.f("ix_device_asset_id"), "device", ["asset_id"], unique=False)
    op.create_index(op.f("ix_device_path_id"), "device", ["path_id"], unique=False)
    op.create_index(op.f("ix_device_site_id"), "device", ["site_id"], unique=False)
    op.create_table(
        "supply",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("consumer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("medium", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"], ["asset.id"], name=op.f("fk_supply_consumer_id_asset")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_supply_site_id_node")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["asset.id"], name=op.f("fk_supply_supplier_id_asset")
        ),
        sa.PrimaryKeyConstraint("supplier_id", "consumer_id", name=op.f("pk_supply")),
    )
    op.create_index("ix_supply_consumer_id", "supply", ["consumer_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("life_safety", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.String(length=120), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("happened_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("learned_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("last_repeat_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("recovered_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("respond_due", core.db.Instant(timezone=True), nullable=True),
        sa.Column("resolve_due", core.db.Instant(timezone=True), nullable=True),
        sa.Column("next_due", core.db.Instant(timezone=True), nullable=True),
        sa.Column("responded_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("resolved_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("ended_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("held_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("held_seconds", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_ticket_asset_id_asset")),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["person.id"], name=op.f("fk_ticket_assignee_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["ticket.id"], name=op.f("fk_ticket_merged_into_id_ticket")
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["ticket.id"], name=op.f("fk_ticket_previous_id_ticket")
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["person.id"], name=op.f("fk_ticket_reporter_id_person")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_ticket_site_id_node")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_ticket_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
    )
    op.create_index(op.f("ix_ticket_asset_id"), "ticket", ["asset_id"], unique=False)
    op.create_index("ix_ticket_learned", "ticket", ["learned_at", "id"], unique=False)
    op.create_index(op.f("ix_ticket_next_due"), "ticket", ["next_due"], unique=False)
    op.create_index("ix_ticket_site_state", "ticket", ["site_id", "state"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.String(length=120), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("episodes", sa.Integer(), nullable=False),
        sa.Column("raised_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("returned_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("due_receipt", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("tripped_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("failing", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_alarm_asset_id_asset")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_alarm_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_alarm_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("rule_id", "asset_id", name=op.f("uq_alarm_rule_id_asset_id")),
    )
    op.create_index(op.f("ix_alarm_asset_id"), "alarm", ["asset_id"], unique=False)
    op.create_index("ix_alarm_site_state", "alarm", ["site_id", "state"], unique=False)
    op.create_table(
        "fault",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.String(length=120), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_fault_asset_id_asset")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_fault_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_fault_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault")),
    )
    op.create_index("ix_fault_key", "fault", ["rule_id", "asset_id"], unique=False)
    op.create_index(op.f("ix_fault_ticket_id"), "fault", ["ticket_id"], unique=False)
    op.create_index(
        "uq_fault_held",
        "fault",
        ["rule_id", "asset_id"],
        unique=True,
        sqlite_where=sa.text("holds"),
        postgresql_where=sa.text("holds"),
    )
    op.create_table(
        "point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("states", sa.JSON(), nullable=True),
        sa.Column("expected_interval", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_point_asset_id_asset")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_point_device_id_device")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_point_site_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point")),
        sa.UniqueConstraint("asset_id", "code", name=op.f("uq_point_asset_id_code")),
        sa.UniqueConstraint(
            "device_id", "key", "asset_id", name=op.f("uq_point_device_id_key_asset_id")
        ),
        sa.UniqueConstraint("series", name=op.f("uq_point_series")),
    )
    op.create_index(op.f("ix_point_asset_id"), "point", ["asset_id"], unique=False)
    op.create_index(op.f("ix_point_device_id"), "point", ["device_id"], unique=False)
    op.create_index(op.f("ix_point_site_id"), "point", ["site_id"], unique=False)
    op.create_table(
        "ticket_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at_micros", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("chart_wanted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_ticket_evidence_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_evidence_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_evidence")),
    )
    op.create_index(
        op.f("ix_ticket_evidence_ticket_id"), "ticket_evidence", ["ticket_id"], unique=False
    )
    op.create_index(
        "ix_ticket_evidence_wanted",
        "ticket_evidence",
        ["chart_wanted"],
        unique=False,
        sqlite_where=sa.text("chart_wanted"),
        postgresql_where=sa.text("chart_wanted"),
    )
    op.create_table(
        "ticket_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_ticket_note_author_id_person")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_ticket_note_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_note_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_note")),
    )
    op.create_index(op.f("ix_ticket_note_ticket_id"), "ticket_note", ["ticket_id"], unique=False)
    op.create_table(
        "episode",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("tripped_micros", sa.BigInteger(), nullable=False),
        sa.Column("cleared_micros", sa.BigInteger(), nullable=True),
        sa.Column("learned_at", core.db.Instant(timezone=True), nullable=False),
        sa.Column("acknowledged_at", core.db.Instant(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["person.id"], name=op.f("fk_episode_acknowledged_by_person")
        ),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_episode_alarm_id_alarm")),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_episode_site_id_node")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_episode_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode")),
        sa.UniqueConstraint(
            "alarm_id", "tripped_micros", name=op.f("uq_episode_alarm_id_tripped_micros")
        ),
    )
    op.create_index(
        "ix_episode_site_tripped", "episode", ["site_id", "tripped_micros"], unique=False
    )
    op.create_index(op.f("ix_episode_ticket_id"), "episode", ["ticket_id"], unique=False)
    op.create_table(
        "present_value",
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("at_micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series"], ["point.series"], name=op.f("fk_present_value_series_point")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_present_value_site_id_node")
        ),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_present_value")),
    )
    _guard_the_log()


def downgrade() -> None:
    """Refused: the first floor has nothing below it."""
    raise NotImplementedError("restore a backup instead")
