"""The lists of problems of stickers in the console, and what a resident sees of them."""

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.web.conftest import client_of
from tests.web.stage import Stage
from tests.web.test_work import post
from web.pages.sticker_problems import ProblemsForm
from workflows import customers
from workflows.customers import Sticker

PUMP = "b1-pump-1"
FORM = {
    "version": "0",
    "about": "asset:pump",
    "code": ["", "water", ""],
    "place": ["2", "1", "3"],
    "name_en": ["It hums", "Water is leaking", ""],
    "name_zh": ["嗡嗡响", "漏水", ""],
    "kind": ["repair"] * 3,
    "priority": ["low", "high", "medium"],
    "team": ["maintenance"] * 3,
    "category": ["", "water", ""],
    "offered": ["yes", "yes", "yes"],
}


def sticker_of(stage: Stage) -> str:
    person = stage.person("Wei", "administrator")
    with stage.parts.database.write() as session:
        places = customers.places_to_label(session, stage.site_id, what="assets")
        now = stage.parts.clock.now()
        customers.make_stickers(session, places, stage.site_id, person=person, now=now)
        statement = select(Sticker.path).where(Sticker.asset_id == stage.assets[PUMP])
        return session.scalars(statement).one()


def test_a_list_is_kept_in_its_order_and_offered(stage: Stage, client: TestClient) -> None:
    guest = TestClient(stage.app, follow_redirects=False)
    path = sticker_of(stage)
    assert post(client, f"/sticker-problems/{stage.company_id}", **FORM) == 303
    listed = client.get(f"/sticker-problems?node={stage.site_id}").text
    assert "Water is leaking · It hums" in listed
    assert "Inherited from" in listed
    form = client.get(f"/sticker-problems/{stage.site_id}?about=asset:pump").text
    assert form.index("Water is leaking") < form.index("It hums")
    page = guest.get(f"/s/{path}").text
    assert page.index('value="water"') < page.index('value="it_hums"') < page.index('value="other"')
    retired = {**FORM, "code": ["it_hums", "water", ""], "offered": ["no", "yes", "yes"]}
    assert post(client, f"/sticker-problems/{stage.site_id}", **retired) == 303
    page = guest.get(f"/s/{path}").text
    assert 'value="it_hums"' not in page
    assert 'value="water"' in page


def test_what_moves_goes_before_or_behind_what_stands_there() -> None:
    def order(*places: str) -> list[str]:
        names = [f"p{number}" for number in range(1, len(places) + 1)]
        form = ProblemsForm(
            version=0,
            code=names,
            place=list(places),
            name_en=names,
            name_zh=[""] * 4,
            category=[""] * 4,
            offered=["yes"] * 4,
            kind=["repair"] * 4,
            priority=["low"] * 4,
            team=["service"] * 4,
        )
        return [one.code for one in form.draft().problems]

    assert order("1", "2", "3", "1") == ["p4", "p1", "p2", "p3"]
    assert order("3", "2", "3", "4") == ["p2", "p3", "p1", "p4"]
    assert order("", "x", "3", "4") == ["p1", "p2", "p3", "p4"]


def test_a_form_that_no_browser_sends_is_refused(stage: Stage, client: TestClient) -> None:
    """A place of thousands of digits, and hundreds of new problems that are called alike."""
    address = f"/sticker-problems/{stage.site_id}"
    assert post(client, address, **{**FORM, "place": ["9" * 5000, "1", "2"]}) == 303
    alike = {name: [column[0]] * 105 for name, column in FORM.items() if isinstance(column, list)}
    assert post(client, address, **{**FORM, **alike, "version": "1"}) == 422


def test_a_type_without_its_own_list_begins_with_the_general_one(
    stage: Stage, client: TestClient
) -> None:
    form = client.get(f"/sticker-problems/{stage.site_id}?about=asset:fan")
    assert form.status_code == 200
    assert "It does not work" in form.text
    assert client.get(f"/sticker-problems/{stage.site_id}?about=asset:rocket").status_code == 404


def test_a_wrong_or_stale_list_is_refused(stage: Stage, client: TestClient) -> None:
    address = f"/sticker-problems/{stage.site_id}"
    assert post(client, address, **{**FORM, "kind": ["party"] * 3}) == 422
    assert post(client, address, **FORM) == 303
    assert post(client, address, **FORM) == 412


def test_who_sets_up_no_service_changes_no_list(stage: Stage) -> None:
    technician = client_of(stage, "technician")
    assert technician.get("/sticker-problems").status_code == 403
    assert post(technician, f"/sticker-problems/{stage.site_id}", **FORM) in (403, 404)
