"""Signing in with a real identity provider: linking, joining, coming in, and being turned away."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pyotp
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page
from sqlalchemy import func, select, update

from api.deps import SESSION_COOKIE
from core import identity, second_factor
from core.clock import MICROS, SimulatedClock, SystemClock
from core.events import Event
from core.identity import Identity
from core.identity.attempts import IdentityAttempt
from core.people import Person
from tests.servers.identity_provider import (
    CLIENT,
    PUBLIC_CLIENT,
    RETURN,
    SECRET,
    IdentityProvider,
    address_in,
    sign_in_there,
)
from tests.web.conftest import signed_in
from tests.web.markup import read
from tests.web.stage import Stage, build, serving
from tests.web.test_people import GOOD, csrf_of, invitation, sign_in, with_password
from tests.web.test_sign_in import token_on, visitor
from web.pages import identity as identity_page
from web.pages.identity import COOKIE, REFUSED, SECONDS

BUTTON = "Sign in with City Group"
MINUTE = 60 * MICROS


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings that a test adds."""
    return dict(getattr(request, "param", {}))


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that agrees with the provider's until the test moves it."""
    return SimulatedClock(SystemClock().micros())


@pytest.fixture
def stage(
    foundation: Path,
    tmp_path: Path,
    clock: SimulatedClock,
    identity_provider_server: IdentityProvider,
    chosen: dict[str, Any],
) -> Iterator[Stage]:
    """The demo compound with an identity provider."""
    shutil.copytree(foundation, tmp_path, dirs_exist_ok=True)
    settings = {
        "oidc_issuer": identity_provider_server.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_label": "City Group",
        **chosen,
    }
    stage = build(tmp_path, clock, **settings)
    yield stage
    stage.live.stop()
    stage.parts.telemetry.close()
    stage.parts.database.close()


def sent(client: TestClient) -> str:
    """Press the button of the sign-in page; the address to which it leads."""
    page = client.post("/sign-in/oidc", data={"csrf": token_on(client, "/sign-in")})
    assert page.status_code == 200, page.text
    return address_in(page.text)


def come_in(client: TestClient, name: str) -> httpx2.Response:
    """Sign in with the provider as somebody; what our last page answers."""
    return client.get(sign_in_there(sent(client), name))


def link(client: TestClient, name: str, *, present: str = GOOD) -> httpx2.Response:
    form = {"csrf": csrf_of(client, "/account"), "present": present}
    page = client.post("/account/identity", data=form)
    if page.status_code != 200:
        return page
    return client.get(sign_in_there(address_in(page.text), name))


def linked(stage: Stage) -> UUID:
    """A technician with a password and an identity, both called wei."""
    person = with_password(stage)
    subject = identity.Subject(stage.parts.provider.issuer, "wei", proved=False)
    with stage.parts.database.write() as session:
        identity.link(session, person, subject, now=stage.parts.clock.now())
    return person


def people(stage: Stage) -> int:
    with stage.parts.database.read() as session:
        return session.scalar(select(func.count(Person.id))) or 0


def attempts(stage: Stage) -> int:
    with stage.parts.database.read() as session:
        return session.scalar(select(func.count(IdentityAttempt.state_hash))) or 0


def facts(stage: Stage) -> list[tuple[str, Any]]:
    with stage.parts.database.read() as session:
        rows = session.scalars(select(Event).order_by(Event.seq))
        return [(row.kind, row.after) for row in rows if row.kind.startswith("person.")]


def test_an_account_links_its_identity_and_is_signed_in_by_it(stage: Stage) -> None:
    person = with_password(stage)
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    assert link(client, "wei").headers["location"] == "/account?done=linked"
    client = visitor(stage)
    assert BUTTON in client.get("/sign-in").text
    answer = come_in(client, "wei")
    assert answer.headers["location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/me").json()["id"] == str(person)
    assert "Linked since" in client.get("/account").text
    told = facts(stage)
    assert ("person.identity_link", None) in told
    assert told[-1] == ("person.sign_in", {"by": "identity"})
    assert "127.0.0.1" not in str(told)


def test_what_leaves_us_asks_for_a_name_only_and_hides_the_rest(stage: Stage) -> None:
    client = visitor(stage)
    address = sent(client)
    asked = dict(httpx2.URL(address).params)
    assert asked["scope"] == "openid"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"http://testserver{RETURN}"
    with stage.parts.database.read() as session:
        row = session.scalars(select(IdentityAttempt)).one()
    assert row.verifier not in address
    assert asked["nonce"] == row.nonce
    assert asked["state"] not in (row.state_hash, row.browser_hash)
    assert SECRET not in address


@pytest.mark.parametrize("chosen", [{"oidc_client_id": PUBLIC_CLIENT, "oidc_client_secret": ""}])
def test_a_public_client_needs_no_secret(stage: Stage) -> None:
    linked(stage)
    assert come_in(visitor(stage), "wei").headers["location"] == "/"


@pytest.mark.parametrize(
    "chosen",
    [{"oidc_issuer": "", "oidc_client_id": ""} | {"oidc_client_secret": "", "oidc_label": ""}],
    indirect=True,
)
def test_without_a_provider_there_is_no_button_and_no_door(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    page = client.get("/sign-in")
    assert "/sign-in/oidc" not in page.text
    assert (
        client.post("/sign-in/oidc", data={"csrf": read(page.text).forms[0]["csrf"]}).status_code
        == 404
    )
    sign_in(client, "wei", GOOD)
    assert "/account/identity" not in client.get("/account").text
    form = {"csrf": csrf_of(client, "/account"), "present": GOOD}
    assert client.post("/account/identity", data=form).status_code == 404
    assert client.post("/account/identity/end", data=form).status_code == 404
    assert client.get("/sign-in/oidc").headers["location"] == "/sign-in"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unknown_identity_gets_advice_and_no_account(stage: Stage, language: str) -> None:
    before = people(stage)
    client = visitor(stage, language)
    refused = come_in(client, "nobody-we-know")
    assert refused.status_code == 403
    assert SESSION_COOKIE not in client.cookies
    assert people(stage) == before
    told = {"en": "ask an administrator for an invitation", "zh": "请向管理员索取邀请"}[language]
    assert told in refused.text


@pytest.mark.parametrize(
    ("language", "told"), [("en", "You cancelled there"), ("zh", "取消了登录")]
)
def test_who_cancels_there_is_told_so(stage: Stage, language: str, told: str) -> None:
    client = visitor(stage, language)
    refused = client.get(sign_in_there(sent(client), "wei", cancel=True))
    assert refused.status_code == 403
    assert told in refused.text


def is_stale(answer: httpx2.Response) -> bool:
    return answer.status_code == 403 and REFUSED["stale"][0] in answer.text


def test_a_state_that_is_not_ours_is_refused(stage: Stage) -> None:
    linked(stage)
    client = visitor(stage)
    back = httpx2.URL(sign_in_there(sent(client), "wei"))
    for wrong in ("", "another", back.params["state"] + "x"):
        assert is_stale(client.get(str(back.copy_set_param("state", wrong))))
    assert is_stale(client.get(RETURN))
    assert SESSION_COOKIE not in client.cookies


def test_the_way_back_belongs_to_the_browser_that_left(stage: Stage) -> None:
    linked(stage)
    mallory, victim = visitor(stage), visitor(stage)
    back = sign_in_there(sent(mallory), "wei")
    assert is_stale(victim.get(back))
    assert SESSION_COOKIE not in victim.cookies
    assert mallory.get(back).headers["location"] == "/"


def test_the_way_back_is_taken_once(stage: Stage) -> None:
    linked(stage)
    client = visitor(stage)
    back = sign_in_there(sent(client), "wei")
    browser = client.cookies[COOKIE]
    assert client.get(back).headers["location"] == "/"
    again = visitor(stage)
    again.cookies.set(COOKIE, browser)
    assert is_stale(again.get(back))
    assert SESSION_COOKIE not in again.cookies


def test_a_code_is_not_replayed_with_another_attempt(stage: Stage) -> None:
    linked(stage)
    client = visitor(stage)
    first = httpx2.URL(sign_in_there(sent(client), "wei"))
    assert client.get(str(first)).headers["location"] == "/"
    other = visitor(stage)
    second = httpx2.URL(sign_in_there(sent(other), "wei"))
    replay = second.copy_set_param("code", first.params["code"])
    assert is_stale(other.get(str(replay)))
    assert SESSION_COOKIE not in other.cookies


@pytest.mark.parametrize(
    ("field", "reason"), [("nonce", "untrusted"), ("verifier", "stale")], ids=str
)
def test_a_token_or_code_made_for_another_attempt_is_refused(
    stage: Stage, field: str, reason: str
) -> None:
    linked(stage)
    client = visitor(stage)
    back = sign_in_there(sent(client), "wei")
    with stage.parts.database.write() as session:
        session.execute(update(IdentityAttempt).values({field: "x" * 43}))
    refused = client.get(back)
    assert refused.status_code == 403
    assert REFUSED[reason][0] in refused.text.replace("&#39;", "'")
    assert SESSION_COOKIE not in client.cookies


def test_an_attempt_ends_after_ten_minutes(stage: Stage, clock: SimulatedClock) -> None:
    linked(stage)
    client = visitor(stage)
    back = sign_in_there(sent(client), "wei")
    clock.advance_to(clock.micros() + 10 * MINUTE)
    assert is_stale(client.get(back))


@pytest.mark.parametrize(("language", "told"), [("en", "two minutes"), ("zh", "两分钟")])
def test_a_token_that_has_expired_by_our_clock_names_the_clocks(
    stage: Stage, clock: SimulatedClock, language: str, told: str
) -> None:
    linked(stage)
    client = visitor(stage, language)
    back = sign_in_there(sent(client), "wei")
    clock.advance_to(clock.micros() + 5 * MINUTE)
    refused = client.get(back)
    assert refused.status_code == 403
    assert told in refused.text


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Sign in by password"), ("zh", "请用密码登录")]
)
def test_while_the_provider_is_down_the_password_is_named(
    stage: Stage, identity_provider_server: IdentityProvider, language: str, told: str
) -> None:
    client = visitor(stage, language)
    form = {"csrf": token_on(client, "/sign-in")}
    identity_provider_server.stop()
    refused = client.post("/sign-in/oidc", data=form)
    assert refused.status_code == 503
    assert told in refused.text
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count(IdentityAttempt.state_hash))) == 0


def test_a_provider_that_goes_down_on_the_way_is_told_too(
    stage: Stage, identity_provider_server: IdentityProvider
) -> None:
    client = visitor(stage)
    back = sign_in_there(sent(client), "wei")
    identity_provider_server.stop()
    refused = client.get(back)
    assert refused.status_code == 503
    assert REFUSED["away"][0] in refused.text


@pytest.mark.parametrize("chosen", [{"oidc_client_secret": "not the secret"}], indirect=True)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_wrong_client_secret_names_the_settings_and_the_return_address(
    stage: Stage, language: str
) -> None:
    refused = come_in(visitor(stage, language), "wei")
    assert refused.status_code == 503
    assert "oidc_client_secret" in refused.text
    assert f"http://testserver{RETURN}" in refused.text


def test_who_has_left_is_nobody(stage: Stage) -> None:
    wei = linked(stage)
    boss = signed_in(stage, stage.secret(stage.person("Ada", "administrator"), "session"))
    form = {"csrf": csrf_of(boss, f"/people/{wei}"), "sure": "yes"}
    assert boss.post(f"/people/{wei}/leave", data=form).status_code == 303
    refused = come_in(visitor(stage), "wei")
    assert refused.status_code == 403
    assert REFUSED["unknown"][0] in refused.text
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count(Identity.id))) == 0


def test_who_left_while_their_link_stands_is_nobody_either(
    stage: Stage, clock: SimulatedClock
) -> None:
    wei = linked(stage)
    with stage.parts.database.write() as session:
        session.execute(update(Person).where(Person.id == wei).values(left_at=clock.now()))
    assert REFUSED["unknown"][0] in come_in(visitor(stage), "wei").text


def app_of(stage: Stage, person: UUID) -> pyotp.TOTP:
    """Turn a second factor on for a person."""
    now, vault = stage.parts.clock.now(), stage.parts.vault
    with stage.parts.database.write() as session:
        app = pyotp.TOTP(second_factor.begin(session, vault, person, "wei")[0])
        second_factor.confirm(session, vault, person, app.at(now, counter_offset=-1), now=now)
    return app


def test_a_second_factor_is_asked_for_after_the_identity(stage: Stage) -> None:
    app = app_of(stage, linked(stage))
    client = visitor(stage)
    assert come_in(client, "wei").headers["location"] == "/sign-in/code"
    assert SESSION_COOKIE not in client.cookies
    form = {"csrf": token_on(client, "/sign-in/code"), "code": app.at(stage.parts.clock.now())}
    assert client.post("/sign-in/code", data=form).headers["location"] == "/"
    assert facts(stage)[-1] == ("person.sign_in", {"by": "identity"})


def test_a_provider_that_asked_for_a_second_factor_is_believed(stage: Stage) -> None:
    app_of(stage, linked(stage))
    assert come_in(visitor(stage), "wei+mfa").headers["location"] == "/"


@pytest.mark.parametrize(("how", "location"), [("", "/account/second-factor"), ("+mfa", None)])
def test_who_must_have_a_second_factor_may_have_it_at_the_provider(
    stage: Stage, tmp_path: Path, clock: SimulatedClock, how: str, location: str | None
) -> None:
    linked(stage)
    settings = stage.parts.settings.model_dump(include={"oidc_issuer", "oidc_client_id"})
    strict = build(
        tmp_path, clock, **settings, oidc_client_secret=SECRET, require_second_factor="everyone"
    )
    client = visitor(strict)
    assert come_in(client, f"wei{how}").headers["location"] == "/"
    assert client.get("/").headers.get("location") == location
    strict.live.stop()
    strict.parts.telemetry.close()
    strict.parts.database.close()


def test_an_invitation_is_redeemed_by_an_identity(stage: Stage) -> None:
    boss = signed_in(stage, stage.secret(stage.person("Ada", "administrator"), "session"))
    address = invitation(stage, boss)
    phone = visitor(stage, "zh")
    form = {"csrf": token_on(phone, address), "name": "李娜"}
    unnamed = phone.post(f"{address}/oidc", data={**form, "name": " "})
    assert unnamed.status_code == 422
    page = phone.post(f"{address}/oidc", data=form)
    assert phone.get(sign_in_there(address_in(page.text), "li.na")).headers["location"] == "/"
    assert "李娜" in phone.get("/account").text
    assert "未设密码" in phone.get("/account").text
    assert come_in(visitor(stage), "li.na").headers["location"] == "/"
    assert visitor(stage).get(address).status_code == 404
    # Without a password the identity is the only way in.
    stuck = phone.post("/account/identity/end", data={"csrf": csrf_of(phone, "/account")})
    assert stuck.status_code == 409


def test_an_invitation_that_was_used_on_the_way_makes_nobody(stage: Stage) -> None:
    boss = signed_in(stage, stage.secret(stage.person("Ada", "administrator"), "session"))
    address = invitation(stage, boss)
    backs = []
    phones = [visitor(stage), visitor(stage)]
    for number, phone in enumerate(phones):
        form = {"csrf": token_on(phone, address), "name": "Li Na"}
        page = phone.post(f"{address}/oidc", data=form)
        backs.append(sign_in_there(address_in(page.text), f"li.na.{number}"))
    assert phones[0].get(backs[0]).headers["location"] == "/"
    before = people(stage)
    assert phones[1].get(backs[1]).status_code == 404
    assert people(stage) == before


@pytest.mark.parametrize(
    ("language", "told"), [("en", "belongs to a colleague"), ("zh", "其他同事")]
)
def test_an_identity_belongs_to_one_person(stage: Stage, language: str, told: str) -> None:
    linked(stage)
    boss = signed_in(stage, stage.secret(stage.person("Ada", "administrator"), "session"))
    address = invitation(stage, boss)
    phone = visitor(stage, language)
    form = {"csrf": token_on(phone, address), "name": "Wei again"}
    page = phone.post(f"{address}/oidc", data=form)
    before = people(stage)
    refused = phone.get(sign_in_there(address_in(page.text), "wei"))
    assert refused.status_code == 409
    assert told in refused.text
    assert people(stage) == before
    # The invitation waits on.
    assert phone.get(address).status_code == 200


def test_linking_asks_for_the_password_and_the_same_person(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    assert link(client, "wei", present="guess").status_code == 403
    form = {"csrf": csrf_of(client, "/account"), "present": GOOD}
    back = sign_in_there(address_in(client.post("/account/identity", data=form).text), "wei")
    other = stage.secret(stage.person("Ada", "administrator"), "session")
    client.cookies.set(SESSION_COOKIE, other, domain="testserver.local", path="/")
    assert is_stale(client.get(back))
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count(Identity.id))) == 0


def test_linking_needs_the_session_that_began_it(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    form = {"csrf": csrf_of(client, "/account"), "present": GOOD}
    back = sign_in_there(address_in(client.post("/account/identity", data=form).text), "wei")
    client.post("/sign-out", data={"csrf": csrf_of(client, "/account")})
    assert client.get(back).headers["location"] == "/sign-in"
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count(Identity.id))) == 0


def test_a_second_identity_waits_until_the_first_is_unlinked(stage: Stage) -> None:
    linked(stage)
    client = visitor(stage)
    sign_in(client, "wei", GOOD)
    form = {"csrf": csrf_of(client, "/account"), "present": GOOD}
    back = sign_in_there(address_in(client.post("/account/identity", data=form).text), "other")
    assert client.get(back).status_code == 409
    gone = client.post("/account/identity/end", data=form)
    assert gone.headers["location"] == "/account?done=unlinked"
    assert REFUSED["unknown"][0] in come_in(visitor(stage), "wei").text
    assert ("person.identity_unlink", None) in facts(stage)
    assert link(client, "other").headers["location"] == "/account?done=linked"


def test_a_form_from_elsewhere_begins_nothing(stage: Stage) -> None:
    client = visitor(stage)
    refused = client.post("/sign-in/oidc", data={"csrf": "forged"})
    assert refused.status_code == 403
    assert "This form is too old" in refused.text
    assert COOKIE not in client.cookies


def test_ways_to_the_provider_are_begun_so_often_and_are_forgotten(
    stage: Stage, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_page, "BEGUN_BY_ONE", 2)
    client = visitor(stage)
    for _ in range(2):
        sent(client)
    form = {"csrf": token_on(client, "/sign-in")}
    for language, told in (("en", "That was begun very often"), ("zh", "过于频繁")):
        answer = client.post(f"/sign-in/oidc?lang={language}", data=form)
        assert answer.status_code == 429
        assert told in answer.text
    assert attempts(stage) == 2
    # Once those are over others are begun, and they are gone.
    clock.advance_to(clock.micros() + SECONDS * MICROS)
    sent(client)
    assert attempts(stage) == 1


def test_a_real_browser_goes_there_and_comes_back(
    stage: Stage, page: Page, identity_provider_server: IdentityProvider, console_log: list[str]
) -> None:
    linked(stage)
    with serving(stage, identity_provider_server.stage_port):
        page.goto(f"{stage.url}/sign-in")
        page.get_by_role("button", name=BUTTON).click()
        page.wait_for_url(re.compile(r"/interaction/"))
        page.get_by_label("Name").fill("wei")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{stage.url}/")
        assert page.get_by_role("button", name="Sign out").is_visible()
    assert console_log == []
