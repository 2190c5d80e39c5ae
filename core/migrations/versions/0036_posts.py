"""Posts of guards: who was there when, orders, keys and equipment, and the pass-down log."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


# What was passed down stays as it was written.
_SQLITE = [
    f"CREATE TRIGGER post_log_no_{verb} BEFORE {verb} ON post_log "
    f"BEGIN SELECT RAISE(ABORT, 'the pass-down log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
_POSTGRESQL = [
    "CREATE FUNCTION post_log_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the pass-down log is append-only'; END $$",
    "CREATE TRIGGER post_log_append_only BEFORE UPDATE OR DELETE ON post_log "
    "FOR EACH STATEMENT EXECUTE FUNCTION post_log_append_only()",
]


def upgrade() -> None:
    """Apply."""
    _posts()
    _duties()
    _orders()
    _passed_on()


def _refer(table: str, targets: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
        )
        for column, target in targets.items()
    ]


def _unique(name: str, table: str, column: str, state: str) -> None:
    where = sa.text(f"state = '{state}'")
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def _posts() -> None:
    op.create_table(
        "post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("minimum_crew", sa.Integer(), nullable=False),
        sa.Column("for_rounds", sa.Boolean(), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=True),
        sa.Column("tolerance_min", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("short_since", core.db.Instant(), nullable=True),
        sa.Column("told_at", core.db.Instant(), nullable=True),
        *_refer("post", {"site_id": "node", "checkpoint_id": "checkpoint"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_post_site_id_code")),
    )
    _unique("uq_post_checkpoint", "post", "checkpoint_id", "active")


def _duties() -> None:
    op.create_table(
        "post_duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", core.db.Instant(), nullable=False),
        sa.Column("ended_at", core.db.Instant(), nullable=True),
        sa.Column("came_by", sa.String(length=10), nullable=False),
        sa.Column("left_by", sa.String(length=10), nullable=True),
        sa.Column("came_scan_id", sa.Uuid(), nullable=True),
        sa.Column("left_scan_id", sa.Uuid(), nullable=True),
        sa.Column("came_reason", sa.Text(), nullable=False),
        sa.Column("left_reason", sa.Text(), nullable=False),
        sa.Column("shift_end", core.db.Instant(), nullable=False),
        sa.Column("ends_by", core.db.Instant(), nullable=False),
        *_refer(
            "post_duty",
            {
                "site_id": "node",
                "post_id": "post",
                "person_id": "person",
                "came_scan_id": "scan",
                "left_scan_id": "scan",
            },
        ),
        sa.CheckConstraint(
            "(state = 'present') = (ended_at IS NULL)", name=op.f("ck_post_duty_ended")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_duty")),
    )
    _unique("uq_post_duty_present", "post_duty", "person_id", "present")
    op.create_index("ix_post_duty_post_started", "post_duty", ["post_id", "started_at", "id"])
    op.create_index("ix_post_duty_person_started", "post_duty", ["person_id", "started_at", "id"])
    op.create_index("ix_post_duty_due", "post_duty", ["state", "ends_by"])


def _orders() -> None:
    op.create_table(
        "post_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("written_at", core.db.Instant(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", core.db.Instant(), nullable=True),
        *_refer(
            "post_orders",
            {
                "site_id": "node",
                "post_id": "post",
                "written_by": "person",
                "published_by": "person",
            },
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_orders")),
        sa.UniqueConstraint("post_id", "number", name=op.f("uq_post_orders_post_id_number")),
    )
    _unique("uq_post_orders_draft", "post_orders", "post_id", "draft")
    _unique("uq_post_orders_published", "post_orders", "post_id", "published")
    op.create_table(
        "post_orders_read",
        sa.Column("orders_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("read_at", core.db.Instant(), nullable=False),
        *_refer(
            "post_orders_read",
            {"orders_id": "post_orders", "person_id": "person", "site_id": "node"},
        ),
        sa.PrimaryKeyConstraint("orders_id", "person_id", name=op.f("pk_post_orders_read")),
    )


def _passed_on() -> None:
    op.create_table(
        "post_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("counted_at", core.db.Instant(), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        *_refer("post_item", {"site_id": "node", "post_id": "post", "ticket_id": "ticket"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_item")),
        sa.UniqueConstraint("post_id", "kind", "name", name=op.f("uq_post_item_post_id_kind_name")),
    )
    op.create_table(
        "post_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("written_at", core.db.Instant(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *_refer("post_log", {"site_id": "node", "post_id": "post", "person_id": "person"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_log")),
    )
    op.create_index("ix_post_log_post", "post_log", ["post_id", "id"])
    op.create_table(
        "post_log_read",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("read_at", core.db.Instant(), nullable=False),
        *_refer(
            "post_log_read",
            {"entry_id": "post_log", "person_id": "person", "site_id": "node"},
        ),
        sa.PrimaryKeyConstraint("entry_id", "person_id", name=op.f("pk_post_log_read")),
    )
    # Of a post; none for the hand-over of a whole team.
    op.add_column("handover", sa.Column("post_id", sa.Uuid(), nullable=True))
    statements = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
