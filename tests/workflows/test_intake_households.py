"""Households from a spreadsheet: any spelling of a unit, findings by cell, undone by erasing."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import Database
from core.events import SYSTEM, Event
from core.homes import Home
from core.households import Contact, Details, Resident, change_resident, contacts_of, erase
from core.personal import ResidentKey
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.spreadsheets import Desk, found, open_workbook, reasons, saved, workbook
from workflows.intake.plan import Plan
from workflows.intake.reading import plan_of

SPACES = ["Code", "Name in Chinese", "Kind", "Inside"]
BUILDING = [
    SPACES,
    ["b3", "3号楼", "Building", None],
    ["b3-u2", "2单元", "Entrance", "b3"],
    ["flat-17", "1201室", "Unit", "b3-u2"],
]
HEAD = ["房号", "姓名", "电话", "身份", "入住日期", "搬离日期"]


@pytest.fixture
def desk(database: Database, administrator: Administrator, site: SmallSite) -> Desk:
    """The desk of somebody who may change everything, where flat 1201 stands."""
    desk = Desk(database, administrator.person_id)
    desk.bring_in({"Spaces": BUILDING})
    return desk


def households(*rows: list[Any]) -> dict[str, list[Any]]:
    return {"住户": [HEAD, *rows]}


def residents(desk: Desk) -> list[Contact]:
    with desk.database.read() as session:
        return contacts_of(session, list(session.scalars(select(Resident).order_by(Resident.id))))


def actions(plan: Plan) -> list[tuple[str, str]]:
    return [(item.kind, item.action) for item in plan.items]


@pytest.mark.parametrize(
    "unit", ["flat-17", "３栋２单元１２０１", "3-2-1201", "3号楼2单元1201室", "1201室"]
)
def test_a_unit_is_found_by_any_spelling(desk: Desk, unit: str) -> None:
    rows = households([unit, "赵磊", "138 0013 8000，0574-88001234", "租客", "2026年3月1日", None])
    desk.bring_in(rows)
    [zhao] = residents(desk)
    assert zhao.details == Details(
        "赵磊", ("13800138000", "057488001234"), "tenant", date(2026, 3, 1)
    )
    assert desk.plan(workbook(rows)).changes == []


def test_a_flat_and_who_lives_there_come_with_one_file(desk: Desk) -> None:
    spaces = [SPACES, ["4-1-101", "101室", "Unit", "b3"]]
    desk.bring_in({"Spaces": spaces, **households(["4-1-101", "钱伟", 13911112222])})
    [qian] = residents(desk)
    assert (qian.phones, qian.relation) == (("13911112222",), "owner")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_a_csv_is_read_in_utf_8_and_gbk(desk: Desk, encoding: str) -> None:
    text = "房号,姓名,电话,身份\n3-2-1201,赵磊,13800138000,业主\n"
    plan = desk.plan(text.encode(encoding), "住户.csv")
    assert (plan.faults, actions(plan)) == ([], [("resident", "create")])


def test_dates_of_excel_are_dates(desk: Desk) -> None:
    book = open_workbook(households(["flat-17", "赵磊", None, None, date(2026, 3, 1)]))
    import_id = desk.hand_in(saved(book))
    desk.apply(import_id)
    assert residents(desk)[0].since == date(2026, 3, 1)


def test_every_wrong_cell_is_told_at_once(desk: Desk) -> None:
    wrong = [
        ["9-9-999", "A", None, None, None, None],
        ["flat-17", "B", "call me", "cat", "soon", None],
        ["flat-17", "C", None, None, "2026-02-01", "2026-01-01"],
        ["flat-17", "D", ",".join(f"1380013800{n}" for n in range(6)), None, None, None],
        ["flat-17", "E", None, None, None, None],
        ["3-2-1201", "Ｅ", None, None, None, None],
        ["flat-17", None, None, None, None, None],
    ]
    plan = desk.plan(workbook(households(*wrong)))
    assert found(plan.faults) == [
        ("住户!A2", "unknown"),
        ("住户!C3", "phone"),
        ("住户!D3", "choice"),
        ("住户!E3", "day"),
        ("住户!F4", "until_first"),
        ("住户!C5", "many_phones"),
        ("住户!B7", "twice"),
        ("住户!B8", "missing"),
    ]


def test_a_spelling_that_means_two_units_is_refused(desk: Desk) -> None:
    desk.bring_in({"Spaces": [SPACES, ["x-1201", "1201室", "Unit", None]]})
    plan = desk.plan(workbook(households(["1201室", "赵磊"])))
    assert found(plan.faults) == [("住户!A2", "which_unit")]


def test_an_empty_cell_keeps_and_a_dash_empties(desk: Desk) -> None:
    desk.bring_in(households(["flat-17", "赵磊", "13800138000", "租户", "2026-03-01", None]))
    desk.bring_in(households(["flat-17", "赵磊", "-", None, "-", "2026-12-31"]))
    [zhao] = residents(desk)
    assert zhao.details == Details("赵磊", (), "tenant", None, date(2026, 12, 31))


def test_undoing_erases_who_is_new_and_gives_the_others_their_details_back(desk: Desk) -> None:
    desk.bring_in(households(["flat-17", "赵磊", "13800138000"]))
    second = desk.bring_in(
        households(["flat-17", "赵磊", "13900139000"], ["flat-17", "钱伟", "13911112222"])
    )
    assert desk.undo(second) == []
    [zhao] = residents(desk)
    assert (zhao.name, zhao.phones) == ("赵磊", ("13800138000",))
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ResidentKey)) == 1


def test_who_was_changed_since_stays(desk: Desk) -> None:
    import_id = desk.bring_in(households(["flat-17", "赵磊"], ["flat-17", "钱伟"]))
    with desk.database.write() as session:
        first, second = session.scalars(select(Resident).order_by(Resident.id))
        change_resident(session, first, Details("赵磊", ("13800138000",)), actor=SYSTEM, now=NOON)
        erase(session, [second], actor=SYSTEM, now=NOON)
    kept = desk.undo(import_id)
    assert reasons(kept) == [("resident", "changed", ""), ("resident", "gone", "")]


def test_who_has_an_account_since_stays(desk: Desk, site: SmallSite) -> None:
    """Undoing takes back what nobody uses; a home that somebody signs in to is used."""
    import_id = desk.bring_in(households(["flat-17", "赵磊"]))
    zhao = employ(desk.database, site.id, "resident")
    with desk.database.write() as session:
        row = session.scalars(select(Resident)).one()
        home = {"resident_id": row.id, "site_id": site.id, "space_id": row.space_id}
        session.add(Home(person_id=zhao, made_at=NOON, **home))
    assert reasons(desk.undo(import_id)) == [("resident", "used", "home")]
    assert [one.name for one in residents(desk)] == ["赵磊"]


def test_nothing_that_is_personal_stands_in_the_import_or_the_log(desk: Desk) -> None:
    import_id = desk.bring_in(households(["flat-17", "赵磊", "13800138000"]))
    row = desk.row(import_id)
    with desk.database.read() as session:
        facts = [(e.before, e.after) for e in session.scalars(select(Event))]
        assert "13800138000" not in str((row.plan, row.preview, facts))
        assert "赵磊" not in str((row.plan, facts))
        assert plan_of(session, row).items[-1].label.endswith("赵磊")
    with desk.database.write() as session:
        erase(session, list(session.scalars(select(Resident))), actor=SYSTEM, now=NOON)
    with desk.database.read() as session:
        assert "赵磊" not in str(plan_of(session, desk.row(import_id)).items)


def test_who_may_not_change_households_brings_none_in(desk: Desk, site: SmallSite) -> None:
    guard = Desk(desk.database, employ(desk.database, site.id, "guard"))
    plan = guard.plan(workbook(households(["flat-17", "赵磊"])))
    assert [code for _, code in found(plan.faults)] == ["no_right"]
    clerk = Desk(desk.database, employ(desk.database, site.id, "service_desk"))
    assert actions(clerk.plan(workbook(households(["flat-17", "赵磊"])))) == [
        ("resident", "create")
    ]
