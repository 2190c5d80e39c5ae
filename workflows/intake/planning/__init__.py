"""Planning: what the lines of a file would change, without changing anything."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.people import Caller
from workflows.intake.lines import Lines, Told
from workflows.intake.plan import Plan, in_order
from workflows.intake.planning.crews import Crews
from workflows.intake.planning.devices import plan_devices
from workflows.intake.planning.households import plan_households
from workflows.intake.planning.keyed import look_up
from workflows.intake.planning.people import plan_people
from workflows.intake.planning.places import plan_assets, plan_spaces
from workflows.intake.planning.points import plan_points
from workflows.intake.planning.rosters import plan_rosters
from workflows.intake.planning.teams import plan_members, plan_teams
from workflows.intake.planning.work import Work

__all__ = ["make_plan"]


def make_plan(
    session: Session,
    caller: Caller,
    said: Lines,
    told: Told = lambda *_: None,
    *,
    lock: bool = False,
) -> Plan:
    """What a file would do now, and all that is wrong with it, in order of sheet and row.

    lock: keep others from changing what it is compared with, for who is about to do it.
    """
    work = Work.begin(session, caller, lock=lock)
    lines = said.lines
    steps = 8
    told("checking", 0, steps)
    sites = look_up(work, lines)
    plan_people(work, lines)
    told("checking", 1, steps)
    plan_spaces(work, lines, sites)
    told("checking", 2, steps)
    plan_assets(work, lines, sites)
    told("checking", 3, steps)
    devices = plan_devices(work, lines, sites)
    told("checking", 4, steps)
    plan_points(work, lines, sites, devices)
    told("checking", 5, steps)
    plan_households(work, lines, sites)
    told("checking", 6, steps)
    crews = Crews(work)
    teams = plan_teams(work, lines, sites)
    plan_members(work, lines, sites, teams, crews)
    told("checking", 7, steps)
    plan_rosters(work, lines, sites, teams, crews)
    told("checking", steps, steps)
    sheets = _order([line.title for line in lines])
    faults = sorted(
        [*said.faults, *work.faults],
        key=lambda fault: (sheets.get(fault.sheet, -1), fault.row, fault.column),
    )
    refused = {(fault.sheet, fault.row) for fault in faults}
    items = [item for item in work.items if (item.sheet, item.row) not in refused]
    return Plan(in_order(items), faults, said.unread)


def _order(titles: Sequence[str]) -> dict[str, int]:
    return {title: number for number, title in enumerate(dict.fromkeys(titles))}
