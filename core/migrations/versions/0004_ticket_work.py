"""Work on tickets: files, comments, checklists, labour, parts, closing."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
