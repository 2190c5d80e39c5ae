"""Taking back what an import did to rosters, to who is in a team, and to teams."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.calendars import above
from core.people import Grant, Person
from core.places import Node
from core.rosters import Shift
from core.rosters.days import Day, DayShift, by_day, day_of, shifts_of
from core.team_lists import Doer, remove_team, write_team
from core.teams import SHIPPED, Member, Team
from workflows.intake.duty import Wanted, set_days, set_members
from workflows.intake.plan import Item
from workflows.intake.planning.rosters import day_kept, shifts_of_kept
from workflows.intake.planning.standing import in_parts
from workflows.intake.undoing.state import Undoing
from workflows.tickets import ENDED, Ticket


def undo_duty(undoing: Undoing, items: Sequence[Item]) -> None:
    """Give days, memberships and teams back as they stood, where nobody changed them since."""
    session = undoing.doing.session
    by = Doer(undoing.doing.actor, undoing.doing.now)
    days = _days_to_restore(undoing, [item for item in items if item.kind == "duty"])
    set_days(session, days, by)
    members = _members_to_restore(undoing, [item for item in items if item.kind == "member"])
    set_members(session, members, by)
    undoing.undone += len(days) + len(members)
    for item in items:
        if item.kind == "team":
            _undo_team(undoing, item, by)


def _here(session: Session, items: Sequence[Item]) -> set[UUID]:
    """Those of whom the items speak who are still with us."""
    found = set[UUID]()
    for some in in_parts(sorted({item.after["person_id"] for item in items})):
        statement = select(Person.id).where(Person.id.in_(some), Person.left_at.is_(None))
        found |= set(session.scalars(statement))
    return found


def _days_to_restore(undoing: Undoing, items: Sequence[Item]) -> Wanted:
    session = undoing.doing.session
    here = _here(session, items)
    sites: defaultdict[UUID, list[Item]] = defaultdict(list)
    for item in items:
        assert item.site_id is not None
        sites[item.site_id].append(item)
    found: list[tuple[UUID, Mapping[str, Any]]] = []
    for site_id, some in sites.items():
        site = session.get_one(Node, site_id)
        days = [day_kept(item.after) for item in some]
        first, last = min(one.day for one in days), max(one.day for one in days)
        standing = shifts_of(session, {one.person_id for one in days}, first, last, lock=True)
        stands = by_day(site, standing)
        as_left = {
            day
            for item, day in zip(some, days, strict=True)
            if stands.get(day, ()) == shifts_of_kept(item.after["shifts"])
        }
        others = _others(site, standing, as_left)
        for item, day in zip(some, days, strict=True):
            before = shifts_of_kept(item.before["shifts"])
            if day.person_id not in here and before:
                undoing.keep(item, "gone")
            elif day not in as_left or _overlap(before, others[day.person_id]):
                # Also who was given another shift at that time meanwhile.
                undoing.keep(item, "changed")
            else:
                found.append((site_id, item.before))
    return found


def _others(site: Node, standing: Iterable[Shift], days: set[Day]) -> Mapping[UUID, list[Shift]]:
    """By person the shifts that belong to none of these days."""
    found: defaultdict[UUID, list[Shift]] = defaultdict(list)
    for one in standing:
        day = Day(one.team, one.person_id, day_of(site, one.starts_at))
        if one.site_id != site.id or day not in days:
            found[one.person_id].append(one)
    return found


def _overlap(before: Iterable[DayShift], others: Sequence[Shift]) -> bool:
    return any(
        one.starts_at < shift.ends_at and one.ends_at > shift.starts_at
        for shift in before
        for one in others
    )


def _members_to_restore(undoing: Undoing, items: Sequence[Item]) -> Wanted:
    session = undoing.doing.session
    here = _here(session, items)
    found: list[tuple[UUID, Mapping[str, Any]]] = []
    for item in items:
        assert item.site_id is not None
        after = item.after
        key = (item.site_id, after["team"], after["person_id"])
        row = session.get(Member, key, with_for_update=True)
        if after["person_id"] not in here and item.before["skills"] is not None:
            undoing.keep(item, "gone")
        elif (list(row.skills) if row else None) != after["skills"]:
            undoing.keep(item, "changed")
        else:
            found.append((item.site_id, item.before))
    return found


def _undo_team(undoing: Undoing, item: Item, by: Doer) -> None:
    session = undoing.doing.session
    row = session.get(Team, item.id, with_for_update=True)
    if row is None:
        undoing.keep(item, "gone")
        return
    stands = {"code": row.code, "name": dict(row.name), "mode": row.mode, "cover": row.cover}
    if any(stands[name] != value for name, value in item.after.items()):
        undoing.keep(item, "changed")
    elif item.action == "update":
        write_team(session, row.site_id, row.code, row.id, item.before, by)
        undoing.undone += 1
    elif row.code not in SHIPPED and (used := _use_of(session, row)):
        undoing.keep(item, "used", used)
    else:
        remove_team(session, row, by)
        undoing.undone += 1


def _use_of(session: Session, row: Team) -> str | None:
    """What a team is needed for, by the table it stands in."""
    nodes = select(Node.id).where(Node.path.in_(above(session.get_one(Node, row.site_id).path)))
    uses = (
        ("grant", select(Grant.id).where(Grant.node_id.in_(nodes)), Grant.team),
        ("team_member", select(Member.person_id).where(Member.site_id == row.site_id), Member.team),
        ("shift", select(Shift.id).where(Shift.site_id == row.site_id), Shift.team),
        (
            "ticket",
            select(Ticket.id).where(Ticket.site_id == row.site_id, Ticket.state.not_in(ENDED)),
            Ticket.team,
        ),
    )
    for table, statement, column in uses:
        if session.execute(statement.where(column == row.code).limit(1)).first() is not None:
            return table
    return None
