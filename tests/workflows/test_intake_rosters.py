"""Rosters from a spreadsheet: the table of a month, and a row for each day."""

from datetime import date, time
from typing import Any

import pytest
from sqlalchemy import select

from core.db import Database
from core.events import Event
from core.local_time import zone
from core.people import Person
from core.places import Node
from core.rosters import Shift, add_shifts
from core.shift_codes import ShiftCodeDraft, save_shift_code
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.spreadsheets import Desk, found, open_workbook, reasons, saved, workbook
from tests.workflows.test_intake_teams import hire, members
from workflows.intake.filling import offer_for
from workflows.intake.sheets import SHEETS
from workflows.intake.template import make_csv, make_workbook

HEAD = ["班组", "姓名", "月份", *range(1, 32)]
BY_DAY = ["班组", "姓名", "日期", "班次"]


@pytest.fixture
def desk(database: Database, administrator: Administrator, site: SmallSite) -> Desk:
    """The desk of somebody who may change everything, with two guards in the security team."""
    desk = Desk(database, administrator.person_id)
    hire(desk, site, "陈伟", "13800000001", "guard")
    hire(desk, site, "李娜", "", "guard")
    desk.bring_in(members(["security", None, "陈伟", None, None]))
    return desk


def month(*rows: list[Any], head: list[Any] = HEAD) -> dict[str, list[Any]]:
    return {"排班表": [head, *rows]}


def by_day(*rows: list[Any]) -> dict[str, list[Any]]:
    return {"排班明细": [BY_DAY, *rows]}


def shifts(desk: Desk, site: SmallSite) -> list[tuple[str, str, str, str]]:
    """Team, name, beginning and end in the time of the site."""
    with desk.database.read() as session:
        where = zone(session.get_one(Node, site.id).time_zone)
        rows = session.execute(
            select(Shift, Person.name)
            .join(Person, Person.id == Shift.person_id)
            .order_by(Shift.starts_at, Person.name)
        )
        return [
            (
                shift.team,
                name,
                f"{shift.starts_at.astimezone(where):%m-%d %H:%M}",
                f"{shift.ends_at.astimezone(where):%m-%d %H:%M}",
            )
            for shift, name in rows
        ]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1999-12-31", "2200-01-01"])
def test_a_day_that_nobody_plans_is_no_day(desk: Desk, day: str) -> None:
    plan = desk.plan(workbook(by_day(["security", "陈伟", day, "早"])))
    assert found(plan.faults) == [("排班明细!C2", "day")]


def test_a_month_as_it_hangs_on_the_wall(desk: Desk, site: SmallSite) -> None:
    rows = month(["秩序安保", "陈伟", "2026-12", "早", "夜", "休", "8:00-16:00", None, "Ｎ"])
    desk.bring_in(rows)
    assert shifts(desk, site) == [
        ("security", "陈伟", "12-01 07:00", "12-01 15:00"),
        ("security", "陈伟", "12-02 23:00", "12-03 07:00"),
        ("security", "陈伟", "12-04 08:00", "12-04 16:00"),
        ("security", "陈伟", "12-06 23:00", "12-07 07:00"),
    ]
    plan = desk.plan(workbook(rows))
    assert (plan.faults, plan.changes) == ([], [])


def test_the_title_says_the_month_and_a_row_of_weekdays_is_passed_over(
    desk: Desk, site: SmallSite
) -> None:
    rows = [
        ["阳光小区秩序部2026年12月排班表"],
        ["序号", "岗位", "姓名", *range(1, 32), "合计"],
        [None, None, None, *"二三四五六日一"],
        [1, "东门", "陈伟", "早", *[None] * 30, 1],
    ]
    desk.bring_in({"2026年12月排班表": rows})
    # Their one team goes without saying.
    assert shifts(desk, site) == [("security", "陈伟", "12-01 07:00", "12-01 15:00")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_a_csv_is_called_by_its_month(desk: Desk, encoding: str) -> None:
    text = "班组,姓名,1,2,3\n秩序安保,陈伟,早,休,中\n"
    plan = desk.plan(text.encode(encoding), "2026年12月排班.csv")
    assert (plan.faults, plan.counts()) == ([], {"duty": {"create": 2, "update": 0, "same": 1}})


def test_a_row_for_each_day_says_the_same(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(month(["security", "陈伟", "2026-12", "早", "早/夜"]))
    book = open_workbook(by_day(["security", "陈伟", date(2026, 12, 1), "早"]))
    assert desk.plan(saved(book)).changes == []
    desk.bring_in(by_day(["security", "陈伟", "2026年12月2日", "off"]))
    assert shifts(desk, site) == [("security", "陈伟", "12-01 07:00", "12-01 15:00")]


def test_a_cell_says_all_of_its_day_and_an_empty_one_nothing(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(month(["security", "陈伟", "2026-12", "早", "早", "早"]))
    desk.bring_in(month(["security", "陈伟", "2026-12", "中", None, "-"]))
    assert shifts(desk, site) == [
        ("security", "陈伟", "12-01 15:00", "12-01 23:00"),
        ("security", "陈伟", "12-02 07:00", "12-02 15:00"),
    ]


def test_every_wrong_cell_is_told(desk: Desk, site: SmallSite) -> None:
    head = ["班组", "姓名", "月份", 1, 2, 30]
    rows = {
        **month(
            ["security", "陈伟", "2026-02", "早", "X", "早"],
            ["security", "李娜", "soon", "早", None, None],
            ["security", "李娜", None, "早", None, None],
            [None, "李娜", "2026-12", "早", None, None],
            ["security", "李娜", "2026-12", "早/8-10", None, None],
            head=head,
        ),
        **by_day(
            ["security", "李娜", "2026-12-01", "早"],
            ["security", "李娜", "tomorrow", "早"],
            ["security", "李娜", "2026-12-03", None],
        ),
    }
    plan = desk.plan(workbook(rows))
    assert found(plan.faults) == [
        ("排班表!E2", "shift"),
        ("排班表!F2", "no_such_day"),
        ("排班表!C3", "month"),
        ("排班表!C4", "no_month"),
        ("排班表!A5", "which_team"),
        ("排班表!D6", "double"),
        ("排班明细!D2", "twice_day"),
        ("排班明细!C3", "day"),
        ("排班明细!D4", "missing"),
    ]


def test_nobody_gets_two_shifts_at_once(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(month(["security", "陈伟", "2026-12", "夜"]))
    plan = desk.plan(workbook(month(["maintenance", "陈伟", "2026-12", None, "6-9"])))
    assert found(plan.faults) == [("排班表!E2", "double")]
    # What the same file takes out is out.
    moved = month(
        ["security", "陈伟", "2026-12", "休"], ["maintenance", "陈伟", "2026-12", None, "6-9"]
    )
    desk.bring_in(moved)
    assert [row[0] for row in shifts(desk, site)] == ["maintenance"]


def test_undoing_gives_the_days_back(desk: Desk, site: SmallSite) -> None:
    first = desk.bring_in(month(["security", "陈伟", "2026-12", "早", "早"]))
    before = shifts(desk, site)
    second = desk.bring_in(
        month(["security", "陈伟", "2026-12", "夜", "休"], ["security", "李娜", "2026-12", "早"])
    )
    assert desk.undo(second) == []
    assert shifts(desk, site) == before
    assert desk.undo(first) == []
    assert shifts(desk, site) == []


def test_a_day_that_was_changed_since_stays(desk: Desk, site: SmallSite) -> None:
    first = desk.bring_in(month(["security", "陈伟", "2026-12", "早", "早"]))
    desk.bring_in(month(["security", "陈伟", "2026-12", "中"]))
    assert reasons(desk.undo(first)) == [("duty", "changed", "")]
    assert [row[2] for row in shifts(desk, site)] == ["12-01 15:00"]


def test_a_day_does_not_come_back_into_another_shift(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(month(["security", "陈伟", "2026-12", "早"]))
    second = desk.bring_in(month(["security", "陈伟", "2026-12", "休"]))
    with desk.database.write() as session:
        person = session.scalars(select(Person.id).where(Person.name == "陈伟")).one()
        node = session.get_one(Node, site.id)
        add_shifts(
            session,
            desk.caller,
            node,
            "maintenance",
            [person],
            kind="duty",
            weekdays=range(7),
            hours=(time(9), time(12)),
            first=date(2026, 12, 1),
            weeks=1,
            now=NOON,
        )
    assert reasons(desk.undo(second)) == [("duty", "changed", "")]


def test_a_site_keeps_its_own_hours(desk: Desk, site: SmallSite) -> None:
    with desk.database.write() as session:
        node = session.get_one(Node, site.id)
        draft = ShiftCodeDraft("early", {"zh": "早班"}, "06:00", "14:00", ("早",))
        save_shift_code(session, desk.caller, node, draft, now=NOON, expected_version=None)
    desk.bring_in(month(["security", "陈伟", "2026-12", "早"]))
    assert shifts(desk, site)[0][2:] == ("12-01 06:00", "12-01 14:00")


def test_what_stands_comes_out_and_goes_in_unchanged(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(month(["security", "陈伟", "2026-11", *[None] * 27, "早", "夜/9-10", "7:30-9"]))
    for language in ("zh", "en"):
        with desk.database.read() as session:
            offer = offer_for(session, desk.caller, language, filled=True, now=NOON)
        assert len(offer.rows["roster"]) == 2
        plan = desk.plan(make_workbook(language, offer))
        assert (plan.faults, plan.changes) == ([], [])
        assert plan.counts()["duty"]["same"] == 3
        content = make_csv(SHEETS["roster"], language, "gb18030", offer.rows["roster"])
        assert desk.plan(content, "r.csv").changes == []
        with desk.database.read() as session:
            offer = offer_for(
                session, desk.caller, language, filled=True, now=NOON, only="roster_days"
            )
        content = make_csv(SHEETS["roster_days"], language, "gb18030", offer.rows["roster_days"])
        plan = desk.plan(content, "days.csv")
        assert plan.counts() == {"duty": {"create": 0, "update": 0, "same": 3}}


def test_one_fact_a_team_tells_who_and_when(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(month(["security", "陈伟", "2026-12", "早", "早"]))
    with desk.database.read() as session:
        [fact] = session.scalars(select(Event).where(Event.kind == "roster.change"))
        assert fact.after is not None
        assert fact.after["days"] == 2
        assert (fact.after["from"], fact.after["to"]) == ("2026-12-01", "2026-12-02")
    assert "陈伟" not in str(desk.row(import_id).plan)


def test_a_lead_brings_rosters_in_and_a_guard_does_not(desk: Desk, site: SmallSite) -> None:
    rows = workbook(month(["security", "陈伟", "2026-12", "早"]))
    lead = Desk(desk.database, employ(desk.database, site.id, "supervisor"))
    assert lead.plan(rows).faults == []
    guard = Desk(desk.database, employ(desk.database, site.id, "guard"))
    assert [code for _, code in found(guard.plan(rows).faults)] == ["no_right"]


def test_an_hour_that_the_clock_skips_does_not_stop_a_roster(desk: Desk, site: SmallSite) -> None:
    with desk.database.write() as session:
        session.get_one(Node, site.id).time_zone = "Europe/Berlin"
    desk.bring_in(by_day(["security", "陈伟", "2026-03-29", "02:30-10:00"]))
    assert len(shifts(desk, site)) == 1
