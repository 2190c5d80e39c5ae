"""Looks at somebody's track: put down with a reason, for them and for data protection alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.db import Database
from core.errors import Invalid
from core.paging import Wish
from core.people import Caller
from tests.fixtures import NOON, SmallSite
from tests.workflows.calling import SECOND, Scene, make_scene
from tests.workflows.conftest import employ, facts_of
from workflows.overview import recent_activity
from workflows.patrol import sos
from workflows.patrol.privacy.looking import (
    Look,
    list_looks,
    looks_at,
    note_look,
    reason_of,
)
from workflows.patrol.privacy.showing import own_privacy

MINUTE = timedelta(minutes=1)
HERE = sos.Place(30.25, 120.16, 12.0, 4.0)


@pytest.fixture
def scene(database: Database, site: SmallSite) -> Scene:
    return make_scene(database, site)


def look(scene: Scene, by: UUID, minute: int, why: str = "incident", **more: Any) -> None:
    about = Look(scene.guard, "scans", why, scene.walk.site.id, **more)
    with scene.database.write() as session:
        note_look(session, scene.caller(by), about, now=NOON + minute * MINUTE)


def seen(scene: Scene) -> list[dict[str, Any]]:
    with scene.database.read() as session:
        return looks_at(session, scene.guard)


def held(scene: Scene) -> list[str]:
    with scene.database.read() as session:
        own = own_privacy(session, scene.guard, kept=timedelta(days=30), now=NOON + 3 * MINUTE)
        return [one["case"] for one in own["holds"]]


def protected(scene: Scene, caller: Caller, **wanted: Any) -> list[dict[str, Any]]:
    with scene.database.read() as session:
        return list(list_looks(session, caller, Wish(), **wanted).items)


def test_each_look_is_a_fact_with_its_reason_and_span(scene: Scene) -> None:
    supervisor = scene.people["supervisor"]
    look(scene, supervisor, 0, since=NOON - MINUTE, until=NOON)
    # Loaded anew, it is the same look; with another reason or span, or later, it is another.
    look(scene, supervisor, 5, since=NOON - MINUTE, until=NOON)
    look(scene, supervisor, 6, why="pay", since=NOON - MINUTE, until=NOON)
    look(scene, supervisor, 17, since=NOON - MINUTE, until=NOON)
    # Of oneself nothing is put down.
    look(scene, scene.guard, 18)
    found = seen(scene)
    assert [one["why"] for one in found] == ["incident", "pay", "incident"]
    assert (found[0]["by"], found[0]["what"], found[0]["since"]) == (
        "Wei",
        "scans",
        NOON - MINUTE,
    )
    assert len(facts_of(scene.database, "track.look")) == 3


def test_looking_for_one_person_takes_a_reason(scene: Scene) -> None:
    caller = scene.caller(scene.people["supervisor"])
    assert reason_of(caller, scene.guard, "complaint") == "complaint"
    assert reason_of(caller, None, None) == reason_of(caller, caller.person_id, None) == ""
    for why in (None, "", "curiosity"):
        with pytest.raises(Invalid, match="takes a reason"):
            reason_of(caller, scene.guard, why)


def test_nobody_else_but_data_protection_sees_them(scene: Scene) -> None:
    site = scene.walk.site
    look(scene, scene.people["supervisor"], 0)
    _, row = scene.press(place=HERE)
    with scene.database.write() as session:
        caller = scene.caller(scene.people["supervisor"])
        sos.look_at_positions(session, caller, scene.row(row.id), now=NOON + MINUTE)
        everywhere = Look(scene.guard, "rounds", "pay")
        note_look(session, caller, everywhere, now=NOON + 2 * MINUTE)
    protector = scene.caller(employ(scene.database, site.id, "data_protection"))
    company = scene.caller(employ(scene.database, site.company_id, "data_protection"))
    kinds = [(one["what"], one["person_id"]) for one in protected(scene, protector)]
    assert kinds == [(what, scene.guard) for what in ("rounds", "positions", "scans")]
    assert [one["what"] for one in protected(scene, company)] == ["rounds", "positions", "scans"]
    assert len(protected(scene, company, person_id=scene.guard)) == 3
    assert protected(scene, company, person_id=scene.mate) == []
    assert [one["what"] for one in protected(scene, company, site_id=site.id)] == [
        "positions",
        "scans",
    ]
    others = [scene.people[role] for role in ("supervisor", "manager", "administrator")]
    others.append(employ(scene.database, site.id, "auditor"))
    for person in (*others, scene.mate):
        assert protected(scene, scene.caller(person)) == []
        with scene.database.read() as session:
            told = recent_activity(session, scene.caller(person))
        assert {one.kind for one in told}.isdisjoint({"track.look", "sos.look"})


def test_looks_at_a_call_are_told_when_it_is_over(scene: Scene) -> None:
    _, row = scene.press(place=HERE)
    with scene.database.write() as session:
        caller = scene.caller(scene.people["supervisor"])
        sos.look_at_positions(session, caller, scene.row(row.id), now=NOON + SECOND)
    assert seen(scene) == []
    scene.step("end", row.id, scene.mate, NOON + MINUTE, "test", "Tried it out")
    assert [(one["what"], one["why"]) for one in seen(scene)] == [("positions", "")]


def test_while_a_silent_call_stands_its_phone_learns_of_no_look(scene: Scene) -> None:
    supervisor = scene.people["supervisor"]
    look(scene, supervisor, -30)
    _, row = scene.press(kind="silent", place=HERE)
    look(scene, supervisor, 1, "absence")
    assert [one["why"] for one in seen(scene)] == ["incident"]
    assert held(scene) == []
    with scene.database.write() as session:
        caller = scene.caller(supervisor)
        sos.look_at_positions(session, caller, scene.row(row.id), now=NOON + MINUTE)
    protector = scene.caller(employ(scene.database, scene.walk.site.id, "data_protection"))
    assert "positions" not in [one["what"] for one in protected(scene, protector)]
    scene.step("end", row.id, supervisor, NOON + 2 * MINUTE, "real", "She is well")
    # Looks at the silent call itself stay on the page of calls.
    assert [one["why"] for one in seen(scene)] == ["absence", "incident"]
    assert held(scene) == ["sos"]
    assert protected(scene, protector)[0]["what"] == "positions"


def test_a_reason_never_stands_in_words_in_the_log(scene: Scene) -> None:
    look(scene, scene.people["supervisor"], 0, since=NOON)
    (fact,) = facts_of(scene.database, "track.look")
    assert fact.after == {"what": "scans", "why": "incident", "since": NOON.isoformat()}
    assert fact.subject_id == str(scene.guard)
