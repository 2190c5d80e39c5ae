"""What contractors say they used for their jobs."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

REFERS_TO = {
    "site_id": "node",
    "ticket_id": "ticket",
    "link_id": "contractor_link",
    "decided_by": "person",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "contractor_claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("at", core.db.Instant(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=120), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("cost", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", core.db.Instant(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_contractor_claim_{column}_{table}")
            )
            for column, table in REFERS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contractor_claim")),
    )
    for column in ("ticket_id", "link_id"):
        op.create_index(op.f(f"ix_contractor_claim_{column}"), "contractor_claim", [column])
