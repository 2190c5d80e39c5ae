"""Signing out of the identity provider with signing out here, against a real provider."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE
from core import identity
from core.clock import SimulatedClock, SystemClock
from core.people import Person
from tests.servers.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    address_in,
    sign_in_there,
    sign_out_there,
)
from tests.web.conftest import client_of
from tests.web.markup import read
from tests.web.stage import Stage, build
from tests.web.test_people import GOOD, csrf_of, invitation, sign_in, with_password
from tests.web.test_sign_in import token_on, visitor
from web.pages import identity as pages


@pytest.fixture
def stage(
    foundation: Path, tmp_path: Path, identity_provider_server: IdentityProvider
) -> Iterator[Stage]:
    """The demo compound, where Wei signs in with a provider."""
    shutil.copytree(foundation, tmp_path, dirs_exist_ok=True)
    settings = {
        "oidc_issuer": identity_provider_server.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_label": "City Group",
    }
    stage = build(tmp_path, SimulatedClock(SystemClock().micros()), **settings)
    person = with_password(stage)
    subject = identity.Subject(stage.parts.provider.issuer, "wei", proved=False)
    with stage.parts.database.write() as session:
        identity.link(session, person, subject, now=stage.parts.clock.now())
    yield stage
    stage.live.stop()
    stage.parts.telemetry.close()
    stage.parts.database.close()


@pytest.fixture
def there() -> Iterator[httpx2.Client]:
    """The same browser as the provider sees it: it remembers who signed in."""
    with httpx2.Client(timeout=60) as browser:
        yield browser


def address_of_provider(client: TestClient) -> str:
    page = client.post("/sign-in/oidc", data={"csrf": token_on(client, "/sign-in")})
    return address_in(page.text)


def come_in(client: TestClient, there: httpx2.Client) -> None:
    answer = client.get(sign_in_there(address_of_provider(client), "wei", browser=there))
    assert answer.headers["location"] == "/"


def sign_out(client: TestClient) -> httpx2.Response:
    return client.post("/sign-out", data={"csrf": csrf_of(client, "/account")})


def is_asked_who_it_is(client: TestClient, there: httpx2.Client) -> bool:
    """Whether the provider asks for a name before it sends the browser back."""
    answer = there.get(address_of_provider(client))
    return answer.is_redirect and "/interaction/" in answer.headers["location"]


def test_signing_out_here_signs_out_there(stage: Stage, there: httpx2.Client) -> None:
    client = visitor(stage)
    come_in(client, there)
    assert not is_asked_who_it_is(visitor(stage), there)
    page = sign_out(client)
    assert page.status_code == 200
    assert SESSION_COOKIE not in client.cookies
    assert pages.HINT_COOKIE not in client.cookies
    assert client.get("/").headers["location"] == "/sign-in"
    back = sign_out_there(address_in(page.text), there)
    assert back == "http://testserver/sign-in"
    assert is_asked_who_it_is(visitor(stage), there)


def test_the_provider_is_told_whom_by_the_token_that_it_gave(
    stage: Stage, there: httpx2.Client
) -> None:
    client = visitor(stage)
    come_in(client, there)
    asked = parse_qs(urlsplit(address_in(sign_out(client).text)).query)
    assert asked["client_id"] == [CLIENT]
    assert asked["post_logout_redirect_uri"] == ["http://testserver/sign-in"]
    assert asked["id_token_hint"][0].count(".") == 2


def test_without_the_token_the_provider_is_asked_all_the_same(
    stage: Stage, there: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LONGEST_HINT", 10)
    client = visitor(stage)
    come_in(client, there)
    address = address_in(sign_out(client).text)
    assert "id_token_hint" not in parse_qs(urlsplit(address).query)
    assert sign_out_there(address, there) == "http://testserver/sign-in"


def test_who_joined_by_identity_is_signed_out_there_too(stage: Stage, there: httpx2.Client) -> None:
    client = visitor(stage)
    path = invitation(stage, client_of(stage, "administrator"))
    form = {"csrf": token_on(client, path), "name": "Guard Zhao"}
    onward = address_in(client.post(f"{path}/oidc", data=form).text)
    client.get(sign_in_there(onward, "zhao", browser=there))
    assert "end" in address_in(sign_out(client).text)


def test_who_signed_in_by_password_stays_signed_in_there(stage: Stage) -> None:
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    assert sign_out(client).headers["location"] == "/sign-in"


def test_a_provider_that_is_away_keeps_nobody_from_signing_out(
    stage: Stage, there: httpx2.Client, identity_provider_server: IdentityProvider
) -> None:
    client = visitor(stage)
    come_in(client, there)
    stage.parts.provider._known = None
    identity_provider_server.stop()
    assert sign_out(client).headers["location"] == "/sign-in"
    assert client.get("/").headers["location"] == "/sign-in"


def test_a_provider_that_offers_no_sign_out_is_left_alone(
    stage: Stage, there: httpx2.Client
) -> None:
    client = visitor(stage)
    come_in(client, there)
    known = stage.parts.provider._known
    assert known is not None
    for offered in (None, "javascript:alert(1)", "http://id.example/end"):
        dict_of = {**known.metadata, "end_session_endpoint": offered}
        object.__setattr__(known, "metadata", dict_of)
        assert stage.parts.provider.sign_out_address("", "http://testserver/sign-in") == ""
    assert sign_out(client).headers["location"] == "/sign-in"


def test_the_page_speaks_chinese(stage: Stage, there: httpx2.Client) -> None:
    client = visitor(stage, "zh")
    come_in(client, there)
    with stage.parts.database.read() as session:
        assert session.query(Person).count() > 0
    assert "一并退出登录" in sign_out(client).text
    assert read(client.get("/sign-in").text).forms
