"""Pushes: asked for by a tap, listed, taken back; and the service worker in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core.contacts import contacts_of
from core.push_devices import PushDevice
from jobs.telling import Telling
from jobs.work import Work
from tests.servers.push_service import PushService, serving_pushes
from tests.web.conftest import signed_in, stage_on
from tests.web.stage import OVERHEATING, Stage, WebServer, serving
from tests.web.test_notices import tell
from web.pages.push import DEVICE_COOKIE, label_of
from workflows.notifications import Attempt, Notice

PUMP = "b1-pump-1"
CONTACT = "mailto:office@example.com"


@pytest.fixture
def pushing_stage(
    foundation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """The demo compound, which sends pushes."""
    monkeypatch.setenv("WATCHKEEPER_PUSH_CONTACT", CONTACT)
    monkeypatch.setenv("WATCHKEEPER_PUSH_SERVICES", "127.0.0.1")
    yield from stage_on(foundation, tmp_path)


@pytest.fixture
def service(pushing_stage: Stage) -> Iterator[PushService]:
    """A push service of this machine."""
    with serving_pushes(pushing_stage.parts.clock.now().timestamp()) as found:
        yield found


@pytest.fixture
def supervisor(pushing_stage: Stage) -> UUID:
    """Whom everything falls through to, since nobody is on duty."""
    return pushing_stage.person("Lin Hua", "supervisor", node=pushing_stage.site_id)


@pytest.fixture
def own(pushing_stage: Stage, supervisor: UUID) -> TestClient:
    """The supervisor's browser."""
    return signed_in(pushing_stage, pushing_stage.secret(supervisor, "session"))


def post(client: TestClient, address: str, **form: str) -> int:
    """Send a form; its status."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    return client.post(address, data={"csrf": token, **form}).status_code


def devices(stage: Stage) -> list[PushDevice]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(PushDevice)))


def sweep(stage: Stage) -> None:
    """Make every attempt that is due."""
    parts = stage.parts
    work = Work(parts.database, None, parts.settings, parts.health)
    Telling(parts.settings, parts.clock).tell(work, parts.clock.now())


def test_a_device_is_told_listed_and_removed(
    pushing_stage: Stage, own: TestClient, service: PushService, supervisor: UUID
) -> None:
    assert "Tell me on this device" in own.get("/account").text
    browser = service.browser()
    own.headers["user-agent"] = "Mozilla/5.0 (Linux; Android 16) Chrome/160.0 Safari/537.36"
    assert post(own, "/account/push", **browser.form) == 303
    page = own.get("/account").text
    assert "Chrome · Android (this device)" in page
    assert browser.endpoint not in page
    number = pushing_stage.trip(PUMP, OVERHEATING)
    sweep(pushing_stage)
    [push] = browser.read
    assert push["title"] == f"New ticket #{number}"
    assert push["page"] == f"/tickets/{number}"
    [device] = devices(pushing_stage)
    assert post(own, f"/account/push/{device.id}/remove") == 303
    assert devices(pushing_stage) == []
    assert post(own, f"/account/push/{device.id}/remove") == 404


def test_a_push_never_counts_as_an_answer_and_a_dead_browser_is_dropped(
    pushing_stage: Stage, own: TestClient, service: PushService
) -> None:
    here, dead = service.browser(), service.browser()
    post(own, "/account/push", **here.form)
    post(own, "/account/push", **dead.form)
    dead.gone = True
    pushing_stage.trip(PUMP, OVERHEATING)
    sweep(pushing_stage)
    with pushing_stage.parts.database.read() as session:
        attempts = session.scalars(select(Attempt)).all()
        [notice] = session.scalars(select(Notice)).all()
    assert {(one.channel, one.state) for one in attempts} == {("push", "sent"), ("push", "failed")}
    assert notice.state == "waiting"
    assert notice.answered_at is None
    assert len(devices(pushing_stage)) == 1


def test_nobody_removes_the_device_of_another(
    pushing_stage: Stage, own: TestClient, service: PushService
) -> None:
    post(own, "/account/push", **service.browser().form)
    [device] = devices(pushing_stage)
    other = pushing_stage.person("An", "manager")
    client = signed_in(pushing_stage, pushing_stage.secret(other, "session"))
    assert post(client, f"/account/push/{device.id}/remove") == 404
    assert own.post("/account/push", data=service.browser().form).status_code == 403
    assert len(devices(pushing_stage)) == 1


def test_signing_out_of_a_browser_ends_its_pushes(
    pushing_stage: Stage, own: TestClient, service: PushService
) -> None:
    post(own, "/account/push", **service.browser().form)
    assert DEVICE_COOKIE in own.cookies
    assert post(own, "/sign-out") == 303
    assert devices(pushing_stage) == []


def test_an_installation_without_a_contact_offers_none(stage: Stage) -> None:
    person = stage.person("Wei", "manager")
    client = signed_in(stage, stage.secret(person, "session"))
    assert "Tell me on this device" not in client.get("/account").text
    assert post(client, "/account/push", endpoint="https://fcm.googleapis.com/x") == 404


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/160.0 Safari/537.36 Edg/160.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0", "Firefox · Linux"),
        ("curl/8.0", "Browser"),
    ],
)
def test_a_device_is_called_as_its_owner_knows_it(agent: str, label: str) -> None:
    assert label_of(agent) == label


# The browser part: what only a real one can show.


@pytest.fixture
def pushing_server(pushing_stage: Stage) -> Iterator[WebServer]:
    """The stage, served over HTTP."""
    with serving(pushing_stage) as server:
        yield server


@pytest.fixture
def phone(
    browser: Chromium, pushing_stage: Stage, pushing_server: WebServer, supervisor: UUID
) -> Iterator[Page]:
    """The supervisor's real browser, which allows notifications."""
    context = browser.new_context(locale="en-GB")
    context.grant_permissions(["notifications"], origin=pushing_stage.url)
    secret = pushing_stage.secret(supervisor, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": pushing_stage.url}])
    yield context.new_page()
    context.close()


def registration_of(page: Page, origin: str) -> tuple[object, str]:
    """The worker's registration as the developer tools name it."""
    found: list[str] = []
    tools = page.context.new_cdp_session(page)
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(
            one["registrationId"]
            for one in event["registrations"]
            if one["scopeURL"] == f"{origin}/" and not one["isDeleted"]
        ),
    )
    tools.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/service-worker.js')")
    page.evaluate(ACTIVE)
    for _ in range(1000):
        if found:
            break
        page.wait_for_timeout(50)
    return tools, found[-1]


# A push to a worker that is only being activated is lost.
ACTIVE = """navigator.serviceWorker.ready.then(({active}) => new Promise((done) => {
    const look = () => active.state === "activated" ? done(true) : setTimeout(look, 20);
    look();
}))"""
SHOWN = """navigator.serviceWorker.ready
    .then((worker) => worker.getNotifications())
    .then((all) => all.map((one) => ({title: one.title, tag: one.tag, data: one.data,
        actions: one.actions})))"""
# A tap on a notification is not to be had from a headless browser: its event is.
TAP = """([action]) => self.registration.getNotifications().then(([one]) => {
    const opened = [];
    self.clients.openWindow = (address) => { opened.push(address); return Promise.resolve(null); };
    const work = [];
    const event = new NotificationEvent("notificationclick", { notification: one, action });
    event.waitUntil = (one) => work.push(one);
    self.dispatchEvent(event);
    return Promise.all(work).then(() => opened);
})"""


@pytest.mark.parametrize("action", ["accept", ""])
def test_the_worker_shows_a_push_and_only_its_button_accepts(
    pushing_stage: Stage, phone: Page, supervisor: UUID, action: str
) -> None:
    number = pushing_stage.trip(PUMP, OVERHEATING)
    [notice] = tell(pushing_stage)
    phone.goto(f"{pushing_stage.url}/account")
    tools, registration = registration_of(phone, pushing_stage.url)
    push = {
        "title": f"New ticket #{number}",
        "accept": "Accept",
        "link": f"/n/{notice.code}",
        "page": f"/tickets/{number}",
        "tag": notice.code,
    }
    given = {"origin": pushing_stage.url, "registrationId": registration, "data": json.dumps(push)}
    shown = []
    for _ in range(40):
        # What the tools deliver to a worker that has just been installed is lost now and then.
        tools.send("ServiceWorker.deliverPushMessage", given)  # type: ignore[attr-defined]
        phone.wait_for_timeout(1000)
        if shown := phone.evaluate(SHOWN):
            break
    assert [(one["title"], one["tag"]) for one in shown] == [(push["title"], notice.code)]
    assert [one["title"] for one in shown[0]["actions"]] == ["Accept"]
    [worker] = phone.context.service_workers
    opened = worker.evaluate(TAP, [action])
    if action:
        assert opened == [f"/tickets/{number}"]
        assert pushing_stage.ticket(number).assignee_id == supervisor
    else:
        assert opened == [f"/n/{notice.code}"]
        assert pushing_stage.ticket(number).assignee_id is None


def test_the_page_asks_only_after_a_tap_and_sends_what_the_browser_gives(
    pushing_stage: Stage, phone: Page, service: PushService, supervisor: UUID
) -> None:
    there = service.browser()
    # Only the vendor's push service, which no test reaches, is stood in for.
    phone.add_init_script(
        f"""const given = {json.dumps(there.form)};
        window.asked = 0;
        const ask = Notification.requestPermission.bind(Notification);
        Notification.requestPermission = () => {{ window.asked += 1; return ask(); }};
        PushManager.prototype.getSubscription = () => Promise.resolve(null);
        PushManager.prototype.subscribe = (options) => Promise.resolve({{
            key: options.applicationServerKey.length,
            toJSON: () => ({{endpoint: given.endpoint,
                keys: {{p256dh: given.p256dh, auth: given.auth}}}}),
        }});"""
    )
    phone.goto(f"{pushing_stage.url}/account")
    button = phone.get_by_role("button", name="Tell me on this device")
    button.wait_for()
    assert phone.evaluate("window.asked") == 0
    button.click()
    phone.get_by_text("This device is told from now on.").wait_for()
    [device] = devices(pushing_stage)
    assert device.person_id == supervisor
    assert re.search(r"Chrome", device.label)
    pushing_stage.trip(PUMP, OVERHEATING)
    sweep(pushing_stage)
    assert len(there.read) == 1
    with pushing_stage.parts.database.read() as session:
        assert contacts_of(session, supervisor) == {}


def test_a_browser_that_does_not_allow_it_is_told_how(
    browser: Chromium, pushing_stage: Stage, pushing_server: WebServer, supervisor: UUID
) -> None:
    context = browser.new_context(locale="en-GB")
    secret = pushing_stage.secret(supervisor, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": pushing_stage.url}])
    page = context.new_page()
    page.add_init_script("Notification.requestPermission = () => Promise.resolve('denied')")
    page.goto(f"{pushing_stage.url}/account")
    page.get_by_role("button", name="Tell me on this device").click()
    page.get_by_text("This browser does not allow it.").wait_for()
    assert devices(pushing_stage) == []
    context.close()


def test_the_worker_is_served_from_the_top_and_never_kept(pushing_stage: Stage) -> None:
    answer = TestClient(pushing_stage.app).get("/service-worker.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    # It answers for no page: what is shown always comes from the server.
    assert '"fetch",' not in answer.text
    assert "caches" not in answer.text
