"""Households in the console: who lives in a space, and a caller's number that fills the place."""

import re
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import select

from core.households import Resident, contacts_of
from core.places import Space
from tests.web.conftest import client_of
from tests.web.markup import read
from tests.web.stage import Stage

ZHAO = {"name": "赵磊", "phones": "138 0013 8000，0574 88001234", "relation": "tenant"}


def a_space(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        return session.scalars(select(Space.id).order_by(Space.code)).first() or UUID(int=0)


def send(client: TestClient, page: str, address: str, fields: dict[str, str]) -> int:
    csrf = str(read(client.get(page).text).forms[-1]["csrf"])
    return client.post(address, data={**fields, "csrf": csrf}).status_code


def resident_of(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        return session.scalars(select(Resident.id)).one()


def test_somebody_moves_in_is_changed_moves_out_and_is_erased(stage: Stage) -> None:
    client = client_of(stage, "service_desk")
    page = f"/spaces/{a_space(stage)}"
    assert "Nobody is entered." in client.get(page).text
    assert send(client, page, f"{page}/household", ZHAO) == 303
    shown = client.get(page).text
    assert "赵磊" in shown
    assert 'href="tel:13800138000"' in shown
    one = f"/residents/{resident_of(stage)}"
    changed = {**ZHAO, "relation": "owner", "since": "2026-01-01"}
    assert send(client, f"{page}?change={resident_of(stage)}", one, changed) == 303
    assert "since 2026-01-01" in client.get(page).text
    assert send(client, page, f"{one}/move-out", {}) == 303
    assert "Moved out" in client.get(page).text
    assert send(client, page, f"{one}/erase", {}) == 422
    assert send(client, page, f"{one}/erase", {"sure": "yes"}) == 303
    assert "赵磊" not in client.get(page).text


def test_what_is_wrong_is_told_and_nothing_is_kept(stage: Stage) -> None:
    client = client_of(stage, "service_desk")
    page = f"/spaces/{a_space(stage)}"
    for wrong in ({"phones": "call me"}, {"since": "yesterday"}, {"name": ""}):
        assert send(client, page, f"{page}/household", {**ZHAO, **wrong}) == 422
    with stage.parts.database.read() as session:
        assert contacts_of(session, list(session.scalars(select(Resident)))) == []


def test_a_callers_number_finds_the_household_and_fills_the_place(stage: Stage) -> None:
    desk = client_of(stage, "service_desk")
    space = a_space(stage)
    assert send(desk, f"/spaces/{space}", f"/spaces/{space}/household", ZHAO) == 303
    found = desk.get("/new-ticket?q=13800138000").text
    assert f"/new-ticket?space={space}" in found
    assert "赵磊" in desk.get(f"/new-ticket?space={space}").text
    assert f"/spaces/{space}" in desk.get("/search?q=8800").text


def test_a_technician_sees_names_with_masked_numbers_and_changes_nothing(stage: Stage) -> None:
    desk, technician = client_of(stage, "service_desk"), client_of(stage, "technician")
    page = f"/spaces/{a_space(stage)}"
    assert send(desk, page, f"{page}/household", ZHAO) == 303
    shown = technician.get(page).text
    assert "138****8000" in shown
    assert "13800138000" not in shown
    assert "Add somebody" not in shown
    # What they typed stands in the field and in the links to the other language, and nowhere else.
    typed = re.compile(r'value="13800138000"|[?]q=13800138000&amp;lang=')
    assert "13800138000" not in typed.sub("", technician.get("/search?q=13800138000").text)
    assert "赵磊" not in client_of(stage, "auditor").get(page).text


def test_the_page_speaks_chinese(stage: Stage) -> None:
    client = client_of(stage, "service_desk", locale="zh")
    shown = client.get(f"/spaces/{a_space(stage)}").text
    assert "尚未登记住户。" in shown
