"""Roles that count for the tickets of one team, and accounts of residents and contractors."""

import sqlalchemy as sa
from alembic import op

from core.db import Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_BETWEEN = "\n"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("grant") as batch:
        batch.add_column(sa.Column("team", sa.String(length=40), server_default="", nullable=False))
        batch.drop_constraint(op.f("uq_grant_person_id_node_id_role"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_grant_person_id_node_id_role_team"), ["person_id", "node_id", "role", "team"]
        )
    op.add_column(
        "invitation", sa.Column("team", sa.String(length=40), server_default="", nullable=False)
    )
    op.add_column("ticket", sa.Column("former_teams", sa.Text(), server_default="", nullable=False))
    _remember_teams()
    compared = ["search_text", "asset_id", "number"]
    decides = ["site_id", "team", "assignee_id", "reporter_id", "former_teams"]
    op.drop_index("ix_ticket_found", "ticket")
    op.create_index("ix_ticket_found", "ticket", ["learned_at", "id", *compared, *decides])
    _homes()
    _companies()


def _homes() -> None:
    """Accounts of people of households, and what they reported."""
    op.create_table(
        "home",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_home_person_id_person")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f("fk_home_site_id_node")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_home_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_home")),
        sa.UniqueConstraint("person_id", "resident_id", name=op.f("uq_home_person_id_resident_id")),
    )
    for column in ("person_id", "resident_id", "space_id"):
        op.create_index(op.f(f"ix_home_{column}"), "home", [column])
    op.create_table(
        "home_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["node.id"], name=op.f("fk_home_invitation_site_id_node")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["person.id"], name=op.f("fk_home_invitation_made_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_home_invitation")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_home_invitation_secret_hash")),
    )
    op.create_index("ix_home_invitation_resident", "home_invitation", ["resident_id"])
    for table in ("resident_report", "follower"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("person_id", sa.Uuid(), nullable=True))
            batch.add_column(sa.Column("home_id", sa.Uuid(), nullable=True))
            batch.create_foreign_key(
                op.f(f"fk_{table}_person_id_person"), "person", ["person_id"], ["id"]
            )
            batch.create_foreign_key(
                op.f(f"fk_{table}_home_id_space"), "space", ["home_id"], ["id"]
            )
            if table == "resident_report":
                batch.alter_column("sticker_id", existing_type=sa.Uuid(), nullable=True)
                batch.create_index(op.f("ix_resident_report_person_id"), ["person_id"])
            else:
                batch.drop_constraint(op.f("uq_follower_of_id"), type_="unique")
                batch.create_unique_constraint(op.f("uq_follower_of_id_kind"), ["of_id", "kind"])


def _companies() -> None:
    """Hired companies, their people who sign in, and the jobs given to them."""

    def table(name: str, *columns: sa.schema.SchemaItem) -> None:
        op.create_table(
            name,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("site_id", sa.Uuid(), nullable=False),
            *columns,
            sa.ForeignKeyConstraint(["site_id"], ["node.id"], name=op.f(f"fk_{name}_site_id_node")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        )

    def refers(name: str, column: str, to: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            [column], [f"{to}.id"], name=op.f(f"fk_{name}_{column}_{to}")
        )

    table(
        "company",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("hired_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
    )
    op.create_index(op.f("ix_company_site_id"), "company", ["site_id"])
    table(
        "company_person",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        refers("company_person", "company_id", "company"),
        refers("company_person", "person_id", "person"),
        sa.UniqueConstraint(
            "company_id", "person_id", name=op.f("uq_company_person_company_id_person_id")
        ),
    )
    op.create_index(op.f("ix_company_person_company_id"), "company_person", ["company_id"])
    op.create_index(op.f("ix_company_person_person_id"), "company_person", ["person_id"])
    table(
        "company_invitation",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        refers("company_invitation", "company_id", "company"),
        refers("company_invitation", "made_by", "person"),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_company_invitation_secret_hash")),
    )
    op.create_index(op.f("ix_company_invitation_company_id"), "company_invitation", ["company_id"])
    with op.batch_alter_table("contractor_link") as batch:
        batch.add_column(sa.Column("company_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_contractor_link_company_id_company"), "company", ["company_id"], ["id"]
        )
        batch.create_index(op.f("ix_contractor_link_company_id"), ["company_id"])


def _remember_teams() -> None:
    """Which teams each ticket was with before, as the event log tells it."""
    event = sa.table(
        "event",
        *(sa.column(name) for name in ("seq", "kind", "subject_id")),
        sa.column("before", sa.JSON()),
        sa.column("after", sa.JSON()),
    )
    ticket = sa.table(
        "ticket", sa.column("id", sa.Uuid()), sa.column("team"), sa.column("former_teams")
    )
    kinds = ("ticket.open", "ticket.assign", "ticket.edit")
    facts = sa.select(event.c.subject_id, event.c.before, event.c.after)
    facts = facts.where(event.c.kind.in_(kinds)).order_by(event.c.seq)
    session = op.get_bind()
    named: dict[str, dict[str, None]] = {}
    for subject, before, after in session.execute(facts):
        for said in (before, after):
            if said and said.get("team"):
                named.setdefault(str(subject), {})[said["team"]] = None
    several = {subject: teams for subject, teams in named.items() if len(teams) > 1}
    for key, team in session.execute(sa.select(ticket.c.id, ticket.c.team)).all():
        former = [one for one in several.get(str(key), ()) if one != team]
        if former:
            text = _BETWEEN + "".join(f"{one}{_BETWEEN}" for one in former)
            session.execute(sa.update(ticket).where(ticket.c.id == key).values(former_teams=text))
