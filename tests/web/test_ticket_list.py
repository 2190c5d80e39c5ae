"""Tickets in the console: the list, its filters and its table, and opening one by hand."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from api.deps import SESSION_COOKIE, csrf_token
from core.ids import new_id
from tests.pictures import photo
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage
from web.pages import ticket_list
from workflows.tickets import Ticket
from workflows.tickets.categories import CategoryRow

PUMP = "b1-pump-1"


def numbers(client: TestClient, address: str) -> list[int]:
    page = client.get(address)
    assert page.status_code == 200, page.text
    return [int(found) for found in re.findall(r'class="number">#(\d+)<', page.text)]


def post(client: TestClient, address: str, **fields: str) -> str:
    """Send the form of a new ticket; returns where it leads."""
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "id": str(new_id()), **fields}
    answer = client.post(address, data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def opened(stage: Stage, client: TestClient, title: str, **fields: str) -> int:
    asset = stage.assets[PUMP]
    where = post(client, f"/new-ticket?asset={asset}", title=title, **fields)
    return int(where.rsplit("/", 1)[1])


def change(stage: Stage, number: int, **values: object) -> None:
    with stage.parts.database.write() as session:
        session.execute(update(Ticket).where(Ticket.number == number).values(**values))


def test_each_view_shows_what_it_says(stage: Stage) -> None:
    person = stage.person("Wei Chen", "supervisor")
    client = signed_in(stage, stage.secret(person, "session"))
    mine, late, other, done, ended = (
        opened(stage, client, title) for title in ("Mine", "Late", "Other", "Done", "Ended")
    )
    now = stage.parts.clock.now()
    change(stage, mine, state="assigned", assignee_id=person)
    change(stage, late, respond_due=now - timedelta(minutes=1))
    change(stage, done, state="resolved", resolved_at=now, respond_due=now - timedelta(hours=1))
    change(stage, ended, state="closed", ended_at=now)
    assert numbers(client, "/tickets?view=mine") == [mine]
    assert numbers(client, "/tickets?view=late") == [late]
    assert numbers(client, "/tickets?view=check") == [done]
    assert numbers(client, "/tickets?view=ended") == [ended]
    assert set(numbers(client, "/tickets")) == {mine, late, other, done}
    assert set(numbers(client, "/tickets?view=all")) == {mine, late, other, done, ended}


def test_what_is_due_first_comes_first_and_what_rests_last(stage: Stage) -> None:
    client = client_of(stage)
    later, sooner, held = (opened(stage, client, title) for title in ("a", "b", "c"))
    now = stage.parts.clock.now()
    change(stage, later, respond_due=now + timedelta(hours=2))
    change(stage, sooner, respond_due=now + timedelta(hours=1))
    change(stage, held, state="on_hold", respond_due=now)
    danger = opened(stage, client, "d")
    change(stage, danger, life_safety=True)
    assert numbers(client, "/tickets") == [danger, sooner, later, held]


def test_filters_narrow_the_list_and_can_be_cleared(stage: Stage) -> None:
    client = client_of(stage)
    lamp = opened(stage, client, "走廊 lamp", kind="complaint", priority="low")
    opened(stage, client, "Door", kind="repair", priority="high")
    assert numbers(client, "/tickets?kind=complaint") == [lamp]
    assert numbers(client, "/tickets?priority=low") == [lamp]
    assert numbers(client, "/tickets?q=廊") == [lamp]
    assert numbers(client, f"/tickets?site={stage.other_site_id}") == []
    nothing = client.get("/tickets?kind=inquiry").text
    assert "No ticket fits these filters" in nothing
    assert 'href="/tickets?view=open"' in nothing


def test_more_than_a_page_is_leafed_through(stage: Stage) -> None:
    client = client_of(stage)
    all_of_them = [opened(stage, client, f"Ticket {number}") for number in range(53)]
    first = client.get("/tickets?view=all&q=Ticket")
    following = re.search(r'href="(/tickets\?[^"]*skip=50[^"]*)"', first.text)
    assert following is not None
    address = following[1].replace("&amp;", "&")
    shown = numbers(client, "/tickets?view=all&q=Ticket") + numbers(client, address)
    assert sorted(shown) == all_of_them
    assert not re.search(r'href="/tickets\?[^"]*skip=', client.get(address).text)


@pytest.mark.parametrize("query", ["view=secret", "kind=x", "priority=x", "site=x", "skip=-1"])
def test_a_list_that_no_form_of_ours_asks_for_is_refused(stage: Stage, query: str) -> None:
    assert client_of(stage).get(f"/tickets?{query}").status_code == 422


@pytest.mark.parametrize("since", ["0001-01-01T00:00%2B14:00", "9999-12-31T23:59-14:00", "soon"])
def test_changes_since_a_moment_that_no_calendar_has_are_refused(stage: Stage, since: str) -> None:
    assert client_of(stage).get(f"/tickets/changes?since={since}").status_code == 422


@pytest.mark.parametrize("number", [2**31, 2**63, 10**40, -1])
def test_a_number_that_no_ticket_can_have_is_no_ticket(stage: Stage, number: int) -> None:
    client = client_of(stage)
    assert client.get(f"/tickets/{number}").status_code == 404
    assert client.get(f"/tickets/{number}/colleagues").status_code == 404


def sheet(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return "".join(
            book.read(name).decode()
            for name in book.namelist()
            if name.startswith(("xl/sharedStrings", "xl/worksheets/sheet"))
        )


@pytest.mark.parametrize(("language", "head"), [("en", "Priority"), ("zh", "优先级")])
def test_the_table_says_what_the_list_shows(stage: Stage, language: str, head: str) -> None:
    client = client_of(stage, locale=language)
    opened(stage, client, "Door squeaks", kind="complaint")
    opened(stage, client, "Another")
    answer = client.get("/tickets.xlsx?view=all&q=squeaks")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert "attachment" in answer.headers["content-disposition"]
    text = sheet(answer.content)
    assert "Door squeaks" in text
    assert "Another" not in text
    assert head in text


def test_a_table_that_does_not_hold_all_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(stage)
    opened(stage, client, "Door squeaks")
    monkeypatch.setattr(ticket_list, "LARGEST_TABLE", 1)
    assert "first 1 only" not in sheet(client.get("/tickets.xlsx?view=all").content)
    opened(stage, client, "Another")
    assert "first 1 only" in sheet(client.get("/tickets.xlsx?view=all").content)


@pytest.mark.parametrize(
    ("language", "shipped", "own"), [("en", "Electrical", "Pool"), ("zh", "电气", "泳池")]
)
def test_the_table_names_categories_in_the_readers_language(
    stage: Stage, language: str, shipped: str, own: str
) -> None:
    client = client_of(stage, locale=language)
    with stage.parts.database.write() as session:
        session.add(
            CategoryRow(
                node_id=stage.site_id,
                code="pool-7",
                name={"en": "Pool", "zh": "泳池"},
                kinds=[],
                retired=False,
                version=1,
            )
        )
    one, two, gone = (
        opened(stage, client, title, category=code)
        for title, code in (("Sparks", "electrical"), ("Green water", "pool-7"), ("Old", ""))
    )
    assert {one, two}.isdisjoint({gone})
    change(stage, gone, category="abolished")
    text = sheet(client.get("/tickets.xlsx?view=all").content)
    assert shipped in text
    assert own in text
    assert "pool-7" not in text
    assert "abolished" in text


def test_a_title_is_never_a_formula_in_the_table(stage: Stage) -> None:
    client = client_of(stage)
    opened(stage, client, '=HYPERLINK("http://evil.example","x")')
    text = sheet(client.get("/tickets.xlsx").content)
    assert "<f>" not in text
    assert "HYPERLINK" in text


def test_a_stranger_finds_no_ticket_of_ours_in_list_or_table(stage: Stage) -> None:
    opened(stage, client_of(stage), "Door squeaks")
    person = stage.person("Stranger", "manager", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    assert numbers(stranger, "/tickets?view=all") == []
    assert "squeaks" not in sheet(stranger.get("/tickets.xlsx?view=all").content)
    assert numbers(stranger, f"/tickets?site={stage.site_id}") == []


def test_a_ticket_is_opened_from_the_search_of_its_place(stage: Stage) -> None:
    client = client_of(stage, "guard")
    found = client.get("/new-ticket?q=b1-pump-1").text
    link = re.search(r'href="(/new-ticket\?asset=[^"]+)"', found)
    assert link is not None
    where = post(client, link[1], title="It  rattles", description="Since noon", priority="high")
    page = client.get(where).text
    assert "It rattles" in page
    assert "Since noon" in page
    ticket = stage.ticket(int(where.rsplit("/", 1)[1]))
    assert (ticket.asset_id, ticket.priority) == (stage.assets[PUMP], "high")
    # Nobody named a promise, so that of the priority holds.
    assert ticket.respond_due == ticket.learned_at + timedelta(minutes=30)


def test_what_is_open_there_is_shown_before_a_second_one_is_opened(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage)
    with_one = client.get(f"/new-ticket?asset={stage.assets[PUMP]}").text
    assert f'href="/tickets/{number}"' in with_one
    assert "Yours will be the first" in client.get(f"/new-ticket?site={stage.site_id}").text


def test_a_form_sent_twice_opens_one_ticket(stage: Stage) -> None:
    client = client_of(stage)
    form = {"title": "It drips", "id": str(new_id())}
    address = f"/new-ticket?site={stage.site_id}"
    assert post(client, address, **form) == post(client, address, **form)
    assert len(numbers(client, "/tickets")) == 1


@pytest.mark.parametrize(
    "wrong", [{"title": " "}, {"title": "x" * 201}, {"kind": "magic"}, {"priority": "x"}]
)
def test_a_form_that_says_too_little_opens_nothing(stage: Stage, wrong: dict[str, str]) -> None:
    client = client_of(stage)
    fields = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "id": str(new_id())}
    answer = client.post(
        f"/new-ticket?site={stage.site_id}", data={**fields, "title": "It drips", **wrong}
    )
    assert answer.status_code == 422
    assert numbers(client, "/tickets") == []


def test_nobody_opens_a_ticket_where_they_have_no_right(stage: Stage) -> None:
    person = stage.person("Stranger", "manager", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    for place in (f"asset={stage.assets[PUMP]}", f"site={stage.site_id}"):
        assert stranger.get(f"/new-ticket?{place}").status_code == 404
    assert client_of(stage, "auditor").get("/new-ticket").status_code == 403


def test_who_works_in_the_field_lands_on_their_own_tickets(stage: Stage) -> None:
    assert 'href="/tickets?view=mine"' in client_of(stage, "technician").get("/").text
    assert 'href="/tickets"' in client_of(stage, "service_desk").get("/").text


def test_the_search_page_leads_to_what_it_found(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage)
    assert f'href="/tickets/{number}"' in client.get(f"/search?q={number}").text
    assert f'href="/tickets/{number}"' in client.get("/search?q=OVERHEAT").text
    assert f'href="/tickets/{number}"' in client.get("/search?q=过热").text
    assert f'href="/assets/{stage.assets[PUMP]}"' in client.get("/search?q=b1-pump").text
    assert "Nothing that you may see fits" in client.get("/search?q=zzzz").text
    assert client.get("/search?q=" + "x" * 101).status_code == 422


def working(stage: Stage, client: TestClient, number: int, action: str, **fields: str) -> str:
    """Press a button on the page of a ticket; returns the page that follows."""
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "version": str(stage.ticket(number).version),
        **fields,
    }
    answer = client.post(f"/tickets/{number}/{action}", data=form)
    assert answer.status_code == 303, answer.text
    return client.get(f"/tickets/{number}").text


def test_one_tap_says_what_it_was_and_somebody_else_verifies(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    doer, checker = client_of(stage, "supervisor"), client_of(stage, "supervisor")
    page = working(stage, doer, number, "start")
    assert 'name="verdict" value="real"' in page
    assert 'name="verdict" value="false:cooking"' in page
    resolved = working(stage, doer, number, "resolve", verdict="false:cooking")
    assert "False alarm (Cooking)" in resolved
    assert f"/tickets/{number}/verify" not in resolved
    assert f"/tickets/{number}/verify" in checker.get(f"/tickets/{number}").text
    verified = working(stage, checker, number, "verify")
    assert "by somebody who did not do the work" in verified


def test_the_doer_verifies_once_the_sensor_has_recovered(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    doer = client_of(stage, "supervisor")
    working(stage, doer, number, "start")
    working(stage, doer, number, "resolve", verdict="real")
    stage.clear(PUMP, OVERHEATING)
    page = doer.get(f"/tickets/{number}").text
    assert "that verifies the repair" in page
    assert f"/tickets/{number}/verify" in page
    assert "by the sensor" in working(stage, doer, number, "verify")


def test_a_ticket_is_handed_to_a_person_by_name(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    technician = stage.person("Ding Li", "technician", node=stage.site_id)
    stage.person("Far Away", "technician", node=stage.other_site_id)
    desk = client_of(stage, "service_desk")
    page = desk.get(f"/tickets/{number}").text
    assert f'value="{technician}"' in page
    assert "Far Away" not in page
    after = working(stage, desk, number, "assign", team="maintenance", assignee=str(technician))
    assert "Ding Li" in after
    theirs = signed_in(stage, stage.secret(technician, "session"))
    assert numbers(theirs, "/tickets?view=mine") == [number]


def test_a_photo_is_added_and_shown_on_the_page(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, "technician")
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    files = [("photo", ("one.jpg", photo(), "image/jpeg"))]
    files += [("photo", ("two.jpg", photo(colour="blue"), "image/jpeg"))]
    answer = client.post(f"/tickets/{number}/photos", data=form, files=files)
    assert answer.status_code == 303
    page = client.get(f"/tickets/{number}").text
    addresses = re.findall(r'<img src="(/photos/[^"]+)"', page)
    assert len(addresses) == 2
    shown = client.get(addresses[0])
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"Secretphone" not in shown.content
    assert "/original" not in page
    assert client.get(f"{addresses[0]}/original").status_code == 403
    witness = client_of(stage, "safety_officer")
    assert f"{addresses[0]}/original" in witness.get(f"/tickets/{number}").text
    assert b"Secretphone" in witness.get(f"{addresses[0]}/original").content


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_file_that_is_no_photo_is_refused_with_advice(stage: Stage, content: bytes) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, "technician")
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    files = {"photo": ("x.jpg", content, "image/jpeg")}
    answer = client.post(f"/tickets/{number}/photos", data=form, files=files)
    assert answer.status_code == 422
    assert "photo: " in answer.text
