"""Who made a sign-in link, so that it ends with them."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nobody knows who made the links that wait; they end by themselves."""
    # In one statement: SQLite would make the table anew for a key that is added later, and can't
    # while others refer to its rows.
    kind = sa.Uuid().compile(dialect=op.get_bind().dialect)
    op.execute(
        f"ALTER TABLE credential ADD COLUMN made_by {kind} "
        "CONSTRAINT fk_credential_made_by_person REFERENCES person (id)"
    )
