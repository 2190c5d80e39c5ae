"""Writing what an import says of teams and rosters, and giving back what stood before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.places import Node
from core.rosters.days import Day, DayShift, write_days
from core.team_lists import Doer, Membership, write_members, write_team
from core.teams import Team
from workflows.intake.plan import Item
from workflows.intake.planning.rosters import day_kept, shifts_of_kept

KINDS = ("team", "member", "duty")
Wanted = Sequence[tuple[UUID, Mapping[str, Any]]]


def write(session: Session, kind: str, items: Sequence[Item], by: Doer) -> None:
    """Write the items of one of these kinds."""
    if kind == "team":
        for item in items:
            assert item.site_id is not None
            values = {name: value for name, value in item.after.items() if name != "code"}
            code = item.after.get("code") or session.get_one(Team, item.id).code
            write_team(session, item.site_id, code, item.id, values, by)
        return
    wanted = [(item.site_id, item.after) for item in items if item.site_id is not None]
    if kind == "member":
        set_members(session, wanted, by)
    else:
        set_days(session, wanted, by)


def set_members(session: Session, wanted: Wanted, by: Doer) -> None:
    """Bring memberships to what is wanted; skills None: not in the team."""
    teams: defaultdict[tuple[UUID, str], Membership] = defaultdict(Membership)
    for site_id, want in wanted:
        membership = teams[site_id, want["team"]]
        if want["skills"] is None:
            membership.out.add(want["person_id"])
        else:
            membership.within[want["person_id"]] = want["skills"]
    for (site_id, team), membership in teams.items():
        write_members(session, site_id, team, membership, by)


def set_days(session: Session, wanted: Wanted, by: Doer) -> None:
    """Bring days of rosters to what is wanted."""
    sites: defaultdict[UUID, dict[Day, tuple[DayShift, ...]]] = defaultdict(dict)
    for site_id, want in wanted:
        sites[site_id][day_kept(want)] = shifts_of_kept(want["shifts"])
    for site_id, days in sites.items():
        site = session.get_one(Node, site_id)
        write_days(session, site, days, actor=by.actor, now=by.now)
