"""Identities of a provider, sessions whose secret is renewed, second factors under the vault."""

import sqlalchemy as sa
from alembic import context, op

import core.db
from core.vault import Vault

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("linked_at", core.db.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_identity_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identity_issuer_subject")),
        sa.UniqueConstraint("person_id", "issuer", name=op.f("uq_identity_person_id_issuer")),
    )
    op.create_table(
        "identity_attempt",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("ends_at", core.db.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_identity_attempt_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitation.id"],
            name=op.f("fk_identity_attempt_invitation_id_invitation"),
        ),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_identity_attempt")),
    )
    for column in (
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("began_at", core.db.Instant(), nullable=True),
        sa.Column("renew_at", core.db.Instant(), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("credential", column)
    op.create_index(op.f("ix_credential_session_id"), "credential", ["session_id"])
    # Sessions that are open get a new secret at their next request.
    op.execute(
        "UPDATE credential SET session_id = id, began_at = created_at, renew_at = created_at, "
        "used_at = created_at WHERE kind = 'session'"
    )
    op.execute(
        "UPDATE credential SET proved = true WHERE kind = 'token' AND EXISTS (SELECT 1 FROM "
        "second_factor WHERE second_factor.person_id = credential.person_id "
        "AND second_factor.confirmed_at <= credential.created_at)"
    )
    _seal_second_factors()


def _seal_second_factors() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # What stood there readable is overwritten, not only let go.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    op.add_column("second_factor", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    table = sa.table(
        "second_factor",
        sa.column("person_id", sa.Uuid()),
        sa.column("secret", sa.String()),
        sa.column("sealed", sa.LargeBinary()),
    )
    vault: Vault | None = context.config.attributes["vault"]
    for row in connection.execute(sa.select(table)).all():
        assert vault is not None, "whoever migrates a database with second factors brings the key"
        values = {"sealed": vault.seal(row.secret, f"second_factor:{row.person_id}")}
        connection.execute(
            sa.update(table).where(table.c.person_id == row.person_id).values(values)
        )
    with op.batch_alter_table("second_factor") as batch:
        batch.alter_column("sealed", existing_type=sa.LargeBinary(), nullable=False)
        batch.drop_column("secret")
