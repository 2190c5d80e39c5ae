"""Calendars, terms, and the clocks of tickets that count in them."""

import sqlalchemy as sa
from alembic import op

import core.db
from core.clock import to_micros

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calendar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("exceptions", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_calendar_node_id_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("node_id", "code", name=op.f("uq_calendar_node_id_code")),
    )
    op.create_table(
        "service_terms",
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("grade", sa.String(length=60), nullable=False),
        sa.Column("own", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_service_terms_node_id_node")
        ),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_service_terms")),
    )
    always = sa.Column("calendar", sa.String(length=60), nullable=False, server_default="always")
    for column in (
        sa.Column("respond_within", sa.Integer(), nullable=True),
        sa.Column("resolve_within", sa.Integer(), nullable=True),
        always,
        sa.Column(
            "clock_from",
            core.db.Instant(),
            nullable=False,
            server_default=sa.text("'1970-01-01 00:00:00'"),
        ),
        sa.Column("pauses", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("moments", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("marks", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("net_seconds", sa.Integer(), nullable=True),
        sa.Column("hold_until", core.db.Instant(), nullable=True),
        sa.Column("over", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("escalation", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("ticket", column)
    op.execute("UPDATE ticket SET clock_from = learned_at")
    _give_moments()


def _give_moments() -> None:
    """Tickets opened so far keep their deadlines, which counted day and night."""
    moment = core.db.Instant()
    ticket = sa.table(
        "ticket",
        sa.column("id", sa.Uuid()),
        sa.column("learned_at", moment),
        sa.column("respond_due", moment),
        sa.column("resolve_due", moment),
        sa.column("next_due", moment),
        sa.column("respond_within", sa.Integer()),
        sa.column("resolve_within", sa.Integer()),
        sa.column("moments", sa.JSON()),
        sa.column("marks", sa.JSON()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(ticket)).all():
        dues = {"response": row.respond_due, "resolution": row.resolve_due}
        found = [(to_micros(due), f"{clock}.due") for clock, due in dues.items() if due]
        spans = {
            name: round((due - row.learned_at).total_seconds()) if due else None
            for name, due in (
                ("respond_within", row.respond_due),
                ("resolve_within", row.resolve_due),
            )
        }
        # What the sweep has marked lies before the next deadline, or there is none any more.
        ahead = to_micros(row.next_due) if row.next_due else None
        marks = [key for at, key in found if ahead is None or at < ahead]
        values = {"moments": [list(each) for each in sorted(found)], "marks": marks, **spans}
        connection.execute(sa.update(ticket).where(ticket.c.id == row.id).values(values))
