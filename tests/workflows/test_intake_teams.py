"""Teams and their members from a spreadsheet: found by code or name, undone as a whole."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.accounts import new_password, set_password
from core.db import Database
from core.events import Event
from core.people import Grant, Person
from core.teams import TeamShown, members_of, team_at
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.spreadsheets import Desk, found, reasons, workbook
from workflows.intake.plan import Plan
from workflows.intake.reading import plan_of

TEAMS = ["Code", "Name in Chinese", "Name in English", "Who gets a ticket", "Cover"]
MEMBERS = ["班组", "登录名", "姓名", "技能", "是否在组"]


@pytest.fixture
def desk(database: Database, administrator: Administrator, site: SmallSite) -> Desk:
    """The desk of somebody who may change everything."""
    return Desk(database, administrator.person_id)


def hire(desk: Desk, site: SmallSite, name: str, login: str = "", role: str = "technician") -> UUID:
    person_id = employ(desk.database, site.id, role, name)
    if login:
        made = new_password(login, "three plain words here")
        with desk.database.write() as session:
            set_password(session, person_id, made, now=NOON)
    return person_id


def teams(*rows: list[Any]) -> dict[str, list[Any]]:
    return {"班组": [TEAMS, *rows]}


def members(*rows: list[Any]) -> dict[str, list[Any]]:
    return {"班组成员": [MEMBERS, *rows]}


def inside(desk: Desk, site: SmallSite, team: str) -> dict[str, list[str]]:
    with desk.database.read() as session:
        return {p.name: m.skills for m, p in members_of(session, site.id, team)}


def team(desk: Desk, site: SmallSite, code: str) -> TeamShown:
    with desk.database.read() as session:
        return team_at(session, site.id, code)


def actions(plan: Plan) -> list[tuple[str, str]]:
    return [(item.kind, item.action) for item in plan.items]


def test_a_team_comes_with_its_members(desk: Desk, site: SmallSite) -> None:
    hire(desk, site, "陈伟", "13800000001")
    hire(desk, site, "李娜")
    rows = {
        **teams(["pool", "泳池组", "Pool", "值班人员轮流", "always"]),
        **members(
            ["泳池组", 13800000001, None, "电气，lift", None], ["pool", None, "李娜", None, "是"]
        ),
    }
    desk.bring_in(rows)
    pool = team(desk, site, "pool")
    assert (pool.mode, pool.cover, dict(pool.name)["zh"]) == ("round_robin", "always", "泳池组")
    assert inside(desk, site, "pool") == {"陈伟": ["electrical", "lift"], "李娜": []}
    assert desk.plan(workbook(rows)).changes == []


def test_a_shipped_team_that_stands_as_the_file_says_gets_no_row(
    desk: Desk, site: SmallSite
) -> None:
    plan = desk.plan(workbook(teams(["maintenance", "工程维修", "Maintenance", None, None])))
    assert actions(plan) == [("team", "same")]
    desk.bring_in(teams(["maintenance", None, None, "round_robin", "-"]))
    assert team(desk, site, "maintenance").mode == "round_robin"


def test_people_of_the_same_file_join(desk: Desk, site: SmallSite) -> None:
    people = [["Login", "Name", "Role", "Where"], ["13800000009", "赵磊", "维修工", "riverside"]]
    desk.bring_in({"People": people, **members(["maintenance", "13800000009", None, None, None])})
    assert inside(desk, site, "maintenance") == {"赵磊": []}


def test_every_wrong_cell_is_told(desk: Desk, site: SmallSite) -> None:
    hire(desk, site, "王芳")
    hire(desk, site, "王芳")
    hire(desk, site, "孙会计", role="accountant")
    rows = {
        **teams(
            ["a b", "甲", None, "dice", "never"],
            ["pool", "乙", None, None, None],
            ["pool", "丙", None, None, None],
            ["p" * 41, "丁", None, None, None],
        ),
        **members(
            ["nobody", None, "孙会计", None, None],
            ["pool", None, "王芳", "magic", "maybe"],
            ["pool", None, None, None, None],
            ["pool", "13811111111", None, None, None],
        ),
    }
    plan = desk.plan(workbook(rows))
    assert found(plan.faults) == [
        ("班组!A2", "code"),
        ("班组!D2", "choice"),
        ("班组!E2", "choice"),
        ("班组!A4", "twice"),
        ("班组!A5", "too_long"),
        ("班组成员!A2", "no_team"),
        ("班组成员!C2", "no_person"),
        ("班组成员!C3", "which_person"),
        ("班组成员!D3", "choice"),
        ("班组成员!E3", "choice"),
        ("班组成员!C4", "who"),
        ("班组成员!B5", "no_person"),
    ]


def test_no_takes_somebody_out_and_leaving_a_row_out_does_not(desk: Desk, site: SmallSite) -> None:
    for name in ("陈伟", "李娜"):
        hire(desk, site, name)
    desk.bring_in(
        members(["security", None, "陈伟", "消防", None], ["security", None, "李娜", None, None])
    )
    second = desk.bring_in(members(["security", None, "陈伟", None, "否"]))
    assert inside(desk, site, "security") == {"李娜": []}
    assert desk.undo(second) == []
    assert inside(desk, site, "security") == {"陈伟": ["fire"], "李娜": []}


def test_undoing_takes_the_new_team_back_with_who_was_put_into_it(
    desk: Desk, site: SmallSite
) -> None:
    hire(desk, site, "陈伟")
    first = desk.bring_in(
        {
            **teams(["pool", "泳池组", None, None, None]),
            **members(["pool", None, "陈伟", None, None]),
        }
    )
    assert desk.undo(first) == []
    assert (team(desk, site, "pool").version, inside(desk, site, "pool")) == (0, {})


def test_what_is_in_use_or_was_changed_since_stays(desk: Desk, site: SmallSite) -> None:
    hire(desk, site, "陈伟")
    first = desk.bring_in(teams(["pool", "泳池组", None, None, None]))
    desk.bring_in(members(["pool", None, "陈伟", "lift", None]))
    assert reasons(desk.undo(first)) == [("team", "used", "team_member")]
    third = desk.bring_in(members(["pool", None, "陈伟", "fire", None]))
    desk.bring_in(members(["pool", None, "陈伟", "-", None]))
    assert reasons(desk.undo(third)) == [("member", "changed", "")]
    assert inside(desk, site, "pool") == {"陈伟": []}


def test_a_shipped_team_works_as_shipped_again_however_many_are_in_it(
    desk: Desk, site: SmallSite
) -> None:
    hire(desk, site, "陈伟")
    desk.bring_in(members(["maintenance", None, "陈伟", None, None]))
    changed = desk.bring_in(teams(["maintenance", None, None, "值班人员轮流", None]))
    assert team(desk, site, "maintenance").mode == "round_robin"
    assert reasons(desk.undo(changed)) == []
    assert team(desk, site, "maintenance").mode == "grab"
    assert inside(desk, site, "maintenance") == {"陈伟": []}


def test_a_team_to_which_a_role_is_limited_stays(desk: Desk, site: SmallSite) -> None:
    first = desk.bring_in(teams(["pool", "泳池组", None, None, None]))
    person_id = hire(desk, site, "陈伟")
    with desk.database.write() as session:
        session.scalars(select(Grant).where(Grant.person_id == person_id)).one().team = "pool"
    assert reasons(desk.undo(first)) == [("team", "used", "grant")]


def test_no_name_stands_in_the_import_or_the_log(desk: Desk, site: SmallSite) -> None:
    person_id = hire(desk, site, "陈伟")
    import_id = desk.bring_in(members(["maintenance", None, "陈伟", None, None]))
    row = desk.row(import_id)
    with desk.database.read() as session:
        facts = [(e.before, e.after) for e in session.scalars(select(Event))]
        kinds = set(session.scalars(select(Event.kind)))
        assert "陈伟" not in str((row.plan, facts))
        assert str(person_id) in str(facts)
        assert "team.members" in kinds
        assert plan_of(session, row).items[0].label.endswith("陈伟")


def test_who_left_does_not_come_back_by_undoing(desk: Desk, site: SmallSite) -> None:
    person_id = hire(desk, site, "陈伟")
    desk.bring_in(members(["maintenance", None, "陈伟", None, None]))
    second = desk.bring_in(members(["maintenance", None, "陈伟", None, "no"]))
    with desk.database.write() as session:
        session.get_one(Person, person_id).left_at = NOON
    assert reasons(desk.undo(second)) == [("member", "gone", "")]


def test_who_may_not_set_up_teams_brings_none_in(desk: Desk, site: SmallSite) -> None:
    lead = Desk(desk.database, employ(desk.database, site.id, "supervisor"))
    plan = lead.plan(workbook(teams(["pool", "泳池组", None, None, None])))
    assert [code for _, code in found(plan.faults)] == ["no_right"]
