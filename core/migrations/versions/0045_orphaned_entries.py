"""What phones kept under an earlier key is taken beside."""

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

REFERS = {
    "phone_id": "phone",
    "site_id": "node",
    "file_id": "guard_file",
    "person_id": "person",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "journal_orphan",
        sa.Column("phone_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("of_phone", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", core.db.Instant(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("received_at", core.db.Instant(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_journal_orphan_{column}_{target}")
            )
            for column, target in REFERS.items()
        ),
        sa.PrimaryKeyConstraint("phone_id", "hash", name=op.f("pk_journal_orphan")),
    )
