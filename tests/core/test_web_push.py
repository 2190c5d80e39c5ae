"""Web push: the vectors of RFC 8291, a push service that decrypts, and browsers that went away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from core.channels import channels_of
from core.channels.message import Channel, Message
from core.channels.web_push import (
    LONGEST,
    Subscription,
    Vapid,
    decoded,
    encoded,
    encrypt,
    is_push_service,
)
from core.db import Database
from core.errors import Invalid, NotFound
from core.people import Person
from core.push_devices import (
    MOST,
    add_push_device,
    drop_push_device,
    forget_push_devices,
    push_addresses_of,
    push_devices_of,
    remove_push_device,
)
from core.settings import Settings, load
from core.vault import Vault
from tests.fixtures import NOON, Administrator
from tests.servers import free_port
from tests.servers.push_service import Browser, PushService, serving_pushes
from tests.workflows.conftest import facts_of

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)
CONTACT = "mailto:office@example.com"
MESSAGE = Message(
    title="New ticket: #7 Mr Li's kitchen is flooded",
    body="Flat 1203\nPriority: critical",
    link="https://wk.example/n/abcdefghjkmnp",
    short="Mr Li's kitchen",
    accept="Accept",
    reference="abcdefghjkmnp",
    plain="New ticket #7",
    page="/tickets/7",
    takes=True,
)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key by its number."""
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), ec.SECP256R1())


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service of this machine."""
    with serving_pushes(NOON.timestamp()) as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation that pushes."""
    return load(data_dir=tmp_path, push_contact=CONTACT, push_services="127.0.0.1")


@pytest.fixture
def channel(settings: Settings) -> Channel:
    """Its channel."""
    [found] = channels_of(settings, lambda: NOON)
    return found


def add(
    database: Database, settings: Settings, person: UUID, browser: Browser, **changes: Any
) -> UUID:
    """Push to a browser from now on."""
    form = {**browser.form, **changes}
    with database.write() as session:
        return add_push_device(
            session,
            Vault(settings),
            person,
            (form["endpoint"], form["p256dh"], form["auth"]),
            label="Chrome · Android",
            services=settings.push_services,
            now=NOON,
        )


def addresses(database: Database, person: UUID) -> list[str]:
    with database.read() as session:
        return push_addresses_of(session, person)


def test_a_message_is_the_one_of_the_rfc_byte_for_byte() -> None:
    to = Subscription("", decoded(PUBLIC), decoded(AUTH))
    assert encoded(encrypt(PLAIN, to, private(SENDER), decoded(SALT))) == BODY
    reader = Browser("", private(RECEIVER), decoded(AUTH))
    assert reader.decrypt(decoded(BODY)) == PLAIN


def test_a_message_fits_one_record_or_is_refused() -> None:
    reader = Browser("")
    to = Subscription("", reader.public, reader.auth)
    body = encrypt(b"x" * LONGEST, to, private(SENDER), decoded(SALT))
    # What every push service takes (RFC 8030, section 7.2).
    assert len(body) <= 4096
    assert reader.decrypt(body) == b"x" * LONGEST
    with pytest.raises(ValueError, match="holds"):
        encrypt(b"x" * (LONGEST + 1), to, private(SENDER), decoded(SALT))


def test_a_push_arrives_and_says_nothing_personal(
    database: Database,
    administrator: Administrator,
    settings: Settings,
    channel: Channel,
    service: PushService,
) -> None:
    browser = service.browser()
    device = add(database, settings, administrator.person_id, browser)
    [address] = addresses(database, administrator.person_id)
    outcome = channel.send(address, MESSAGE)
    assert (outcome.sent, outcome.text) == (True, "taken by the push service")
    assert (outcome.reference, outcome.gone) == (str(device), False)
    assert browser.read == [
        {
            "title": "New ticket #7",
            "accept": "Accept",
            "link": "/n/abcdefghjkmnp",
            "page": "/tickets/7",
            "tag": "abcdefghjkmnp",
        }
    ]
    assert service.subjects == [CONTACT]
    assert browser.headers[0]["Topic"] == "abcdefghjkmnp"
    assert channel.send(address, replace(MESSAGE, takes=False)).sent
    assert browser.read[1]["accept"] == ""


def test_a_browser_that_went_away_is_known_from_one_that_is_only_busy(
    database: Database,
    administrator: Administrator,
    settings: Settings,
    channel: Channel,
    service: PushService,
) -> None:
    browser = service.browser()
    add(database, settings, administrator.person_id, browser)
    [address] = addresses(database, administrator.person_id)
    for status, gone in ((429, False), (500, False), (301, False), (404, True), (410, True)):
        service.status = status
        outcome = channel.send(address, MESSAGE)
        assert (outcome.sent, outcome.gone) == (False, gone), status
    assert browser.read == []


def test_what_fails_on_the_way_is_an_outcome(
    database: Database,
    administrator: Administrator,
    settings: Settings,
    channel: Channel,
    service: PushService,
) -> None:
    away = Browser(f"http://127.0.0.1:{free_port()}/push/1")
    add(database, settings, administrator.person_id, away)
    [address] = addresses(database, administrator.person_id)
    assert channel.send(address, MESSAGE).text == "ConnectError"
    [other] = channels_of(settings.model_copy(update={"push_services": "x.example"}), lambda: NOON)
    assert "push_services" in other.send(address, MESSAGE).text
    stranger = settings.model_copy(update={"secret_key": "k" * 32})
    [another] = channels_of(stranger, lambda: NOON)
    assert "another key" in another.send(address, MESSAGE).text
    with database.write() as session:
        row = push_devices_of(session, administrator.person_id)[0]
        row.sealed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
    [address] = addresses(database, administrator.person_id)
    assert "was changed" in channel.send(address, MESSAGE).text


def test_every_process_with_the_key_of_the_vault_is_the_same_sender(settings: Settings) -> None:
    assert Vapid(Vault(settings), CONTACT).public == Vapid(Vault(settings), CONTACT).public
    other = settings.model_copy(update={"secret_key": "k" * 32})
    assert Vapid(Vault(other), CONTACT).public != Vapid(Vault(settings), CONTACT).public
    assert len(decoded(Vapid(Vault(other), CONTACT).public)) == 65


@pytest.mark.parametrize(
    ("endpoint", "taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://wns2-db5p.notify.windows.com/w/?token=x", True),
        ("https://notify.windows.com/w", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evil-notify.windows.com.example/x", False),
        ("https://fcm.googleapis.com@evil.example/x", False),
        ("https://x@fcm.googleapis.com/x", False),
        ("http://fcm.googleapis.com/x", False),
        ("http://127.0.0.1:8086/write", False),
        ("https://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("https://[fcm.googleapis.com/x", False),
        ("", False),
    ],
)
def test_we_post_to_push_services_only(endpoint: str, taken: bool, settings: Settings) -> None:
    usual = Settings.model_fields["push_services"].default
    assert is_push_service(endpoint, usual) is taken


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://evil.example/push"},
        {"p256dh": ""},
        {"p256dh": encoded(b"\x04" + b"\x01" * 64)},
        {"p256dh": encoded(b"\x02" + b"\x01" * 32)},
        {"p256dh": "ä"},
        {"auth": encoded(b"short")},
        {"endpoint": "http://127.0.0.1/" + "x" * 1000},
    ],
)
def test_what_is_no_subscription_is_refused(
    database: Database,
    administrator: Administrator,
    settings: Settings,
    service: PushService,
    changes: dict[str, str],
) -> None:
    with pytest.raises(Invalid):
        add(database, settings, administrator.person_id, service.browser(), **changes)
    assert addresses(database, administrator.person_id) == []


def test_a_browser_pushes_for_whoever_said_so_last(
    database: Database, administrator: Administrator, settings: Settings, service: PushService
) -> None:
    browser = service.browser()
    with database.write() as session:
        other = Person(name="An", locale="en")
        session.add(other)
        session.flush()
        another = other.id
    add(database, settings, administrator.person_id, browser)
    add(database, settings, administrator.person_id, browser)
    assert len(addresses(database, administrator.person_id)) == 1
    add(database, settings, another, browser)
    assert addresses(database, administrator.person_id) == []
    assert len(addresses(database, another)) == 1


def test_devices_are_removed_by_their_owner_by_their_push_service_and_by_leaving(
    database: Database, administrator: Administrator, settings: Settings, service: PushService
) -> None:
    person = administrator.person_id
    first, second, _ = (add(database, settings, person, service.browser()) for _ in range(3))
    with database.write() as session:
        with pytest.raises(NotFound):
            remove_push_device(session, UUID(int=1), first, now=NOON)
        remove_push_device(session, person, first, now=NOON)
        for _ in range(2):
            drop_push_device(session, second, now=NOON)
    assert len(addresses(database, person)) == 1
    facts = [fact for fact in facts_of(database, "person.contact")]
    assert [fact.after for fact in facts] == [{"fields": ["push"]}] * 5
    assert facts[-1].actor_kind == "job"
    with database.write() as session:
        forget_push_devices(session, person)
    assert addresses(database, person) == []


def test_nobody_gathers_devices_without_end(
    database: Database, administrator: Administrator, settings: Settings, service: PushService
) -> None:
    for _ in range(MOST):
        add(database, settings, administrator.person_id, service.browser())
    with pytest.raises(Invalid):
        add(database, settings, administrator.person_id, service.browser())


def test_nothing_in_the_database_lets_anybody_push(
    database: Database, administrator: Administrator, settings: Settings, service: PushService
) -> None:
    browser = service.browser()
    add(database, settings, administrator.person_id, browser)
    with database.read() as session:
        [row] = push_devices_of(session, administrator.person_id)
        kept = repr(vars(row))
    assert not any(value in kept for value in browser.form.values())
