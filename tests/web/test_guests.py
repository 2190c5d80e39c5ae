"""People without an account: what opens a page, what a tap does, and what nobody sees there."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pypdfium2
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from api.directory import routes_of
from core import events
from core.ids import new_id
from core.papers import ON_A_SHEET
from tests.pictures import photo
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage
from web.guests import GUEST_COOKIE
from web.page_route import HEADERS, GuestRoute
from workflows import customers
from workflows.customers import ResidentReport, Sticker
from workflows.tickets import Step, Ticket, act, contractors
from workflows.tickets.contractors import Contact, ContractorLink, Job
from workflows.tickets.model import TicketPhoto

PUMP = "b1-pump-1"


def put_up(stage: Stage, code: str = PUMP) -> Sticker:
    """The sticker of an asset."""
    person = stage.person("Wu Min", "manager", node=stage.site_id)
    with stage.parts.database.write() as session:
        places = customers.places_to_label(session, stage.site_id, what="assets")
        chosen = [place for place in places if place.code == code]
        now = stage.parts.clock.now()
        customers.make_stickers(session, chosen, stage.site_id, person=person, now=now)
        return session.scalars(select(Sticker).where(Sticker.asset_id == chosen[0].id)).one()


def offered(stage: Stage, number: int, **changes: object) -> str:
    """A ticket offered to a contractor; returns the secret of the link."""
    person = stage.person("Wu Min", "manager", node=stage.site_id)
    values = {"contacts": [Contact("Pumps Ltd", "Wang Qiang", "0574 8800")], "task": "Repair it"}
    with stage.parts.database.write() as session:
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        job = Job(**{**values, **changes})  # type: ignore[arg-type]
        now = stage.parts.clock.now()
        return contractors.offer(session, ticket, job, person=person, now=now)[0][1]


def guest(stage: Stage, language: str = "en") -> TestClient:
    """A browser without scripts, of somebody without an account."""
    client = TestClient(stage.app, follow_redirects=False)
    client.headers.update({"accept": "text/html", "accept-language": language})
    return client


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the first form on a page, and of the whole page the token."""
    return dict(re.findall(r'<input type="hidden" name="(csrf|secret)" value="([^"]+)"', page))


def report(stage: Stage, client: TestClient, sticker: Sticker, **fields: str) -> str:
    """Report something by a sticker; returns the address of the progress page."""
    form = form_of(client.get(f"/s/{sticker.path}").text)
    answer = client.post(f"/s/{sticker.path}", data={**form, "problem": "noise", **fields})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def reports(stage: Stage) -> list[ResidentReport]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(ResidentReport)))


def guest_routes(stage: Stage) -> Iterator[tuple[str, str]]:
    """Method and path of everything that anybody may open."""
    for route in routes_of(stage.app.routes):
        if isinstance(route, GuestRoute):
            for method in sorted(route.methods or ()):
                yield method, route.path


def test_without_its_secret_every_page_for_guests_is_closed(stage: Stage) -> None:
    client = guest(stage)
    form = form_of(client.get("/s").text)
    before = events.newest(stage.parts.database)
    walked = 0
    for method, path in guest_routes(stage):
        if "{" not in path:
            continue
        address = re.sub(r"{\w+}", "wkr_" + "x" * 43, path)
        answer = client.request(method, address, data=form if method == "POST" else None)
        assert answer.status_code == 404, (method, path, answer.text)
        assert "does not hold any more" in answer.text
        walked += 1
    assert walked >= 10
    assert events.newest(stage.parts.database) == before


def test_no_tap_counts_that_does_not_come_from_our_own_page(stage: Stage) -> None:
    sticker = put_up(stage)
    number = stage.trip(PUMP, OVERHEATING)
    progress = report(stage, guest(stage), sticker)
    secret = offered(stage, number)
    before = events.newest(stage.parts.database)
    stranger = guest(stage)
    for method, path in guest_routes(stage):
        if method == "POST":
            address = path.replace("{path}", sticker.path)
            kind = progress.rpartition("/")[2] if path.startswith("/p/") else secret
            address = address.replace("{secret}", kind)
            for form in ({}, {"csrf": "0" * 64}):
                answer = stranger.post(address, data=form)
                assert answer.status_code == 403, (address, answer.text)
        stranger.cookies.set(GUEST_COOKIE, "somebody")
    assert events.newest(stage.parts.database) == before


def test_opening_a_link_changes_nothing(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    progress = report(stage, client, sticker)
    secret = offered(stage, stage.trip(PUMP, OVERHEATING))
    before = events.newest(stage.parts.database)
    for address in ("/s", f"/s/{sticker.path}", progress, f"/c/{secret}"):
        for _ in range(2):
            answer = client.get(address)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert events.newest(stage.parts.database) == before
    with stage.parts.database.read() as session:
        assert session.scalars(select(ContractorLink.state)).all() == ["offered"]


def test_public_pages_show_nothing_about_people(stage: Stage) -> None:
    sticker = put_up(stage)
    first, second = guest(stage), guest(stage)
    own = report(
        stage, first, sticker, phone="138 0013 8000", words="Mrs. Li saw it", problem="other"
    )
    [row] = reports(stage)
    joined = report(stage, second, sticker, join=str(row.ticket_id))
    with stage.parts.database.read() as session:
        number = session.get_one(Ticket, row.ticket_id).number
    boss = client_of(stage, "supervisor")
    page = boss.get(f"/tickets/{number}").text
    boss.post(
        f"/tickets/{number}/notes",
        data={**form_of(page), "body": "Guard Zhao looks", "public": ""},
    )
    boss.post(
        f"/tickets/{number}/notes",
        data={**form_of(page), "body": "The part comes Friday", "public": "yes"},
    )
    secret = offered(stage, number)
    for client, address in (
        (second, f"/s/{sticker.path}"),
        (second, joined),
        (second, f"/c/{secret}"),
        (first, own),
    ):
        text = client.get(address).text
        phones = ("13800138000", "138 0013 8000", "0574 8800")
        for person in (*phones, "Zhao", "Wu Min", "Wei Chen", "Wang Qiang"):
            assert person not in text, address
        assert ("Mrs. Li" in text) == (address == own)
        assert ("The part comes Friday" in text) == (address in (own, joined))


def test_two_taps_report_once(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    form = form_of(client.get(f"/s/{sticker.path}").text)
    data = {**form, "problem": "noise"}
    answers = [client.post(f"/s/{sticker.path}", data=data) for _ in range(3)]
    assert {answer.headers["location"] for answer in answers} == {f"/p/{form['secret']}"}
    assert len(reports(stage)) == 1


def test_what_is_wrong_with_a_report_is_said_in_the_readers_language(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage, "zh-CN")
    form = form_of(client.get(f"/s/{sticker.path}").text)
    for fields, said in (
        ({"problem": "no-such"}, "请选择问题类型。"),
        ({"problem": "other", "words": " "}, "请说明问题"),
        ({"problem": "noise", "phone": "call me"}, "电话请填写数字"),
        ({"problem": "noise", "website": "https://spam.example"}, "请勿填写隐藏的字段。"),
        # PostgreSQL keeps no such text.
        ({"problem": "noise", "words": "It dr\0ips"}, "请说明问题"),
    ):
        answer = client.post(f"/s/{sticker.path}", data={**form, **fields})
        assert answer.status_code == 422
        assert said in answer.text
    files = [("photo", ("a.jpg", photo(40, 30, colour=name), "image/jpeg")) for name in COLOURS]
    answer = client.post(f"/s/{sticker.path}", data={**form, "problem": "noise"}, files=files)
    assert answer.status_code == 422
    answer = client.post(
        f"/s/{sticker.path}",
        data={**form, "problem": "noise"},
        files=[("photo", ("a.jpg", b"no picture", "image/jpeg"))],
    )
    assert answer.status_code == 422
    assert "JPEG" in answer.text
    assert reports(stage) == []


COLOURS = ("red", "green", "blue", "white")


def test_photos_of_a_report_are_on_the_ticket_for_ours_only(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    form = form_of(client.get(f"/s/{sticker.path}").text)
    answer = client.post(
        f"/s/{sticker.path}",
        data={**form, "problem": "noise"},
        files=[("photo", ("a.jpg", photo(40, 30), "image/jpeg"))],
    )
    assert answer.status_code == 303
    with stage.parts.database.read() as session:
        taken = session.scalars(select(TicketPhoto)).one()
    assert (taken.author_id, taken.author_kind) == (None, "resident")
    assert client.get(f"/photos/{taken.id}").headers["location"] == "/sign-in"
    assert client_of(stage).get(f"/photos/{taken.id}").status_code == 200


def test_one_place_is_not_reported_too_often_from_one_address(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    for _ in range(6):
        report(stage, client, sticker)
    form = form_of(client.get(f"/s/{sticker.path}").text)
    answer = client.post(f"/s/{sticker.path}", data={**form, "problem": "noise"})
    assert answer.status_code == 429
    assert len(reports(stage)) == 6
    other = put_up(stage, "b1-pump-2")
    report(stage, client, other)


def test_codes_are_not_guessed(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    form = form_of(client.get("/s").text)
    found = client.post("/s", data={**form, "code": sticker.code.lower()})
    assert found.headers["location"] == f"/s/{sticker.path}"
    answers = [client.post("/s", data={**form, "code": "AA-AAAA"}) for _ in range(30)]
    assert [answer.status_code for answer in answers] == [404] * 29 + [429]


def test_a_colleague_who_scans_comes_to_the_asset_and_opens_a_ticket_there(stage: Stage) -> None:
    sticker = put_up(stage)
    answer = client_of(stage, "technician").get(f"/s/{sticker.path}")
    assert answer.headers["location"] == f"/assets/{stage.assets[PUMP]}"
    assert (
        f"/new-ticket?asset={stage.assets[PUMP]}"
        in client_of(stage).get(answer.headers["location"]).text
    )
    stranger = stage.person("Stranger", "manager", node=stage.other_site_id)
    client = signed_in(stage, stage.secret(stranger, "session"))
    assert client.get(f"/s/{sticker.path}").status_code == 200
    client.cookies.set(SESSION_COOKIE, "wks_ended")
    assert client.get(f"/s/{sticker.path}").status_code == 200


def test_a_revoked_sticker_and_a_revoked_report_lead_nowhere(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    progress = report(stage, client, sticker)
    [row] = reports(stage)
    boss = client_of(stage)
    token = form_of(boss.get("/account").text)
    assert boss.post(f"/stickers/{sticker.id}/revoke", data=token).status_code == 303
    assert boss.post(f"/resident-reports/{row.id}/revoke", data=token).status_code == 303
    for address in (f"/s/{sticker.path}", progress):
        assert client.get(address).status_code == 404
    guard = client_of(stage, "guard")
    token = form_of(guard.get("/account").text)
    assert guard.post(f"/stickers/{sticker.id}/revoke", data=token).status_code == 403


def test_a_contractor_declines_and_the_link_can_be_taken_back(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    contacts = [Contact(name, "Wang", "0574 8800") for name in ("One", "Two")]
    secret = offered(stage, number, contacts=contacts, urgent=True)
    client = guest(stage)
    form = form_of(client.get(f"/c/{secret}").text)
    assert client.post(f"/c/{secret}/done", data={**form, "report": "x"}).status_code == 409
    assert client.post(f"/c/{secret}/decline", data=form).status_code == 422
    answer = client.post(f"/c/{secret}/decline", data={**form, "reason": "No part"})
    assert answer.headers["location"] == f"/c/{secret}"
    assert "declined" in client.get(f"/c/{secret}").text
    with stage.parts.database.read() as session:
        links = session.scalars(select(ContractorLink).order_by(ContractorLink.rank)).all()
    assert [link.state for link in links] == ["declined", "offered"]
    desk = client_of(stage, "service_desk")
    page = desk.get(f"/tickets/{number}").text
    assert "No part" in page
    assert "Declined" in page
    answer = desk.post(f"/contractor-links/{links[1].id}/revoke", data=form_of(page))
    assert answer.headers["location"] == f"/tickets/{number}"
    guard = client_of(stage, "guard")
    assert guard.get(f"/tickets/{number}/contractor").status_code == 403


def test_a_link_says_that_the_job_is_in_other_hands_and_changes_nothing(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    secret = offered(stage, number)
    client = guest(stage)
    form = form_of(client.get(f"/c/{secret}").text)
    client.post(f"/c/{secret}/accept", data=form)
    desk = stage.person("Wu Min", "manager", node=stage.site_id)
    with stage.parts.database.write() as session:
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        act(session, ticket, Step("accept"), person=desk, now=stage.parts.clock.now())
    before = events.newest(stage.parts.database)
    for step in ("arrive", "used", "decline", "done"):
        answer = client.post(f"/c/{secret}/{step}", data={**form, "reason": "x", "hours": "1"})
        assert answer.headers["location"] == f"/c/{secret}", step
    for language, told in (("en", "in other hands now"), ("zh", "已由他人接手")):
        page = guest(stage, language).get(f"/c/{secret}").text
        assert told in page
        assert f"/c/{secret}/" not in page
    assert events.newest(stage.parts.database) == before


def test_a_contractor_without_an_account_writes_down_what_was_used(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    secret = offered(stage, number)
    client = guest(stage)
    form = form_of(client.get(f"/c/{secret}").text)
    used = {**form, "part": "Bearing", "quantity": "2", "price": "62.25"}
    # Not before they accepted, and not by a form of anybody else.
    assert client.post(f"/c/{secret}/used", data=used).status_code == 409
    client.post(f"/c/{secret}/accept", data=form)
    assert guest(stage).post(f"/c/{secret}/used", data=used).status_code == 403
    refused = client.post(f"/c/{secret}/used?lang=zh", data={**used, "price": "cheap"})
    assert refused.status_code == 422
    assert "12.50" in refused.text
    page = client.get(f"/c/{secret}").text
    [own] = re.findall(r'<input type="hidden" name="form" value="([^"]+)"', page)
    for _ in range(2):
        # A double tap, or once more after a lost answer.
        answer = client.post(f"/c/{secret}/used", data={**used, "form": own})
        assert answer.status_code == 303
    assert "124.50" in client.get(f"/c/{secret}").text
    page = client_of(stage, "service_desk").get(f"/tickets/{number}").text
    assert "Claimed, not decided: 124.50" in page
    # They take it away again while nobody has decided it.
    [line] = re.findall(rf"/c/{secret}/used/[\w-]+/remove", client.get(f"/c/{secret}").text)
    assert client.post(line, data=form).status_code == 303
    assert "124.50" not in client.get(f"/c/{secret}").text


def test_the_offer_names_every_wrong_field_and_shows_its_links_once(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    desk = client_of(stage, "service_desk")
    token = form_of(desk.get(f"/tickets/{number}/contractor").text)
    wrong = desk.post(f"/tickets/{number}/contractor", data={**token, "company": "X"})
    assert wrong.status_code == 422
    data = {
        **token,
        "company": ["Pumps Ltd", "", ""],
        "name": ["Wang", "", ""],
        "phone": ["0574 8800", "", ""],
        "task": "Repair it",
        "urgent": "yes",
        "minutes": "30",
        "days": "2",
    }
    made = desk.post(f"/tickets/{number}/contractor", data=data)
    assert made.status_code == 200
    assert len(re.findall(r"/c/wkc_[\w-]{43}", made.text)) == 1
    assert desk.post(f"/tickets/{number}/contractor", data=data).status_code == 409
    assert "Hand to a contractor" not in desk.get(f"/tickets/{number}").text


def test_the_alarm_of_a_ticket_that_is_handed_out_is_acknowledged(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    desk = client_of(stage, "service_desk")
    token = form_of(desk.get(f"/tickets/{number}/contractor").text)
    line = {"company": "Pumps Ltd", "name": "Wang", "phone": "0574 8800", "task": "Repair it"}
    desk.post(f"/tickets/{number}/contractor", data={**token, **line})
    with stage.parts.database.read() as session:
        kinds = session.scalars(select(events.Event.kind)).all()
    assert "alarm.acknowledge" in kinds


def test_the_doer_of_ours_does_not_rate_from_the_residents_link(stage: Stage) -> None:
    sticker = put_up(stage)
    client = guest(stage)
    progress = report(stage, client, sticker)
    [row] = reports(stage)
    doer = client_of(stage, "technician")
    with stage.parts.database.read() as session:
        number = session.get_one(Ticket, row.ticket_id).number
    for action in ("start", "resolve"):
        page = doer.get(f"/tickets/{number}").text
        found = re.search(r'name="version" value="(\d+)"', page)
        assert found is not None
        answer = doer.post(
            f"/tickets/{number}/{action}", data={**form_of(page), "version": found[1]}
        )
        assert answer.status_code == 303, answer.text
    form = {**form_of(doer.get(progress).text), "stars": "5"}
    assert doer.post(f"{progress}/rate", data=form).status_code == 403
    form = {**form_of(client.get(progress).text), "stars": "5"}
    assert client.post(f"{progress}/rate", data=form).status_code == 303


def test_a_sheet_holds_what_was_chosen_under_its_own_short_address(stage: Stage) -> None:
    boss = client_of(stage)
    token = form_of(boss.get("/account").text)
    data = {**token, "site": str(stage.site_id), "what": "spaces"}
    sheet = boss.post("/stickers", data=data).headers["location"]
    page = boss.get(sheet).text
    with stage.parts.database.read() as session:
        stickers = session.scalars(select(Sticker)).all()
    assert page.count('class="sticker"') == len(stickers)
    assert page.count('class="sheet"') == -(-len(stickers) // ON_A_SHEET)
    assert all(sticker.code in page for sticker in stickers)
    assert all(sticker.space_id is not None for sticker in stickers)
    paper = boss.get(sheet.replace("/sheet?", "/sheet.pdf?"))
    assert paper.headers["content-type"] == "application/pdf"
    assert len(pypdfium2.PdfDocument(paper.content)) == page.count('class="sheet"')
    assert "/stickers/sheet.pdf?" in page
    nothing = boss.get(f"/stickers/sheet.pdf?site={stage.site_id}&what=assets")
    assert nothing.status_code == 404
    assert boss.post("/stickers", data={**data, "site": str(new_id())}).status_code == 404
    assert boss.post("/stickers", data={**data, "what": "people"}).status_code == 422
    settings = stage.parts.settings
    assert settings.sticker_base("http://here/") == "http://here"
    short = settings.model_copy(update={"sticker_url": "https://wk.example/"})
    assert short.sticker_base("http://here/") == "https://wk.example"
    public = settings.model_copy(update={"public_url": "https://console.example"})
    assert public.sticker_base("http://here/") == "https://console.example"


def test_what_has_ended_by_time_leads_nowhere(stage: Stage) -> None:
    secret = offered(stage, stage.trip(PUMP, OVERHEATING), lasts=timedelta(hours=1))
    with stage.parts.database.write() as session:
        link = session.scalars(select(ContractorLink)).one()
        link.expires_at = stage.parts.clock.now()
    assert guest(stage).get(f"/c/{secret}").status_code == 404
