"""Whose tickets somebody sees and works: the one place where a role's team narrows them.

Whoever holds a permission for some teams only has it on the tickets that are with these teams or
were before, on those that are theirs, and on those that they opened.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.people import Caller
from core.permissions import lacking_here
from workflows.tickets.model import Ticket
from workflows.tickets.sos import SILENT_CATEGORY

Columns = TypeVarTuple("Columns")
READ = "tickets.read"
# Who leads others to a place hears of silent calls for help there.
LEADS = "tickets.dispatch"
# Stands before and behind the name of every team that a ticket was passed on by.
_SEPARATOR = "\n"


class Placed(Protocol):
    """What decides who sees a ticket: a ticket, or something with the same facts."""

    @property
    def site_id(self) -> UUID: ...
    @property
    def team(self) -> str: ...
    @property
    def former_teams(self) -> str: ...
    @property
    def assignee_id(self) -> UUID | None: ...
    @property
    def reporter_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Where somebody holds one permission about tickets.

    whole: the sites where it counts for every ticket. teams: the others, each with the teams it
    counts for. person: who it is, where that matters; two who see the same have the same scope.
    unheard: those of its sites where silent calls for help are kept from them, because they may
    stand beside whoever is to know nothing of one.
    """

    whole: frozenset[UUID]
    teams: frozenset[tuple[UUID, frozenset[str]]] = frozenset()
    person: UUID | None = None
    unheard: frozenset[UUID] = frozenset()

    @property
    def sites(self) -> frozenset[UUID]:
        """Every site of it, whole or not."""
        return self.whole.union(site for site, _ in self.teams)

    def condition(self, site_column: Any = Ticket.site_id) -> ColumnElement[bool]:
        """Whether a ticket is within it, in SQL. site_column: see `TicketFilter.site_column`."""
        found: list[ColumnElement[bool]] = [site_column.in_(self.whole)]
        found += [
            and_(
                site_column == site,
                or_(
                    Ticket.team.in_(teams),
                    Ticket.assignee_id == self.person,
                    Ticket.reporter_id == self.person,
                    *(
                        Ticket.former_teams.contains(_marked(team), autoescape=True)
                        for team in sorted(teams)
                    ),
                ),
            )
            for site, teams in sorted(self.teams, key=lambda one: one[0])
        ]
        if not self.unheard:
            return or_(*found)
        kept = or_(Ticket.category != SILENT_CATEGORY, site_column.not_in(self.unheard))
        return and_(or_(*found), kept)

    def holds(self, ticket: Placed) -> bool:
        """Whether a ticket is within it; says the same as `condition`."""
        silent = isinstance(ticket, Ticket) and ticket.category == SILENT_CATEGORY
        if silent and ticket.site_id in self.unheard:
            return False
        if ticket.site_id in self.whole:
            return True
        teams = dict(self.teams).get(ticket.site_id)
        if teams is None:
            return False
        theirs = self.person in (ticket.assignee_id, ticket.reporter_id)
        were = any(_marked(team) in ticket.former_teams for team in teams)
        return theirs or ticket.team in teams or were


def _marked(team: str) -> str:
    return f"{_SEPARATOR}{team}{_SEPARATOR}"


def teams_of(ticket: Placed) -> frozenset[str]:
    """The team that has a ticket, and those that had it."""
    former = (team for team in ticket.former_teams.split(_SEPARATOR) if team)
    return frozenset((ticket.team, *former))


def scope_of(caller: Caller, permission: str = READ) -> Scope:
    """Where a caller holds a permission about tickets."""
    sites, narrowed = caller.sites_for(permission), caller.teams.get(permission)
    unheard = sites - caller.sites_for(LEADS)
    if not narrowed:
        return Scope(sites, unheard=unheard)
    teams = frozenset((site, named) for site, named in narrowed.items() if site in sites)
    return Scope(sites.difference(narrowed), teams, caller.person_id, unheard)


def of_tickets(
    statement: Select[*Columns],
    caller: Caller,
    permission: str = READ,
    *,
    site_column: Any = Ticket.site_id,
) -> Select[*Columns]:
    """Restrict a query of tickets to those on which the caller holds a permission."""
    return statement.where(scope_of(caller, permission).condition(site_column))


def on_tickets(
    statement: Select[*Columns],
    ticket_id: InstrumentedAttribute[UUID],
    site_id: InstrumentedAttribute[UUID],
    caller: Caller,
    permission: str = READ,
) -> Select[*Columns]:
    """The same for rows that hang on a ticket: photos, links, reports."""
    scope = scope_of(caller, permission)
    if not scope.teams and not scope.unheard:
        return statement.where(site_id.in_(scope.whole))
    return statement.where(ticket_id.in_(select(Ticket.id).where(scope.condition())))


def holds(caller: Caller, permission: str, ticket: Placed) -> bool:
    """Whether the caller holds a permission on a ticket."""
    return scope_of(caller, permission).holds(ticket)


def require(caller: Caller, permission: str, ticket: Placed) -> None:
    """NotAllowed unless the caller holds a permission on a ticket."""
    if not holds(caller, permission, ticket):
        raise lacking_here(permission)


def require_for_team(caller: Caller, permission: str, site_id: UUID, team: str) -> None:
    """NotAllowed unless the caller holds a permission on the tickets of a team."""
    scope = scope_of(caller, permission)
    if site_id not in scope.whole and team not in dict(scope.teams).get(site_id, ()):
        raise lacking_here(permission)


def of_team(
    statement: Select[*Columns],
    site_id: InstrumentedAttribute[UUID],
    team: InstrumentedAttribute[str],
    caller: Caller,
    permission: str = READ,
) -> Select[*Columns]:
    """Restrict a query of what belongs to teams, such as hand-overs, to the caller's."""
    scope = scope_of(caller, permission)
    theirs = [and_(site_id == site, team.in_(teams)) for site, teams in scope.teams]
    return statement.where(or_(site_id.in_(scope.whole), *theirs))


def teams_seen(caller: Caller, site_id: UUID) -> frozenset[str] | None:
    """The only teams of a site whose tickets the caller sees; None where they see all."""
    return dict(scope_of(caller).teams).get(site_id)


def seen_of(session: Session, scope: Scope, tickets: Collection[UUID]) -> set[UUID]:
    """Which of these tickets are within a scope."""
    statement = select(Ticket.id).where(Ticket.id.in_(tickets), scope.condition())
    return set(session.scalars(statement))


def passed_on(ticket: Ticket, team: str) -> Mapping[str, str]:
    """The columns of a ticket that goes to another team; who had it still sees it."""
    if team == ticket.team or _marked(ticket.team) in ticket.former_teams:
        return {"team": team}
    before = ticket.former_teams or _SEPARATOR
    return {"team": team, "former_teams": f"{before}{ticket.team}{_SEPARATOR}"}
