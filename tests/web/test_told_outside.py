"""What SMS to people outside lead to, and where their pages say that they are sent."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from jobs.telling import Telling
from jobs.work import Work
from tests.servers.providers import KEY_ID, KEY_SECRET, Providers, serving_providers
from tests.web.conftest import signed_in, stage_on
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_guests import PUMP, guest, put_up, report
from workflows import alarms
from workflows.tickets import Step

PHONE = "138 0013 8000"


@pytest.fixture
def providers() -> Iterator[Providers]:
    """The provider of SMS."""
    with serving_providers() as found:
        yield found


@pytest.fixture
def told_stage(
    foundation: Path,
    tmp_path: Path,
    providers: Providers,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """The demo compound, which sends SMS."""
    values = {
        "aliyun_key_id": KEY_ID,
        "aliyun_key_secret": KEY_SECRET,
        "aliyun_sms_url": providers.url,
        "sms_sign": "安居物业",
        "sms_template": "SMS_1",
        "public_url": "https://wk.example",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"WATCHKEEPER_{name.upper()}", value)
    yield from stage_on(foundation, tmp_path)


def tell(stage: Stage) -> None:
    """Let the sweep look once."""
    parts = stage.parts
    work = Work(parts.database, None, parts.settings, parts.health)
    Telling(parts.settings, parts.clock).tell(work, parts.clock.now())


def code_in(sms: dict[str, str]) -> str:
    """The end of the link that an SMS carries."""
    return str(json.loads(sms["TemplateParam"])["code"])


def accept_newest(stage: Stage, number: int) -> None:
    """Somebody of ours accepts a ticket."""
    person = stage.person("Li Na", "technician", node=stage.site_id)
    ticket = stage.ticket(number)
    with stage.parts.database.write() as session:
        again = session.merge(ticket)
        now = stage.parts.clock.now()
        alarms.accept_ticket(session, again, Step("accept"), person=person, now=now)


def urgent(stage: Stage, number: int) -> None:
    """Nothing about it waits for the morning."""
    with stage.parts.database.write() as session:
        session.merge(stage.ticket(number)).priority = "critical"


def test_the_link_in_an_sms_leads_to_the_page_of_the_report(
    told_stage: Stage, providers: Providers
) -> None:
    sticker = put_up(told_stage)
    phone = guest(told_stage)
    assert "You get an SMS when your report is accepted" in phone.get(f"/s/{sticker.path}").text
    progress = report(told_stage, phone, sticker, phone=PHONE)
    number = int(re.findall(r"#(\d+)", phone.get(progress).text)[0])
    urgent(told_stage, number)
    accept_newest(told_stage, number)
    tell(told_stage)
    [sms] = providers.sms
    assert json.loads(sms["TemplateParam"])["what"].startswith("Your report was accepted")
    answer = guest(told_stage).get(f"/n/{code_in(sms)}")
    assert (answer.status_code, answer.headers["location"]) == (303, progress)
    wrong = guest(told_stage).get(f"/n/{'x' * 16}")
    assert wrong.status_code == 404


def test_the_ticket_shows_whom_an_sms_went_to(told_stage: Stage, providers: Providers) -> None:
    sticker = put_up(told_stage)
    progress = report(told_stage, guest(told_stage), sticker, phone=PHONE)
    number = int(re.findall(r"#(\d+)", guest(told_stage).get(progress).text)[0])
    urgent(told_stage, number)
    accept_newest(told_stage, number)
    providers.refuse = "isv.AMOUNT_NOT_ENOUGH"
    tell(told_stage)
    boss = told_stage.person("Wu Min", "manager", node=told_stage.site_id)
    page = signed_in(told_stage, told_stage.secret(boss, "session")).get(f"/tickets/{number}").text
    assert "Your report was accepted · SMS" in re.sub(r"\s+", " ", page)
    assert "isv.AMOUNT_NOT_ENOUGH" in page


def offer(stage: Stage, number: int, phone: str) -> tuple[TestClient, str]:
    """Offer a ticket on its page; the browser and the page that shows the links."""
    boss = stage.person("Wu Min", "manager", node=stage.site_id)
    client = signed_in(stage, stage.secret(boss, "session"))
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "company": "Pumps Ltd",
        "name": "Wang",
        "phone": phone,
        "task": "Repair it",
        "urgent": "yes",
    }
    answer = client.post(f"/tickets/{number}/contractor", data=form)
    assert answer.status_code == 200, answer.text
    return client, answer.text


def test_a_contractor_gets_the_link_that_the_dispatcher_sees(
    told_stage: Stage, providers: Providers
) -> None:
    number = told_stage.trip(PUMP, OVERHEATING)
    _, page = offer(told_stage, number, PHONE)
    assert "They get it by SMS" in page
    [address] = re.findall(r"https://wk.example(/c/wkc_[\w-]+)", page)
    tell(told_stage)
    [sms] = providers.sms
    assert guest(told_stage).get(f"/n/{code_in(sms)}").headers["location"] == address


def test_a_landline_is_sent_nothing_and_the_page_does_not_say_so(
    told_stage: Stage, providers: Providers
) -> None:
    _, page = offer(told_stage, told_stage.trip(PUMP, OVERHEATING), "0574 8800 1234")
    assert "They get it by SMS" not in page
    tell(told_stage)
    assert providers.sms == []


def test_without_sms_the_form_asks_for_a_number_only_for_questions(stage: Stage) -> None:
    sticker = put_up(stage)
    page = guest(stage).get(f"/s/{sticker.path}").text
    assert "You get an SMS" not in page
    assert "Only for questions about this report" in page
