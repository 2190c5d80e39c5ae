"""What the tests of pages of rounds share: routes, plans, and a night of all kinds of rounds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import events
from core.people import Caller, Person, caller_for
from tests.web.patrolling import about, checkpoint, put, show
from tests.web.stage import Stage
from workflows import patrol
from workflows.patrol import rounds
from workflows.patrol.rounds import PlanDraft, RouteDraft, Stop

POINTS = {
    "lobby-b1": ("Lobby of building 1", "1号楼大堂"),
    "pump-room-b1": ("Pump room of building 1, behind the bicycles", "1号楼水泵房（自行车库后）"),
    "stairs-b1": ("Stairs of building 1", "1号楼楼梯间"),
    "garage-ramp": ("Ramp of the garage", "车库坡道"),
    "garage-end": ("Far end of the garage", "车库尽头"),
}
LOCKED = "Locked by the lift company until Monday 电梯公司封闭至周一"
SITE_ZONE = ZoneInfo("Asia/Shanghai")


def clock_of(moment: datetime) -> str:
    """A time of day of the site, as plans have it."""
    return moment.astimezone(SITE_ZONE).strftime("%H:%M")


def caller_of(stage: Stage, person: UUID) -> Caller:
    """Somebody as use cases know them."""
    with stage.parts.database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def route(
    stage: Stage, code: str, en: str, zh: str, points: Sequence[Stop | UUID], **more: Any
) -> UUID:
    """A route through checkpoints of the compound."""
    stops = [one if isinstance(one, Stop) else Stop(one) for one in points]
    draft = RouteDraft(code, {"en": en, "zh": zh}, stops, **more)
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        row = rounds.create_route(session, stage.site_id, draft, actor=events.SYSTEM, now=now)
        return row.id


def plan(
    stage: Stage, of: UUID, begins: Sequence[timedelta], *, since: timedelta, **more: Any
) -> UUID:
    """A plan of rounds that begin so long from now, made as far back."""
    now = stage.parts.clock.now()
    times = [clock_of(now + each) for each in begins]
    draft = PlanDraft(times, **{"team": "security", "duration_min": 60, **more})
    with stage.parts.database.write() as session:
        row = session.get_one(rounds.Route, of)
        made = rounds.create_plan(session, row, draft, actor=events.SYSTEM, now=now + since)
        return made.id


def round_near(stage: Stage, plan_id: UUID, begin: timedelta) -> UUID:
    """The round of a plan that begins so long from now, to the minute."""
    wanted = stage.parts.clock.now() + begin
    with stage.parts.database.read() as session:
        rows = session.scalars(select(rounds.Round).where(rounds.Round.plan_id == plan_id)).all()
        found = min(rows, key=lambda row: abs(row.planned_at - wanted))
    assert abs(found.planned_at - wanted) < timedelta(minutes=2)
    return found.id


def visit_point(stage: Stage, code: str, person: UUID, ago: timedelta) -> None:
    """Somebody scans the tag of a checkpoint so long ago."""
    tag = patrol.StaticTag(uid=code, site_id=stage.site_id, **about(stage, person, ago=ago))
    assert show(stage, tag).verdict == patrol.ACCEPTED


def look(stage: Stage) -> None:
    """What the sweep does: rounds are judged by what is known now."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        for round_id in rounds.rounds_to_look_at(session, now=now):
            rounds.look_at(session, round_id, now=now, actor=events.SYSTEM)


def heard(stage: Stage, person: UUID, ago: timedelta, *, told: bool) -> None:
    """A phone was heard so long ago. told: that it told all its scans until then."""
    at = stage.parts.clock.now() - ago
    with stage.parts.database.write() as session:
        rounds.note_contact(session, person, now=at, told_until=at if told else None)


def tagged(stage: Stage) -> dict[str, UUID]:
    """The checkpoints of POINTS, each with a tag whose number is its code in capitals."""
    found = {}
    for code, (en, zh) in POINTS.items():
        found[code] = checkpoint(stage, code, en, zh)
        put(stage, found[code], "static_tag", tag_of_point(code))
    return found


def tag_of_point(code: str) -> str:
    """The number of the tag at one of POINTS."""
    return f"04{list(POINTS).index(code):012X}"


def _hours(number: float) -> timedelta:
    return timedelta(hours=number)


def night_of_rounds(stage: Stage, guard: UUID) -> dict[str, UUID]:
    """Rounds of three routes: late, unknown, with a missed point, complete, closed, to come."""
    points = tagged(stage)
    lobby, pumps, stairs, ramp, end = points.values()
    inside: list[Stop | UUID] = [lobby, Stop(pumps, None, 10), stairs, ramp]
    house = route(stage, "house-1", "Riverside house 1, inside", "1号楼室内", inside)
    garage = route(stage, "garage", "Riverside garage", "地下车库", [ramp, end], order="unordered")
    towers = route(
        stage, "lots", "Riverside by lot", "随机抽巡", [lobby, stairs, end], order="random", take=2
    )
    day = _hours(-21)
    houses = plan(stage, house, [_hours(-20), _hours(-0.8), _hours(3)], since=day, settle_min=60)
    garages = plan(stage, garage, [_hours(-4), _hours(-0.6)], since=day)
    lots = plan(stage, towers, [_hours(-6), _hours(2)], since=day)
    made = {
        "route": house,
        "round_plan": houses,
        "closed": round_near(stage, houses, _hours(-20)),
        "missed": round_near(stage, houses, _hours(-0.8)),
        "coming": round_near(stage, houses, _hours(3)),
        "unknown": round_near(stage, garages, _hours(-4)),
        "late": round_near(stage, garages, _hours(-0.6)),
        "complete": round_near(stage, lots, _hours(-6)),
        "cancelled": round_near(stage, lots, _hours(2)),
    }
    _gone(stage, guard, made)
    return made


def _gone(stage: Stage, guard: UUID, made: dict[str, UUID]) -> None:
    """What became of the rounds until now."""
    other = stage.person("Guard Xu Min 徐敏", "guard", node=stage.site_id)
    boss = caller_of(stage, stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id))
    visit_point(stage, tag_of_point("lobby-b1"), guard, _hours(19.9))
    _visit_all(stage, made["complete"], guard, _hours(5.5))
    visit_point(stage, tag_of_point("lobby-b1"), guard, _hours(0.75))
    visit_point(stage, tag_of_point("stairs-b1"), guard, _hours(0.7))
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        walker = caller_for(session, session.get_one(Person, other))
        rounds.begin_round(session, walker, made["unknown"], now=now - _hours(4))
        why = "Flooded, see the ticket 积水，见工单"
        rounds.cancel_round(session, boss, made["cancelled"], why, now=now)
        rounds.excuse_point(session, boss, made["missed"], 3, LOCKED, now=now)
    heard(stage, guard, timedelta(), told=True)
    heard(stage, other, _hours(3.5), told=False)
    look(stage)
    # Told by a phone that came back when its round was closed.
    visit_point(stage, tag_of_point("stairs-b1"), guard, _hours(19.5))


def _visit_all(stage: Stage, round_id: UUID, person: UUID, ago: timedelta) -> None:
    with stage.parts.database.read() as session:
        wanted = select(rounds.RoundPoint.checkpoint_id).where(
            rounds.RoundPoint.round_id == round_id
        )
        ids = set(session.scalars(wanted))
        codes = [
            one["code"]
            for one in rounds.points_of(session, session.get_one(rounds.Round, round_id).route_id)
            if one["checkpoint_id"] in ids
        ]
    for code in codes:
        visit_point(stage, tag_of_point(code), person, ago)
