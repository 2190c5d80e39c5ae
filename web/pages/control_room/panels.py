"""The parts of the control room, each with what its template shows."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import floor_plans
from core.asset_names import Assets
from core.db import Session
from rules.catalog import shipped_catalog
from web.fire_watch import WATCHED, hands_at
from web.naming import type_name
from web.pages.control_room.room import ACT, Room
from web.pages.control_room.rounds import rounds_panel
from web.pages.live import ShownPoint, shown_points
from workflows import alarms, control_room, overview
from workflows.alarms import OpenAlarm
from workflows.alarms.floods import flood_of
from workflows.alarms.standing import UNSEEN
from workflows.alarms.withheld_now import WithheldFilter, withheld_first
from workflows.control_room import Ring
from workflows.overview import AssetView, SpaceView
from workflows.tickets import PRIORITIES, RUNNING
from workflows.tickets.calls import WaitingCall, waiting_calls
from workflows.tickets.fires import standing_fires
from workflows.tickets.reading import TicketFilter

LONGEST_LIST = 60
# A plan that shows more than these says so; who chooses a space below sees the rest.
MOST_MARKS = 300
# So many spaces are unfolded at once; of more only where something is wrong.
UNFOLDED = 40
MINUTES = (1, 3, 5, 10)
Panel = Callable[[Room], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Limb:
    """A space of the tree. unfolded: whether what is below it shows at first."""

    view: SpaceView
    limbs: Sequence["Limb"]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """An asset as the plan shows it. at: where on the picture, None where it was not placed.

    state: the highest severity present, silent, or ok. unseen: an alarm of it waits for somebody.
    """

    view: AssetView
    state: str
    unseen: bool
    point: ShownPoint | None
    at: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Call:
    """What asks for somebody: an alarm, or a critical ticket that people wrote.

    kind: alarms or tickets, key: its id or number, as addresses name it. state: of an alarm,
    unacknowledged for a ticket. takes: whether accepting it makes its ticket the reader's own;
    else it is only acknowledged.
    """

    kind: str
    key: str
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    state: str
    at: datetime | None
    reason: str
    assets: Assets
    number: int | None
    asset_type: str | None
    asset_id: UUID | None
    asset: Mapping[str, str] | None
    space: Mapping[str, str] | None
    space_code: str | None
    site: Mapping[str, str]
    site_code: str
    takes: bool
    may_accept: bool
    chatter_count: int = 0
    incident_alarms: int = 0

    @property
    def rank(self) -> tuple[bool, bool, bool, int, float]:
        """Its place in the list: unseen first, lives before all, then the worst, the newest."""
        return (
            self.state not in UNSEEN,
            not self.life_safety,
            self.state == "returned_unacknowledged",
            -PRIORITIES.index(self.severity),
            -self.at.timestamp() if self.at else 0.0,
        )


def _limbs(room: Room) -> list[Limb]:
    below: dict[UUID | None, list[SpaceView]] = defaultdict(list)
    for space in room.tree.spaces:
        below[space.parent_id].append(space)
    on_path = {space.id for space in room.path}
    few = len(room.tree.spaces) <= UNFOLDED

    def grow(parent: UUID | None) -> list[Limb]:
        return [
            Limb(view, grow(view.id), few or view.id in on_path or view.health.worst != "ok")
            for view in below[parent]
        ]

    return grow(None)


def _flat(limbs: Sequence[Limb], depth: int = 0) -> list[tuple[int, SpaceView]]:
    found = []
    for limb in limbs:
        found += [(depth, limb.view), *_flat(limb.limbs, depth + 1)]
    return found


def _places(room: Room) -> dict[str, Any]:
    known = {site.id for site in room.sites}
    limbs = _limbs(room)
    return {
        "others": [node for node in room.tree.nodes if node.id in known],
        "health": next(node.health for node in room.tree.nodes if node.id == room.site.id),
        "limbs": limbs,
        "choices": _flat(limbs),
        "measured": room.measured.known,
    }


def _state(view: AssetView) -> str:
    if view.health.worst == "ok" and view.health.silent:
        return "silent"
    return view.health.worst


def _marks(
    room: Room, unseen: set[UUID], positions: Mapping[UUID, tuple[float, float]]
) -> list[Mark]:
    """What stands in the chosen space; of too much the first that are not well."""
    assets = room.assets()
    if len(assets) > MOST_MARKS:
        assets.sort(key=lambda view: (view.id not in positions, _state(view) == "ok"))
    shown = []
    for view in assets[:MOST_MARKS]:
        points = shown_points(view.id, view.type, room.measured, room.visit.reader, 1)
        point = points[0] if points else None
        at = positions.get(view.id)
        shown.append(Mark(view, _state(view), view.id in unseen, point, at))
    return shown


def _by_type(room: Room, marks: Sequence[Mark]) -> list[tuple[str, list[Mark]]]:
    groups: dict[str, list[Mark]] = defaultdict(list)
    catalog = shipped_catalog()
    for mark in sorted(marks, key=lambda mark: mark.view.code):
        groups[type_name(catalog, mark.view.type, room.visit.reader)].append(mark)
    return sorted(groups.items())


def _plan(room: Room) -> dict[str, Any]:
    site_id, visit = room.site.id, room.visit
    with visit.parts.database.read() as session:
        plan = floor_plans.plan_of(session, site_id, room.space.id if room.space else None)
        positions = floor_plans.positions_of(session, plan.id) if plan else {}
        drawn = floor_plans.spaces_with_plan(session, site_id)
        unseen = {row.asset_id for row in alarms.unseen_alarms(session, visit.caller, ACT)}
    marks = _marks(room, unseen, positions)
    around = [space for space in reversed(room.path[:-1]) if space.id in drawn]
    return {
        "path": room.path,
        "plan": plan,
        "placed": [mark for mark in marks if mark.at is not None],
        "loose": _by_type(room, [mark for mark in marks if mark.at is None]),
        "left_out": len(room.assets()) - len(marks),
        "around": around[0] if around and plan is None else None,
        "around_site": plan is None and not around and room.space is not None and None in drawn,
        "may_draw": visit.may(floor_plans.WRITE, site_id),
    }


def _of_alarm(room: Room, alarm: OpenAlarm) -> Call:
    caller = room.visit.caller
    unseen = alarm.state in UNSEEN
    takes = alarms.may_take(alarm.ticket_state, alarm, caller)
    return Call(
        kind="alarms",
        key=str(alarm.id),
        title=alarm.title,
        severity=alarm.severity,
        life_safety=alarm.life_safety,
        state=alarm.state,
        at=alarm.raised_at,
        reason=alarm.reason,
        assets=alarm.assets,
        number=alarm.ticket_number,
        asset_type=alarm.asset_type,
        asset_id=alarm.asset_id,
        asset=alarm.asset_name,
        space=alarm.space,
        space_code=alarm.space_code,
        site=alarm.site,
        site_code=alarm.site_code,
        takes=takes,
        may_accept=unseen or takes,
        chatter_count=alarm.chatter_count,
        incident_alarms=alarm.incident_alarms,
    )


def _of_ticket(room: Room, call: WaitingCall) -> Call:
    caller = room.visit.caller
    return Call(
        kind="tickets",
        key=str(call.number),
        title=call.title,
        severity=call.priority,
        life_safety=call.life_safety,
        state="unacknowledged",
        at=call.learned_at,
        reason="",
        assets={},
        number=call.number,
        asset_type=None,
        asset_id=call.asset_id,
        asset=call.asset,
        space=call.space,
        space_code=call.space_code,
        site=call.site,
        site_code=call.site_code,
        takes=True,
        may_accept=call.site_id in caller.sites_for("tickets.work"),
    )


def _alarms(room: Room) -> dict[str, Any]:
    caller = room.visit.caller
    with room.visit.parts.database.read() as session:
        open_ones = alarms.open_alarms(
            session, caller, permission=ACT, folded=True, limit=LONGEST_LIST + 1
        )
        written = waiting_calls(session, caller, ACT)
        held, more = withheld_first(session, caller, WithheldFilter(), LONGEST_LIST, ACT)
        unseen = len(alarms.unseen_alarms(session, caller, ACT)) + len(written)
        flood = flood_of(session, room.site.id)
    calls = [_of_alarm(room, alarm) for alarm in open_ones]
    calls += [_of_ticket(room, call) for call in written]
    calls.sort(key=lambda call: call.rank)
    return {
        "calls": calls[:LONGEST_LIST],
        "more_calls": len(calls) > LONGEST_LIST,
        "held": held,
        "more_held": more,
        "flood": flood,
        "unseen": unseen,
    }


def _fires(room: Room) -> dict[str, Any]:
    caller, now = room.visit.caller, room.visit.reader.now
    with room.visit.parts.database.read() as session:
        found = standing_fires(session, caller, ACT)
        hands = {
            site_id: hands_at(session, site_id, now)
            for site_id in {fire.site_id for fire in found if fire.state in WATCHED}
        }
    return {"fires": found, "hands": hands, "watched": WATCHED}


def _tickets(room: Room) -> dict[str, Any]:
    wanted = TicketFilter((*RUNNING, "on_hold"))
    with room.visit.parts.database.read() as session:
        found = overview.browse_tickets(
            session, room.visit.caller, wanted, by_deadline=True, limit=LONGEST_LIST
        )
    return {"tickets": found.items, "more_tickets": found.next is not None}


def rings(session: Session, room: Room) -> list[tuple[Ring, Mapping[str, str]]]:
    """What nobody has accepted on any site of the reader, with its title."""
    caller = room.visit.caller
    found = [
        (Ring(row.severity, row.life_safety, row.learned_at), row.title)
        for row in alarms.unseen_alarms(session, caller, ACT)
    ]
    found += [
        (Ring("critical", True, fire.fire_at or fire.began_at), fire.title)
        for fire in standing_fires(session, caller, ACT)
        if fire.state == "fire"
    ]
    return found + [
        (Ring(call.priority, call.life_safety, call.learned_at), call.title)
        for call in waiting_calls(session, caller, ACT)
    ]


def _sound(room: Room) -> dict[str, Any]:
    now, person = room.visit.reader.now, room.visit.caller.person_id
    with room.visit.parts.database.read() as session:
        ringing = rings(session, room)
        muted = control_room.mute_of(session, person, now=now)
        test = control_room.test_of(session, person, now=now)
    every = [ring for ring, _title in ringing]
    loud = control_room.breaking(every, muted) if muted else every
    level = control_room.level(every)
    worst = max(
        (each for each in ringing if each[0].level == level),
        key=lambda each: each[0].learned_at,
        default=None,
    )
    return {
        "ringing": level,
        "breaking": control_room.level(loud) if muted else "",
        "muted": muted,
        "test": test,
        "worst": worst[1] if worst else None,
        "waiting": len(every),
        "minutes": MINUTES,
    }


PANELS: Mapping[str, Panel] = {
    "fires": _fires,
    "sound": _sound,
    "tree": _places,
    "plan": _plan,
    "alarms": _alarms,
    "tickets": _tickets,
    "rounds": rounds_panel,
}
