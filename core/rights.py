"""What somebody may do where: their roles, laid over the tree, each whole or for one team."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.permissions import OF_TICKETS, ROLES


@dataclass(frozen=True, slots=True)
class Given:
    """A role on a node. team: the team it is limited to; empty: it counts for every team."""

    role: str
    path: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """The sites of each permission, and what holds on the whole company.

    teams: for a permission about tickets the sites where it holds for some teams only.
    """

    sites: Mapping[str, frozenset[UUID]]
    company_wide: frozenset[str]
    teams: Mapping[str, Mapping[UUID, frozenset[str]]]


def rights_of(given: Iterable[Given], nodes: Iterable[tuple[UUID, str, str]]) -> Rights:
    """What these roles allow. nodes: id, kind and path of every node of the tree."""
    nodes, given = list(nodes), list(given)
    company_wide: set[str] = set()
    sites: dict[str, set[UUID]] = {}
    whole: dict[str, set[UUID]] = {}
    teams: dict[str, dict[UUID, set[str]]] = {}
    roots = {path for _, kind, path in nodes if kind == "company"}
    for one in given:
        below = {node for node, kind, path in nodes if kind == "site" and path.startswith(one.path)}
        for permission in ROLES[one.role]:
            sites.setdefault(permission, set()).update(below)
            if not one.team or permission not in OF_TICKETS:
                whole.setdefault(permission, set()).update(below)
                continue
            for site in below:
                teams.setdefault(permission, {}).setdefault(site, set()).add(one.team)
        if one.path in roots:
            company_wide |= ROLES[one.role] - (OF_TICKETS if one.team else set())
    narrowed = {
        permission: {
            site: frozenset(named)
            for site, named in at.items()
            # Whoever holds it for every team by another role is not narrowed by this one.
            if site not in whole.get(permission, ())
        }
        for permission, at in teams.items()
    }
    return Rights(
        {permission: frozenset(where) for permission, where in sites.items()},
        frozenset(company_wide),
        {permission: at for permission, at in narrowed.items() if at},
    )
