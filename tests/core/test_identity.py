"""Identities: only a token that the provider made for this very sign-in says who somebody is."""

import base64
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import func, select

from core import identity
from core.db import Database
from core.errors import Conflict, NotFound
from core.identity import Provider, ProviderAway, SignInRefused, Subject
from core.identity import provider as provider_module
from core.identity.attempts import IdentityAttempt
from core.ids import new_id
from core.people import Person
from core.settings import load
from tests.core.forged_provider import CLIENT, NONCE, SECRET, ForgedProvider, forged_provider
from tests.core.test_accounts import put_person
from tests.fixtures import NOON
from tests.threads import in_threads

BACK = "https://watch.example/sign-in/oidc/return"
SECONDS = int(NOON.timestamp())
ATTEMPT = IdentityAttempt(nonce=NONCE, verifier="v" * 64)


@pytest.fixture
def forged() -> Iterator[ForgedProvider]:
    with forged_provider() as forged:
        forged.claims = {
            "iss": forged.issuer,
            "aud": CLIENT,
            "sub": "wei",
            "nonce": NONCE,
            "iat": SECONDS,
            "exp": SECONDS + 300,
        }
        yield forged


def of(forged: ForgedProvider, secret: str = SECRET) -> Provider:
    return Provider(
        load(oidc_issuer=forged.issuer, oidc_client_id=CLIENT, oidc_client_secret=secret)
    )


def subject(forged: ForgedProvider) -> Subject:
    return of(forged).subject_of("the code", ATTEMPT, BACK, now=NOON)


def reason(forged: ForgedProvider) -> str:
    with pytest.raises((SignInRefused, ProviderAway)) as caught:
        subject(forged)
    return str(getattr(caught.value, "reason", ""))


def test_an_honest_token_names_the_subject(forged: ForgedProvider) -> None:
    assert subject(forged) == Subject(forged.issuer, "wei", proved=False)


@pytest.mark.parametrize(
    ("amr", "proved"), [(["pwd", "mfa"], True), (["mfa"], True), (["pwd", "otp"], False)]
)
def test_mfa_alone_says_that_a_second_factor_was_asked_for(
    forged: ForgedProvider, amr: list[str], proved: bool
) -> None:
    forged.claims["amr"] = amr
    assert subject(forged).proved is proved


def test_the_code_is_redeemed_with_its_verifier_and_our_secret(forged: ForgedProvider) -> None:
    of(forged, "a: secret%&ü").subject_of("the code", ATTEMPT, BACK, now=NOON)
    path, form, authorization = forged.asked[-1]
    assert path == "/token"
    assert form == {
        "grant_type": ["authorization_code"],
        "code": ["the code"],
        "code_verifier": ["v" * 64],
        "redirect_uri": [BACK],
    }
    # RFC 6749 2.3.1 has both form-encoded first.
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == (
        f"{CLIENT}:a%3A+secret%25%26%C3%BC"
    )


def test_a_provider_that_takes_secrets_in_forms_only_gets_it_there(forged: ForgedProvider) -> None:
    forged.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    subject(forged)
    _, form, authorization = forged.asked[-1]
    assert (form["client_secret"], authorization) == ([SECRET], "")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.example"},
        {"iss": None},
        {"aud": "somebody else"},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT, "somebody else"]},
        {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
        {"azp": "somebody else"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ""},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 7},
        {"exp": None},
        {"iat": None},
        {"amr": "mfa"},
        {"at_hash": "not of this access token"},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_not_trusted(
    forged: ForgedProvider, changed: dict[str, Any]
) -> None:
    forged.claims = {k: v for k, v in (forged.claims | changed).items() if v is not None}
    assert reason(forged) in ("untrusted", "clock")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"exp": SECONDS - 120}, "clock"),
        ({"exp": SECONDS - 119}, None),
        ({"iat": SECONDS + 121}, "clock"),
        ({"iat": SECONDS + 120}, None),
        ({"nbf": SECONDS + 121}, "clock"),
        ({"exp": "soon"}, "clock"),
    ],
    ids=str,
)
def test_clocks_may_differ_by_two_minutes(
    forged: ForgedProvider, changed: dict[str, Any], told: str | None
) -> None:
    forged.claims |= changed
    assert (reason(forged) if told else subject(forged) and None) == told


def test_only_the_providers_own_key_signs(forged: ForgedProvider) -> None:
    own = forged.keys[0]
    forged_key = RSAKey.generate_key(2048, {"kid": str(own.kid)})
    for sign in (
        forged.unsigned,
        forged.signed_by_secret,
        lambda claims: forged.signed(claims)[:-8] + "AAAAAAAA",
        lambda _claims: "not a token",
        lambda _claims: "",
    ):
        forged.sign = sign
        assert reason(forged) == "untrusted"
    provider = of(forged)
    provider.check()
    forged.sign = forged.signed
    forged.keys = [forged_key]
    with pytest.raises(SignInRefused) as caught:
        provider.subject_of("the code", ATTEMPT, BACK, now=NOON)
    assert caught.value.reason == "untrusted"


def test_an_algorithm_that_the_provider_does_not_use_is_refused(forged: ForgedProvider) -> None:
    forged.metadata["id_token_signing_alg_values_supported"] = ["ES256"]
    assert reason(forged) == "untrusted"


def test_a_new_key_of_the_provider_is_fetched(forged: ForgedProvider) -> None:
    provider = of(forged)
    provider.subject_of("the code", ATTEMPT, BACK, now=NOON)
    forged.keys.append(RSAKey.generate_key(2048, auto_kid=True))
    found = provider.subject_of("the code", ATTEMPT, BACK, now=NOON)
    assert found.subject == "wei"
    assert [path for path, *_ in forged.asked].count("/keys") == 2


def test_an_answer_without_an_id_token_is_not_trusted(forged: ForgedProvider) -> None:
    forged.raw["/token"] = (200, b'{"access_token": "at", "token_type": "Bearer"}')
    assert reason(forged) == "untrusted"


@pytest.mark.parametrize(
    ("path", "status", "body", "told"),
    [
        ("/.well-known/openid-configuration", 500, b"", "away"),
        ("/.well-known/openid-configuration", 404, b"{}", "away"),
        ("/.well-known/openid-configuration", 200, b"<html>", "away"),
        ("/.well-known/openid-configuration", 200, b"[]", "away"),
        ("/keys", 200, b'{"keys": []}', "away"),
        ("/keys", 200, b"{}", "away"),
        ("/keys", 302, b"", "away"),
        ("/token", 500, b"", "away"),
        ("/token", 200, b"<html>", "away"),
        ("/token", 200, b"[]", "away"),
        ("/token", 400, b'{"error": "invalid_grant"}', "stale"),
        ("/token", 401, b'{"error": "invalid_client"}', "settings"),
        ("/token", 400, b'{"error": "unauthorized_client"}', "settings"),
    ],
)
def test_whatever_the_provider_answers_says_what_to_do(
    forged: ForgedProvider, path: str, status: int, body: bytes, told: str
) -> None:
    forged.raw[path] = (status, body)
    assert reason(forged) == told


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://id.example"},
        {"issuer": None},
        {"token_endpoint": "http://id.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_provider_that_is_another_or_unsafe_is_not_spoken_with(
    forged: ForgedProvider, changed: dict[str, Any]
) -> None:
    forged.metadata |= changed
    assert reason(forged) == "settings"


def test_a_provider_that_is_down_is_left_alone_for_a_moment(
    forged: ForgedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = of(forged)
    forged.raw["/keys"] = (500, b"")
    for _ in range(3):
        with pytest.raises(ProviderAway):
            provider.check()
    assert [path for path, *_ in forged.asked] == ["/.well-known/openid-configuration"]
    del forged.raw["/keys"]
    monkeypatch.setattr(provider_module, "LEFT_ALONE_SECONDS", 0.0)
    provider._left_alone_until = 0.0
    provider.check()


def test_a_provider_that_hangs_holds_few_of_us(
    forged: ForgedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_module, "ANSWERS_WITHIN", 120.0)
    provider = of(forged)
    provider.check()
    back, over = list[int](), threading.Event()
    held = list[bool]()

    def hang(_claims: dict[str, Any]) -> str:
        # It answers when all are back but those whom it may hold; never, if it holds more.
        held.append(over.wait(60))
        return ""

    forged.sign = hang

    def attempt(number: int) -> None:
        with pytest.raises((ProviderAway, SignInRefused)):
            provider.subject_of("the code", ATTEMPT, BACK, now=NOON)
        back.append(number)
        if len(back) >= 20 - provider_module.ASKED_AT_ONCE:
            over.set()

    in_threads(20, attempt)
    assert held
    assert all(held)


def test_a_provider_that_hangs_is_given_up(
    forged: ForgedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_module, "ANSWERS_WITHIN", 0.5)
    provider = of(forged)
    provider.check()
    given_up = threading.Event()

    def hang(_claims: dict[str, Any]) -> str:
        given_up.wait(60)
        return ""

    forged.sign = hang
    with pytest.raises(ProviderAway, match="ReadTimeout"):
        provider.subject_of("the code", ATTEMPT, BACK, now=NOON)
    given_up.set()


def test_without_a_setting_there_is_no_provider() -> None:
    provider = Provider(load())
    assert (provider.issuer, provider.label) == ("", "")
    with pytest.raises(NotFound):
        provider.check()


def test_the_button_says_the_label_or_the_host() -> None:
    chosen = {"oidc_issuer": "https://id.example/realm", "oidc_client_id": "wk"}
    assert Provider(load(**chosen)).label == "id.example"
    assert Provider(load(**chosen, oidc_label="City Group")).label == "City Group"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("access_denied", "denied"),
        ("consent_required", "denied"),
        ("temporarily_unavailable", "away"),
        ("server_error", "away"),
        ("invalid_scope", "settings"),
        ("<script>", "settings"),
    ],
)
def test_what_the_provider_says_in_an_address_is_not_repeated(error: str, told: str) -> None:
    refusal = identity.refusal_of(error)
    assert refusal.reason == told
    assert error not in refusal.detail + refusal.advice


def begun(database: Database, **given: Any) -> identity.Begun:
    with database.write() as session:
        return identity.begin(session, "sign_in", now=NOON, **given)


def take(database: Database, begun: identity.Begun, after: timedelta = timedelta()) -> bool:
    try:
        with database.write() as session:
            identity.take(session, begun.state, begun.browser, now=NOON + after)
    except SignInRefused:
        return False
    return True


def test_an_attempt_is_used_once_even_by_many_at_once(database: Database) -> None:
    attempt = begun(database)
    assert sorted(in_threads(6, lambda _: take(database, attempt))) == [False] * 5 + [True]


def test_attempts_end_and_are_forgotten(database: Database) -> None:
    attempt, kept = begun(database), begun(database)
    assert not take(database, attempt, identity.ATTEMPT_LIFETIME)
    late = NOON + identity.ATTEMPT_LIFETIME
    with database.write() as session:
        identity.begin(session, "sign_in", now=NOON + timedelta(seconds=1))
        assert identity.forget_attempts(session, now=late) == 2
        assert session.scalar(select(func.count(IdentityAttempt.state_hash))) == 1
    assert not take(database, kept)


def test_what_is_kept_of_an_attempt_opens_nothing(database: Database) -> None:
    attempt = begun(database)
    with database.read() as session:
        row = session.scalars(select(IdentityAttempt)).one()
    stolen = identity.Begun(row.state_hash, row.browser_hash, row.nonce, row.verifier)
    assert not take(database, stolen)
    assert take(database, attempt)


WEI = Subject("https://id.example", "wei", proved=False)


def link(database: Database, person: UUID, subject: Subject = WEI) -> None:
    with database.write() as session:
        identity.link(session, person, subject, now=NOON)


def person_of(database: Database) -> UUID:
    person = new_id()
    with database.write() as session:
        session.add(Person(id=person, name="Li Na", locale="zh"))
    return person


def test_the_same_subject_of_another_issuer_is_somebody_else(database: Database) -> None:
    wei, other = put_person(database), person_of(database)
    link(database, wei)
    link(database, other, Subject("https://other.example", "wei", proved=False))
    with database.write() as session:
        assert identity.sign_in(session, WEI, now=NOON).secret
        with pytest.raises(SignInRefused):
            identity.sign_in(session, Subject("https://third.example", "wei", False), now=NOON)


def test_linking_again_changes_nothing_and_taking_anothers_is_refused(database: Database) -> None:
    wei, other = put_person(database), person_of(database)
    link(database, wei)
    link(database, wei)
    with pytest.raises(Conflict, match="colleague"):
        link(database, other)
    with pytest.raises(Conflict, match="another"):
        link(database, wei, Subject(WEI.issuer, "wei.2", proved=False))


def test_who_has_no_password_keeps_their_only_way_in(database: Database) -> None:
    other = person_of(database)
    link(database, other)
    with database.write() as session:
        with pytest.raises(Conflict, match="could not sign in"):
            identity.unlink(session, other, WEI.issuer, now=NOON)
        with pytest.raises(NotFound):
            identity.unlink(session, other, "https://other.example", now=NOON)
