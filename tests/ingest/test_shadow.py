"""A rule in the shadow decides on live readings, through kills, and nobody hears of it."""

import pytest
from sqlalchemy import func, select

from core import events, rulebook_shadows
from core.clock import from_micros
from core.errors import Conflict
from core.ids import new_id
from core.people import Grant, Person, caller_for, company_node
from core.places import Node
from core.rulebook_drafts import Written, start_draft
from core.rulebook_shadows import RuleShadow, end_shadow, start_shadow
from tests.ingest.building import NOON, RULES, START, publish_rules
from tests.ingest.stage import Incident, Stage
from workflows.alarms import shadowing
from workflows.alarms.model import Alarm
from workflows.alarms.shadow_comparing import compare_shadow
from workflows.alarms.shadowing import ShadowEpisode

WARM = RULES.split("---")[0].replace("75 °C", "65 °C").replace("< 70 °C", "< 60 °C")
SLOW = WARM.replace("severity", "for: 1m\nseverity")


def begin(stage: Stage, document: str) -> RuleShadow:
    with stage.database.write() as session:
        company = company_node(session)
        assert company is not None
        person = Person(id=new_id(), name="Wei Chen", locale="en")
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=company.id, role="manager"))
        session.flush()
        caller = caller_for(session, person)
        draft = start_draft(session, caller, Written(document, company.id), now=NOON)
        shadow = start_shadow(session, caller, draft, now=NOON)
    stage.reload()
    return shadow


def found(stage: Stage) -> list[tuple[float, float | None]]:
    with stage.database.read() as session:
        rows = session.scalars(select(ShadowEpisode).order_by(ShadowEpisode.tripped_micros))
        return [
            (
                (row.tripped_micros - START) / 1e6,
                None if row.cleared_micros is None else (row.cleared_micros - START) / 1e6,
            )
            for row in rows
        ]


def told(stage: Stage) -> int:
    with stage.database.read() as session:
        kinds = select(func.count()).where(events.Event.kind.startswith("ticket."))
        return session.scalar(kinds) or 0


def test_it_decides_beside_the_rule_in_force_and_opens_nothing(stage: Stage) -> None:
    begin(stage, WARM)
    stage.say("pump-1", stage.at(1, temp=70))
    stage.finish()
    assert found(stage) == [(1.0, None)]
    assert stage.incidents() == []
    assert stage.tickets() == []
    assert told(stage) == 0
    with stage.database.read() as session:
        assert session.scalars(select(Alarm).where(Alarm.rule_id.contains("shadow"))).all() == []
    stage.say("pump-1", stage.at(2, temp=80))
    stage.say("pump-1", stage.at(3, temp=50))
    stage.finish()
    assert found(stage) == [(1.0, 3.0)]
    assert stage.incidents() == [Incident("hot", "pump-1", 2.0, 3.0)]


def test_its_timers_and_states_survive_a_kill(stage: Stage) -> None:
    begin(stage, SLOW)
    stage.say("pump-1", stage.at(0, temp=70))
    stage.finish()
    stage.restart()
    stage.wait(70)
    stage.finish()
    assert found(stage) == [(60.0, None)]
    stage.restart()
    stage.say("pump-1", stage.at(80, temp=70))
    stage.finish()
    assert found(stage) == [(60.0, None)]
    stage.say("pump-1", stage.at(90, temp=50))
    stage.finish()
    assert found(stage) == [(60.0, 90.0)]


def test_when_it_cannot_be_calculated_nobody_hears_of_that_either(stage: Stage) -> None:
    ratio = RULES.split("---")[5].replace("poor-ratio", "other-ratio").replace("current", "voltage")
    begin(stage, ratio)
    stage.say("board-1", stage.at(1, kw=1, amp=1, v=0))
    stage.finish()
    assert stage.incidents() == []
    assert stage.tickets() == []


def test_once_ended_it_decides_no_more(stage: Stage) -> None:
    shadow = begin(stage, WARM)
    with stage.database.write() as session:
        row = session.get_one(RuleShadow, shadow.id)
        person = session.scalars(select(Person).where(Person.name == "Wei Chen")).one()
        end_shadow(session, caller_for(session, person), row, now=NOON)
    stage.reload()
    stage.say("pump-1", stage.at(1, temp=70))
    stage.finish()
    assert found(stage) == []


def test_a_rule_that_flaps_in_the_shadow_keeps_its_newest_episodes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadowing, "KEPT", 3)
    begin(stage, WARM)
    for second in range(1, 14):
        stage.say("pump-1", stage.at(second, temp=70 if second % 2 else 50))
        stage.finish()
    assert found(stage) == [(9.0, 10.0), (11.0, 12.0), (13.0, None)]


def test_so_many_rules_are_tried_at_once_and_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebook_shadows, "MOST_RUNNING", 2)
    begin(stage, WARM)
    begin(stage, WARM.replace("id: hot", "id: hotter"))
    with pytest.raises(Conflict, match="2 rules are tried"):
        begin(stage, WARM.replace("id: hot", "id: hottest"))


def test_it_decides_nothing_where_a_version_of_its_own_is_kept_nearer(stage: Stage) -> None:
    with stage.database.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        publish_rules(session, RULES.split("---")[0], site.id)
    shadow = begin(stage, WARM)
    stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    assert stage.incidents() == [Incident("hot", "pump-1", 1.0, None)]
    assert found(stage) == []
    with stage.database.read() as session:
        person = session.scalars(select(Person).where(Person.name == "Wei Chen")).one()
        row = session.get_one(RuleShadow, shadow.id)
        now = from_micros(stage.now)
        assert compare_shadow(session, caller_for(session, person), row, now=now).pairs == []
