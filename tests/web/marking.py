"""What the tests of pages of marks share: a round that was gone too fast, and its mark."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core import events
from tests.web.patrolling import about, show
from tests.web.rounding import plan, route, tag_of_point, tagged
from tests.web.stage import Stage
from workflows import patrol
from workflows.patrol import Checkpoint, honesty

CODES = ("lobby-b1", "pump-room-b1", "stairs-b1", "garage-ramp", "garage-end")


def hurried_round(stage: Stage, guard: UUID) -> UUID:
    """The mark on a round whose points lie 400 m apart and were scanned in a minute."""
    points = tagged(stage)
    with stage.parts.database.write() as session:
        for number, code in enumerate(CODES):
            row = session.get_one(Checkpoint, points[code])
            row.latitude, row.longitude, row.radius_m = 31.2 + number * 0.0036, 121.5, 30.0
    way = route(stage, "compound", "Whole compound", "全园区", [points[code] for code in CODES])
    plan(stage, way, [timedelta(minutes=-20)], since=timedelta(hours=-1))
    for number, code in enumerate(CODES):
        ago = timedelta(minutes=15) - timedelta(seconds=12 * number)
        made = about(stage, guard, ago=ago)
        tag = patrol.StaticTag(uid=tag_of_point(code), site_id=stage.site_id, **made)
        assert show(stage, tag).verdict == patrol.ACCEPTED
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        for round_id in honesty.rounds_to_check(session, now=now):
            honesty.check_round(session, round_id, now=now, actor=events.SYSTEM)
    with stage.parts.database.read() as session:
        wanted = select(honesty.PatrolMark.id).where(honesty.PatrolMark.kind == "speed")
        return session.scalars(wanted).one()
