"""Signing in by a one-time link: opening it changes nothing, the button does, once."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE
from core import accounts, people, sessions
from core.accounts import has_password, new_password, set_password
from core.invitations import invite
from tests.web.markup import read
from tests.web.stage import Stage


def visitor(stage: Stage, language: str = "en") -> TestClient:
    client = TestClient(stage.app, follow_redirects=False)
    client.headers["accept-language"] = language
    return client


def token_on(client: TestClient, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200
    return read(page.text).forms[0]["csrf"]


def test_opening_a_link_any_number_of_times_uses_nothing_up(stage: Stage) -> None:
    address = f"/sign-in/{stage.secret(stage.person('Ada', 'manager'), 'link')}"
    for _preview in range(3):
        page = visitor(stage).get(address)
        assert page.status_code == 200
        assert SESSION_COOKIE not in page.cookies
    client = visitor(stage)
    answer = client.post(address, data={"csrf": token_on(client, address)})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert client.get("/").status_code == 200


def test_a_link_signs_in_once(stage: Stage) -> None:
    address = f"/sign-in/{stage.secret(stage.person('Ada', 'manager'), 'link')}"
    first, second = visitor(stage), visitor(stage)
    assert first.post(address, data={"csrf": token_on(first, address)}).status_code == 303
    refused = second.post(address, data={"csrf": token_on(second, address)})
    assert refused.status_code == 401
    assert "watchkeeper signin-link" in refused.text
    assert SESSION_COOKIE not in refused.cookies


def test_a_form_from_elsewhere_cannot_sign_anybody_in(stage: Stage) -> None:
    address = f"/sign-in/{stage.secret(stage.person('Mallory', 'manager'), 'link')}"
    mallory, victim = visitor(stage), visitor(stage)
    stolen = token_on(mallory, address)
    assert victim.post(address, data={"csrf": stolen}).status_code == 403
    token_on(victim, address)
    assert victim.post(address, data={"csrf": stolen}).status_code == 403
    assert mallory.post(address, data={"csrf": stolen}).status_code == 303


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stage: Stage) -> None:
    address = f"/sign-in/{stage.secret(stage.person('Ada', 'manager'), 'link')}"
    client = visitor(stage)
    cookie = client.post(address, data={"csrf": token_on(client, address)}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_over_tls_the_cookie_insists_on_it(stage: Stage) -> None:
    address = f"/sign-in/{stage.secret(stage.person('Ada', 'manager'), 'link')}"
    client = TestClient(stage.app, follow_redirects=False, base_url="https://watch.example")
    cookie = client.post(address, data={"csrf": token_on(client, address)}).headers["set-cookie"]
    assert "Secure" in cookie


def test_signing_out_ends_the_session_at_once(stage: Stage) -> None:
    session = stage.secret(stage.person("Ada", "manager"), "session")
    here, elsewhere = visitor(stage), visitor(stage)
    for client in (here, elsewhere):
        client.cookies.set(SESSION_COOKIE, session)
        assert client.get("/").status_code == 200
    token = read(here.get("/").text).forms[-1]["csrf"]
    assert here.post("/sign-out", data={"csrf": token}).status_code == 303
    assert elsewhere.get("/").headers["location"] == "/sign-in"


def test_a_limited_token_changes_nothing_of_its_persons_account(stage: Stage) -> None:
    person = stage.person("Ada", "manager")
    with stage.parts.database.write() as session:
        token = people.issue(
            session, person, "token", now=stage.parts.clock.now(), scope=["patrol.read"]
        )
    client = visitor(stage)
    client.headers["Authorization"] = f"Bearer {token}"
    given = {"login": "ada", "password": "three quiet pumps"}
    assert client.post("/account/password", data=given).status_code == 403
    assert client.post("/account/second-factor").status_code == 403
    with stage.parts.database.read() as session:
        assert not has_password(session, person)


def test_a_token_takes_no_leave_from_anybody_elses_session(stage: Stage) -> None:
    """Who has just come by a link needs no present password; a token beside it is no session."""
    victim, mallory = stage.person("Ada", "manager"), stage.person("Mallory", "guard")
    given, now = new_password("ada", "three quiet pumps"), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        set_password(session, victim, given, now=now)
        token = people.issue(session, victim, "token", now=now)
        label = sessions.BY_LINK
        by_link = sessions.begin(session, mallory, by="link", now=now, label=label)
    client = visitor(stage)
    client.headers["Authorization"] = f"Bearer {token}"
    client.cookies.set(SESSION_COOKIE, by_link)
    new = {"login": "ada", "password": "another good one"}
    assert client.post("/account/password", data=new).status_code == 403


def test_a_form_with_what_no_database_keeps_is_refused(stage: Stage) -> None:
    client = visitor(stage)
    client.cookies.set(SESSION_COOKIE, stage.secret(stage.person("Ada", "manager"), "session"))
    form = {"csrf": read(client.get("/account").text).forms[-1]["csrf"], "locale": "en"}
    refused = client.post("/account", data={**form, "name": "A\0da"})
    assert refused.status_code == 422
    assert client.post("/account", data={**form, "name": "Ada L"}).status_code == 303


@pytest.mark.parametrize("path", ["/join/wki_x", "/join/company/wkf_x", "/join/home/wkh_x"])
def test_nothing_is_hashed_for_an_invitation_that_nobody_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A hash takes a tenth of a second and 64 MiB, of which anybody could ask without end."""
    hashed = list[str]()
    monkeypatch.setattr(accounts._hasher, "hash", hashed.append)
    client = visitor(stage)
    form = {
        "csrf": token_on(client, "/sign-in"),
        "name": "X",
        "login": "x.x",
        "phone": "13800138000",
    }
    assert client.post(path, data={**form, "password": "three quiet pumps"}).status_code == 404
    assert hashed == []


def test_an_invitation_can_be_tried_thirty_times_an_hour(stage: Stage) -> None:
    """It says whether a login is taken."""
    by, now = stage.person("Li Na", "administrator"), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = people.caller_for(session, session.get_one(people.Person, by))
        _, secret = invite(session, caller, stage.site_id, "guard", now=now)
    client = visitor(stage)
    form = {"csrf": token_on(client, f"/join/{secret}"), "name": "X", "login": "x", "password": "x"}
    told = [client.post(f"/join/{secret}", data=form).status_code for _ in range(31)]
    assert told == [422] * 30 + [429]


def test_an_expired_link_says_how_to_get_another(stage: Stage) -> None:
    person = stage.person("Ada", "manager")
    with stage.parts.database.write() as session:
        secret = people.issue(
            session, person, "link", now=stage.parts.clock.now(), lifetime=timedelta(seconds=-1)
        )
    client = visitor(stage)
    address = f"/sign-in/{secret}"
    refused = client.post(address, data={"csrf": token_on(client, address)})
    assert refused.status_code == 401
    assert "watchkeeper signin-link" in refused.text


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "使用一次性链接登录"),
        ("en;q=0.5, zh;q=0.9", "使用一次性链接登录"),
        ("en-GB", "Sign in with a one-time link"),
        ("de, fr;q=0.5", "Sign in with a one-time link"),
        ("zh;q=0, en;q=0.1", "Sign in with a one-time link"),
        ("", "Sign in with a one-time link"),
        (";;q=,,q=x", "Sign in with a one-time link"),
    ],
)
def test_the_sign_in_page_speaks_the_language_of_the_browser(
    stage: Stage, wanted: str, shown: str
) -> None:
    assert shown in visitor(stage, wanted).get("/sign-in").text
