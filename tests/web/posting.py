"""What the tests of pages of posts share: a gate with orders, who is there and who was."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from core import events
from core.ids import new_id
from core.people import Person, caller_for
from core.rosters import Shift
from core.teams import Member
from tests.web.patrolling import about, checkpoint, put, show
from tests.web.stage import Stage
from workflows import patrol
from workflows.patrol import posts

TAG = "04B0B0B0B0B0B0"
GATE = {
    "en": "# Riverside gate\n\n- Open for **fire engines** at once.\n- No couriers after 23:00.",
    "zh": "# 门岗须知\n\n- **消防车**一律立即放行。\n- 23:00 后禁止快递员入内。",
}


def post(stage: Stage, code: str, en: str, zh: str, **more: Any) -> UUID:
    """A post of the security team of the compound."""
    draft = posts.PostDraft(code, {"en": en, "zh": zh}, **{"team": "security", **more})
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        return posts.create_post(
            session, stage.site_id, draft, actor=events.SYSTEM, now=now - timedelta(days=30)
        ).id


def gate_with_people(stage: Stage) -> dict[str, UUID]:
    """Three posts; at the gate somebody who has read its orders, and one who has not."""
    boss = stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id)
    xu = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    lin = stage.person("Lin Tao 林涛", "guard", node=stage.site_id)
    point = checkpoint(stage, "gatehouse", "Gatehouse", "门岗亭")
    put(stage, point, "static_tag", TAG)
    gate = post(stage, "gate", "Riverside main gate", "河畔正门岗", checkpoint_id=point)
    post(stage, "control", "Control room", "消控室", minimum_crew=2)
    walkers = post(stage, "walkers", "Patrol team", "巡逻组", for_rounds=True, minimum_crew=0)
    now, database = stage.parts.clock.now(), stage.parts.database
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, boss))
        row = session.get_one(posts.Post, gate)
        posts.write_draft(session, caller, row, GATE, now=now - timedelta(days=9))
        orders = posts.publish(session, caller, row, now=now - timedelta(days=9))
        orders_id, digest = orders.id, orders.digest or ""
        posts.acknowledge(
            session,
            caller_for(session, session.get_one(Person, xu)),
            orders_id,
            digest,
            now=now - timedelta(days=8),
        )
        for one in (xu, lin):
            session.add(Member(site_id=stage.site_id, team="security", person_id=one, skills=[]))
        at = {"site_id": stage.site_id, "team": "security", "kind": "duty"}
        span = {"starts_at": now - timedelta(hours=2), "ends_at": now + timedelta(hours=6)}
        session.add(Shift(id=new_id(), **at, person_id=xu, **span))
    for hours in (26, 18, 2):
        tap(stage, xu, timedelta(hours=hours))
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, boss))
        row = session.get_one(posts.Post, gate)
        why = "Reader is wet 读卡器进水"
        duty = posts.clock_in(session, caller, row, lin, reason=why, now=now)
        duty_id = duty.id
    return {
        "boss": boss,
        "xu": xu,
        "lin": lin,
        "post": gate,
        "walkers": walkers,
        "orders": orders_id,
        "duty": duty_id,
    }


def tap(stage: Stage, person: UUID, ago: timedelta = timedelta()) -> None:
    """Somebody taps the tag at the gatehouse."""
    tag = patrol.StaticTag(uid=TAG, site_id=stage.site_id, **about(stage, person, ago=ago))
    assert show(stage, tag).verdict == patrol.ACCEPTED
