"""Roles that count for the tickets of one team."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"
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
    decides = ["site_id", "team", "assignee_id", "reporter_id", "former_teams"]
    op.create_index("ix_ticket_of_team", "ticket", ["learned_at", "id", *decides])


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
