"""Buttons in WeCom and DingTalk: the press accepts in the name of whom it was sent to; only theirs,
only once, only from there."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from core.channels.dingtalk_stream import Application, DingTalkStream
from core.contacts import set_reaching
from core.events import Event
from jobs.telling import Telling
from jobs.work import Work
from tests.core.test_chat_buttons import DINGTALK, WECOM_BUTTON
from tests.servers.chat_presses import (
    dingtalk_event,
    dingtalk_headers,
    wecom_event,
    wecom_posted,
    wecom_query,
    wecom_reads,
    wecom_sealed,
)
from tests.servers.dingtalk_gateway import (
    CARDS,
    KEY,
    SECRET,
    answered,
    frame,
    serving_gateway,
)
from tests.servers.providers import Providers, serving_providers
from tests.web.conftest import stage_on
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_notices import guest
from web.presses import take
from workflows.notifications import Attempt, Notice

PUMP = "b1-pump-1"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def providers() -> Iterator[Providers]:
    """WeCom and DingTalk."""
    with serving_providers() as found:
        yield found


@pytest.fixture
def chatting(
    foundation: Path,
    tmp_path: Path,
    providers: Providers,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """The demo compound, with buttons in both apps."""
    own = {"wecom_url": providers.url, "dingtalk_api_url": providers.url}
    for name, value in {**WECOM_BUTTON, **DINGTALK, **own}.items():
        monkeypatch.setenv(f"WATCHKEEPER_{name.upper()}", str(value))
    yield from stage_on(foundation, tmp_path)


@pytest.fixture
def supervisor(chatting: Stage) -> UUID:
    """Whom everything falls through to, in both apps."""
    person = chatting.person("Lin Hua", "supervisor", node=chatting.site_id, locale="zh")
    reach(chatting, person, "LinHua")
    return person


def reach(stage: Stage, person: UUID, user: str) -> None:
    """What somebody is called in the apps."""
    with stage.parts.database.write() as session:
        given = {"wecom": user, "dingtalk": user} if user else {}
        set_reaching(session, person, given, None, now=stage.parts.clock.now())


def sweep(stage: Stage) -> None:
    """Make every attempt that is due."""
    parts = stage.parts
    work = Work(parts.database, None, parts.settings, parts.health)
    Telling(parts.settings, parts.clock).tell(work, parts.clock.now())


@pytest.fixture
def phone(chatting: Stage) -> TestClient:
    """The servers of the apps: nobody is signed in there."""
    return guest(chatting)


def trip(stage: Stage) -> int:
    """A ticket that the apps were told of."""
    number = stage.trip(PUMP, OVERHEATING)
    sweep(stage)
    return number


def wecom(
    stage: Stage, phone: TestClient, user: str, task: str, *, ago: timedelta = timedelta(0)
) -> Response:
    """Press a button in WeCom."""
    encrypted = wecom_sealed(wecom_event(user, task))
    query = wecom_query(encrypted, stage.parts.clock.now() - ago)
    return phone.post("/n/wecom", params=query, content=wecom_posted(encrypted))


def dingtalk(
    stage: Stage, phone: TestClient, user: str, track: str, *, ago: timedelta = timedelta(0)
) -> Response:
    """Press a button in DingTalk."""
    headers = dingtalk_headers(stage.parts.clock.now() - ago)
    return phone.post("/n/dingtalk", json=dingtalk_event(user, track), headers=headers)


def task_of(providers: Providers) -> str:
    """The card that WeCom showed last."""
    return str(providers.wecom[-1]["template_card"]["task_id"])


def track_of(providers: Providers) -> str:
    """The card that DingTalk showed last."""
    return str(providers.cards[-1]["outTrackId"])


def test_wecom_shakes_hands(chatting: Stage, phone: TestClient) -> None:
    encrypted = wecom_sealed("1616140317555161061")
    query = wecom_query(encrypted, chatting.parts.clock.now())
    answer = phone.get("/n/wecom", params={**query, "echostr": encrypted})
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")
    forged = {**query, "echostr": encrypted, "msg_signature": "0" * 40}
    assert phone.get("/n/wecom", params=forged).status_code == 403
    assert phone.get("/n/wecom").status_code == 403


def test_a_press_in_wecom_accepts_as_the_link_would(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    # User ids of WeCom tell no large letters from small ones.
    answer = wecom(chatting, phone, "linhua", task_of(providers))
    said = wecom_reads(answer.text)
    assert (said["MsgType"], said["ReplaceName"]) == ("update_button", "已接单")
    assert said["ToUserName"] == "linhua"
    ticket = chatting.ticket(number)
    assert (ticket.assignee_id, ticket.state) == (supervisor, "assigned")
    with chatting.parts.database.read() as session:
        notice = session.query(Notice).one()
        pressed = session.query(Attempt).filter(Attempt.pressed_at.is_not(None)).one()
    assert (notice.state, pressed.channel) == ("acknowledged", "wecom")


def test_a_press_in_dingtalk_accepts_as_the_link_would(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    answer = dingtalk(chatting, phone, "LinHua", track_of(providers))
    assert answer.json() == {
        "cardData": {"cardParamMap": {"said": "已接单"}},
        "cardUpdateOptions": {"updateCardDataByKey": True},
    }
    assert chatting.ticket(number).assignee_id == supervisor


def test_a_press_by_stream_mode_accepts_as_the_link_would_and_once(
    chatting: Stage, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    parts = chatting.parts
    with serving_gateway() as gateway:
        application = Application(gateway.url, KEY, SECRET)
        stream = DingTalkStream(
            application, partial(take, parts.database, parts.clock), parts.health
        )
        stream.start()
        try:
            connection = gateway.next()
            said = []
            # Not theirs, theirs, and the same delivered once more.
            for user in ("Stranger", "LinHua", "LinHua"):
                event = json.dumps(dingtalk_event(user, track_of(providers)))
                connection.send(frame(CARDS, event))
                said.append(json.loads(answered(connection)["data"])["response"])
        finally:
            stream.stop()
    shown = [one.get("cardData", {}).get("cardParamMap", {}).get("said") for one in said]
    assert shown[:2] == [None, "已接单"]
    assert shown[2]
    ticket = chatting.ticket(number)
    assert ticket.assignee_id == supervisor
    with parts.database.read() as session:
        kinds = list(session.scalars(select(Event.kind).where(Event.subject_id == str(ticket.id))))
    assert kinds.count("ticket.accept") == 1


@pytest.mark.parametrize("app", ["wecom", "dingtalk"])
def test_a_button_counts_once_however_often_the_press_arrives(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID, app: str
) -> None:
    number = trip(chatting)
    now = chatting.parts.clock.now()
    encrypted = wecom_sealed(wecom_event("LinHua", task_of(providers)))
    query, headers = wecom_query(encrypted, now), dingtalk_headers(now)

    def press() -> Response:
        if app == "wecom":
            return phone.post("/n/wecom", params=query, content=wecom_posted(encrypted))
        event = dingtalk_event("LinHua", track_of(providers))
        return phone.post("/n/dingtalk", json=event, headers=headers)

    def said(answer: Response) -> str:
        return wecom_reads(answer.text)["ReplaceName"] if app == "wecom" else answer.text

    assert "已接单" in said(press())
    # It goes back to the team; the same request, heard and sent again, must not take it once more.
    with chatting.parts.database.write() as session:
        ticket = session.merge(chatting.ticket(number))
        ticket.assignee_id, ticket.state, ticket.responded_at = None, "open", None
    again = press()
    assert again.status_code == 200
    assert chatting.ticket(number).assignee_id is None
    assert "已处理" in said(again)


def test_who_comes_too_late_is_told(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    other = chatting.person("An", "technician", node=chatting.site_id)
    with chatting.parts.database.write() as session:
        ticket = session.merge(chatting.ticket(number))
        ticket.assignee_id, ticket.state = other, "assigned"
        ticket.responded_at = chatting.parts.clock.now()
    answer = wecom(chatting, phone, "LinHua", task_of(providers))
    assert wecom_reads(answer.text)["ReplaceName"] == "已被他人接单"
    assert chatting.ticket(number).assignee_id == other


def test_nobody_presses_for_another(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    other = chatting.person("An", "technician", node=chatting.site_id)
    reach(chatting, other, "An")
    task, track = task_of(providers), track_of(providers)
    for user in ("An", "nobody-we-know", ""):
        assert wecom(chatting, phone, user, task).status_code == 403
        assert dingtalk(chatting, phone, user, track).status_code == 403
    # A card of one app is none of the other.
    assert wecom(chatting, phone, "LinHua", track).status_code == 404
    for card in ("", "x", "0" * 32):
        assert wecom(chatting, phone, "LinHua", card).status_code == 404
        assert dingtalk(chatting, phone, "LinHua", card).status_code == 404
    # Whoever has taken their name out of the app, or left, presses nothing any more.
    reach(chatting, supervisor, "")
    assert wecom(chatting, phone, "LinHua", task).status_code == 403
    assert chatting.ticket(number).assignee_id is None


def test_what_is_not_signed_or_old_is_refused(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    task, track = task_of(providers), track_of(providers)
    now = chatting.parts.clock.now()
    for ago in (6 * MINUTE, -6 * MINUTE):
        assert wecom(chatting, phone, "LinHua", task, ago=ago).status_code == 403
        assert dingtalk(chatting, phone, "LinHua", track, ago=ago).status_code == 403
    encrypted = wecom_sealed(wecom_event("LinHua", task))
    query = wecom_query(encrypted, now)
    other = wecom_posted(wecom_sealed(wecom_event("LinHua", task)))
    assert phone.post("/n/wecom", params=query, content=other).status_code == 403
    assert phone.post("/n/wecom", params=query, content="<xml></xml>").status_code == 403
    elsewhere = wecom_sealed(wecom_event("LinHua", task), corp="ww-other")
    signed = wecom_query(elsewhere, now)
    assert phone.post("/n/wecom", params=signed, content=wecom_posted(elsewhere)).status_code == 403
    event = dingtalk_event("LinHua", track)
    assert phone.post("/n/dingtalk", json=event).status_code == 403
    forged = dingtalk_headers(now, secret="guessed")
    assert phone.post("/n/dingtalk", json=event, headers=forged).status_code == 403
    odd = {**dingtalk_headers(now), "x-ddpaas-signature-timestamp": "soon"}
    assert phone.post("/n/dingtalk", json=event, headers=odd).status_code == 403
    assert chatting.ticket(number).assignee_id is None


def test_other_events_and_too_much_of_them_do_nothing(
    chatting: Stage, phone: TestClient, providers: Providers, supervisor: UUID
) -> None:
    number = trip(chatting)
    now = chatting.parts.clock.now()
    for event in (
        wecom_event("LinHua", task_of(providers), event="enter_agent"),
        wecom_event("LinHua", task_of(providers), key="other"),
        "no xml at all",
    ):
        encrypted = wecom_sealed(event)
        answer = phone.post(
            "/n/wecom", params=wecom_query(encrypted, now), content=wecom_posted(encrypted)
        )
        assert (answer.status_code, answer.text) == (200, "")
    other = dingtalk_event("LinHua", track_of(providers), "other")
    bodies: list[object] = [other, {}, [], {"content": "{"}]
    for body in bodies:
        answer = phone.post("/n/dingtalk", json=body, headers=dingtalk_headers(now))
        assert (answer.status_code, answer.json()) == (200, {})
    assert phone.post("/n/dingtalk", content=b"x" * 70_000).status_code == 422
    assert chatting.ticket(number).assignee_id is None


def test_without_a_callback_there_is_no_such_page(stage: Stage) -> None:
    client = guest(stage)
    assert client.get("/n/wecom").status_code == 404
    assert client.post("/n/wecom").status_code == 404
    assert client.post("/n/dingtalk").status_code == 404
