"""Who made a sign-in link, so that it ends with them."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nobody knows who made the links that wait; they end by themselves."""
    with op.batch_alter_table("credential") as batch:
        batch.add_column(sa.Column("made_by", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_credential_made_by_person"), "person", ["made_by"], ["id"]
        )
