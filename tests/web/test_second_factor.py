"""Who must have a second factor sets it up before anything else, and their tokens after it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pyotp
import pytest
from fastapi.testclient import TestClient

from api.directory import routes_of
from core import people
from core.accounts import new_password, set_password
from core.events import Actor
from core.invitations import add_grant
from tests.web.conftest import signed_in
from tests.web.stage import Stage, build
from tests.web.test_pages import PUBLIC
from tests.web.test_people import GOOD, csrf_of, sign_in
from tests.web.test_sign_in import token_on, visitor
from web.page_route import PageRoute

NEEDED = "/account/second-factor"
RULES = ("nobody", "administrators", "everyone")
# What somebody may open who has yet to set up a second factor.
OPEN_BEFORE = {NEEDED, f"{NEEDED}/confirm", "/sign-out"}


@pytest.fixture
def rule(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "administrators"))


@pytest.fixture
def stage(foundation: Path, tmp_path: Path, rule: str) -> Iterator[Stage]:
    """The demo compound, where the test says who needs a second factor."""
    shutil.copytree(foundation, tmp_path, dirs_exist_ok=True)
    stage = build(tmp_path, require_second_factor=rule)
    yield stage
    stage.live.stop()
    stage.parts.telemetry.close()
    stage.parts.database.close()


def with_login(stage: Stage, role: str, *, node: UUID | None = None) -> UUID:
    person = stage.person("Wei Chen", role, node=node)
    given = new_password("wei", GOOD)
    with stage.parts.database.write() as session:
        set_password(session, person, given, now=stage.parts.clock.now())
    return person


def set_up(stage: Stage, client: TestClient) -> tuple[pyotp.TOTP, str]:
    """Set a second factor up as its page says; returns the app and where the page leads."""
    csrf = {"csrf": csrf_of(client, NEEDED)}
    found = re.search(r"<code>([A-Z2-7 ]{32,})</code>", client.post(NEEDED, data=csrf).text)
    assert found
    app = pyotp.TOTP(found[1].replace(" ", ""))
    code = app.at(stage.parts.clock.now())
    done = client.post(f"{NEEDED}/confirm", data={**csrf, "code": code})
    assert done.status_code == 200
    onward = re.search(r'btn-primary" href="([^"]+)"', done.text)
    assert onward
    return app, onward[1]


@pytest.mark.parametrize("rule", RULES, indirect=True)
@pytest.mark.parametrize("role", ["guard", "manager", "administrator"])
def test_the_setting_says_who_is_led_to_set_one_up(stage: Stage, rule: str, role: str) -> None:
    with_login(stage, role)
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    led = client.get("/").headers.get("location") == NEEDED
    needed = {"nobody": set(), "administrators": {"administrator"}, "everyone": {role}}[rule]
    assert led == (role in needed)


def test_an_administrator_of_one_site_is_one(stage: Stage) -> None:
    with_login(stage, "administrator", node=stage.site_id)
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    assert client.get("/").headers["location"] == NEEDED


def test_before_that_nothing_else_opens(stage: Stage) -> None:
    with_login(stage, "administrator")
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    walked = 0
    form = {"csrf": csrf_of(client, NEEDED)}
    for route in routes_of(stage.app.routes):
        if not isinstance(route, PageRoute) or route.path in OPEN_BEFORE:
            continue
        if route.path in PUBLIC:
            continue
        address = re.sub(r"{[^}]+}", str(stage.site_id), route.path)
        for method in sorted(route.methods or ()):
            answer = client.request(method, address, data=form if method == "POST" else None)
            walked += 1
            assert answer.headers.get("location") == NEEDED, (method, route.path)
    assert walked > 30
    refused = client.get("/api/v1/tickets")
    assert refused.status_code == 403
    assert NEEDED in refused.json()["advice"]
    part = client.get("/panels/summary", headers={"HX-Request": "true"})
    assert part.headers.get("HX-Redirect", NEEDED) == NEEDED


def test_once_it_is_set_up_work_begins_and_signing_in_asks_for_it(stage: Stage) -> None:
    with_login(stage, "administrator")
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    _, onward = set_up(stage, client)
    assert onward == "/"
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/tickets").status_code == 200
    assert client.get(NEEDED).headers["location"] == "/account"
    other = visitor(stage)
    sign_in(other, "wei", GOOD)
    assert other.get("/").headers["location"] == "/sign-in"


@pytest.mark.parametrize(("language", "told"), [("en", "six digits"), ("zh", "六位数字")])
def test_a_wrong_first_code_shows_the_same_secret_again(
    stage: Stage, language: str, told: str
) -> None:
    with_login(stage, "administrator")
    client = visitor(stage, language)
    sign_in(client, "wei", GOOD)
    client.get(f"{NEEDED}?lang={language}")
    csrf = {"csrf": csrf_of(client, NEEDED)}
    secret = re.search(r"<code>([A-Z2-7 ]{32,})</code>", client.post(NEEDED, data=csrf).text)
    again = client.post(f"{NEEDED}/confirm", data={**csrf, "code": "000000"})
    assert again.status_code == 422
    assert secret
    assert secret[1] in again.text
    assert told in again.text


def test_confirming_what_was_never_begun_says_so(stage: Stage) -> None:
    with_login(stage, "administrator")
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    csrf = {"csrf": csrf_of(client, NEEDED)}
    refused = client.post(f"{NEEDED}/confirm", data={**csrf, "code": "123456"})
    assert refused.status_code == 422
    assert "Begin again" in refused.text


def test_who_turns_it_off_is_led_to_set_up_the_next(stage: Stage) -> None:
    with_login(stage, "administrator")
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    set_up(stage, client)
    form = {"csrf": csrf_of(client, "/account"), "present": GOOD}
    assert client.post(f"{NEEDED}/end", data=form).status_code == 303
    assert client.get("/account").headers["location"] == NEEDED


def test_who_came_by_a_link_sets_it_up_without_a_password(stage: Stage) -> None:
    person = stage.person("Ada", "administrator")
    address = f"/sign-in/{stage.secret(person, 'link')}"
    client = visitor(stage)
    assert client.post(address, data={"csrf": token_on(client, address)}).status_code == 303
    assert client.get("/").headers["location"] == NEEDED
    app, _ = set_up(stage, client)
    assert client.get("/").status_code == 200
    # Without a password a code ends it, and a wrong one does not.
    form = {"csrf": csrf_of(client, "/account")}
    wrong = client.post(f"{NEEDED}/end", data={**form, "code": "000000", "present": ""})
    assert wrong.status_code == 422
    clock = stage.parts.clock
    code = app.at(clock.now(), counter_offset=1)
    assert client.post(f"{NEEDED}/end", data={**form, "code": code}).status_code == 303


def bearer(stage: Stage, token: str) -> TestClient:
    return TestClient(stage.app, headers={"Authorization": f"Bearer {token}"})


def made_by(client: TestClient, csrf_page: str = "/account/tokens") -> str:
    form = {"label": "x", "days": "30", "extent": "read", "csrf": csrf_of(client, csrf_page)}
    found = re.search(r"wkt_[\w-]+", client.post("/account/tokens", data=form).text)
    assert found
    return found[0]


def test_of_an_administrators_tokens_those_made_after_it_work(stage: Stage) -> None:
    person = with_login(stage, "administrator")
    before = bearer(stage, stage.secret(person, "token"))
    refused = before.get("/api/v1/tickets")
    assert refused.status_code == 403
    assert "new token" in refused.json()["advice"]
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    set_up(stage, client)
    assert before.get("/api/v1/tickets").status_code == 403
    after = bearer(stage, made_by(client))
    assert after.get("/api/v1/tickets").status_code == 200
    # A token that such a token makes is as good as it.
    child = after.post("/api/v1/me/tokens", json={"label": "y", "scope": ["tickets.read"]})
    assert bearer(stage, child.json()["secret"]).get("/api/v1/tickets").status_code == 200


def test_a_token_that_is_limited_is_still_an_administrators(stage: Stage) -> None:
    person = with_login(stage, "administrator")
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        token = people.issue(session, person, "token", now=now, scope=["tickets.read"])
    assert bearer(stage, token).get("/api/v1/tickets").status_code == 403


@pytest.mark.parametrize("rule", ["nobody", "administrators"], indirect=True)
def test_the_tokens_of_who_needs_none_work_on(stage: Stage) -> None:
    token = stage.secret(stage.person("Wei", "manager"), "token")
    assert bearer(stage, token).get("/api/v1/tickets").status_code == 200


def test_who_is_made_an_administrator_is_led_there_by_their_next_request(stage: Stage) -> None:
    person = stage.person("Wei", "guard")
    client = signed_in(stage, stage.secret(person, "session"))
    token = bearer(stage, made_by(client))
    assert token.get("/api/v1/tickets").status_code == 200
    with stage.parts.database.write() as session:
        now, actor = stage.parts.clock.now(), Actor.person(person)
        add_grant(session, person, stage.site_id, "administrator", actor=actor, now=now)
    assert client.get("/account").headers["location"] == NEEDED
    assert token.get("/api/v1/tickets").status_code == 403


@pytest.mark.parametrize("rule", ["nobody"], indirect=True)
def test_no_form_that_asks_for_the_present_password_lets_anybody_guess_it(stage: Stage) -> None:
    with_login(stage, "manager")
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    csrf = {"csrf": csrf_of(client, "/account")}
    wrong = {**csrf, "login": "wei", "present": "a guess", "password": "another good one"}
    told = [client.post("/account/password", data=wrong).status_code for _ in range(6)]
    assert told == [403] * 5 + [429]
    for form in ("/account/password", f"{NEEDED}/end", "/account/identity"):
        answer = client.post(form, data={**wrong, "present": GOOD})
        assert answer.status_code == 429, form
