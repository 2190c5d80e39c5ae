"""Alarms about lives in a walk test: they speak, unless two people put them out of service.

This is the way in which any alarm about lives falls silent (`shelving`), for all of a place at
once: one asks and names the patrol that walks instead, another confirms, and it ends with the test.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.devices import Point
from core.errors import Conflict
from core.lifecycle import move
from core.people import Caller
from core.places import Asset
from rules.wording import worded
from workflows.alarms.knowing import RuleOnAsset, known_alarm, rules_on
from workflows.alarms.model import Alarm, Withholding
from workflows.alarms.shelving import (
    SERVICE,
    OutOfService,
    confirm_out_of_service,
    refuse_out_of_service,
    take_out_of_service,
)
from workflows.alarms.walk_tests.model import CAUSE, WALK_TEST, WalkTest
from workflows.alarms.walk_tests.running import refuse_over
from workflows.alarms.walk_tests.sensors import assets_in


def rules_of_lives(session: Session, row: WalkTest) -> list[tuple[Asset, RuleOnAsset]]:
    """The rules about lives that judge what stands in the place and has a sensor."""
    watched = set(session.scalars(select(Point.asset_id).where(Point.site_id == row.site_id)))
    return [
        (asset, rule)
        for asset in assets_in(session, row.site_id, row.space_id)
        if asset.id in watched
        for rule in rules_on(session, asset)
        if rule.life_safety
    ]


def ask_for_lives(
    session: Session, caller: Caller, row: WalkTest, *, patrol: str, now: datetime
) -> int:
    """Ask that alarms about lives of the place be out of service until the end of the test.

    Until somebody else confirms they speak as before. Returns how many. Conflict where there is
    none, where all are withheld or asked for already, or the test is over.
    """
    caller.require(SERVICE, row.site_id)
    refuse_over(row, now)
    WALK_TEST.target("ask_lives", row.state)
    wanted = OutOfService(row.ends_at, row.reason, patrol)
    asked = 0
    for asset, rule in rules_of_lives(session, row):
        alarm = known_alarm(session, caller, asset.id, rule.rule_id)
        if alarm.state == "out_of_service" or _is_asked(session, alarm):
            continue
        made = take_out_of_service(session, caller, alarm, wanted, now=now)
        made.cause_kind, made.cause_id = CAUSE, row.id
        asked += 1
    if not asked:
        raise Conflict(
            worded("no alarm about lives of this place can be asked for"),
            advice=worded("Look at what is out of service or asked for already."),
        )
    values = {
        "patrol": patrol.strip(),
        "lives_asked_by": caller.person_id,
        "lives_confirmed_by": None,
    }
    _move(session, caller, row, "ask_lives", values, asked, now)
    return asked


def _is_asked(session: Session, alarm: Alarm) -> bool:
    asked = Withholding.alarm_id == alarm.id, Withholding.state == "asked"
    return session.scalar(select(Withholding.id).where(*asked)) is not None


def confirm_lives(session: Session, caller: Caller, row: WalkTest, *, now: datetime) -> int:
    """The second person agrees: from now to the end of the test these alarms call nobody either.

    Conflict for whoever asked, and where what was asked for is over: a test that was made longer
    does not make a request longer.
    """
    caller.require(SERVICE, row.site_id)
    refuse_over(row, now)
    WALK_TEST.target("confirm_lives", row.state)
    if row.lives_asked_by == caller.person_id:
        raise Conflict(
            worded("whoever asks does not confirm"),
            advice=worded("Somebody else with the right confirms it."),
        )

    def confirm(one: Withholding, alarm: Alarm) -> None:
        confirm_out_of_service(session, caller, one, alarm, now=now)

    done = _each(session, row.id, confirm)
    # One may have been confirmed already, on the page of its alarm.
    if not done and silent_until(session, row.id) is None:
        raise Conflict(
            worded("the time asked for is over"),
            advice=worded("Take the request back, and ask anew."),
        )
    values = {"lives_confirmed_by": caller.person_id}
    _move(session, caller, row, "confirm_lives", values, done, now)
    return done


def silent_until(session: Session, test_id: UUID) -> datetime | None:
    """Until when two people agreed that alarms about lives are silent; None where none is.

    A test that was made longer goes on without that, and any of them may be back before.
    """
    silent = Withholding.state == "standing", Withholding.kind == "out_of_service"
    ends = select(func.min(Withholding.until)).where(Withholding.cause_id == test_id, *silent)
    return session.scalar(ends)


def refuse_lives(session: Session, caller: Caller, row: WalkTest, *, now: datetime) -> int:
    """Say no, or take one's own request back: these alarms go on calling."""
    caller.require(SERVICE, row.site_id)
    WALK_TEST.target("refuse_lives", row.state)

    def refuse(one: Withholding, alarm: Alarm) -> None:
        del alarm
        refuse_out_of_service(session, caller, one, now=now)

    done = _each(session, row.id, refuse)
    _move(session, caller, row, "refuse_lives", {"patrol": ""}, done, now)
    return done


def _each(session: Session, test_id: UUID, do: Callable[[Withholding, Alarm], None]) -> int:
    """Every request of a test: the alarm first, as everybody locks it, all in one order."""
    asked = Withholding.cause_id == test_id, Withholding.state == "asked"
    rows: Sequence[tuple[UUID, UUID]] = [
        (one, alarm)
        for one, alarm in session.execute(
            select(Withholding.id, Withholding.alarm_id)
            .where(*asked)
            .order_by(Withholding.alarm_id)
        )
    ]
    done = 0
    for one, alarm_id in rows:
        alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
        row = session.get_one(Withholding, one, populate_existing=True)
        # Somebody may have answered it on the page of its alarm.
        if row.state == "asked":
            do(row, alarm)
            done += 1
    return done


def _move(
    session: Session,
    caller: Caller,
    row: WalkTest,
    action: str,
    values: dict[str, Any],
    alarms: int,
    now: datetime,
) -> None:
    move(
        session,
        row,
        WALK_TEST,
        action,
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values=values,
        facts={"alarms": alarms},
    )
