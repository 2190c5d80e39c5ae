"""Photos and voice notes that belong to an entry of the pass-down log of a post."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None of those that are here belongs to one."""
    with op.batch_alter_table("guard_file") as table:
        table.add_column(sa.Column("log_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            op.f("fk_guard_file_log_id_post_log"), "post_log", ["log_id"], ["id"]
        )
    op.create_index(op.f("ix_guard_file_log_id"), "guard_file", ["log_id"])
