"""Where the product listens, and the HTTPS of its own that it serves to others."""

import asyncio
import http.client
import ssl
import stat
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from cryptography import x509

from core.settings import load
from watchkeeper.own_authority import broker_identity, identity
from watchkeeper.serving import WebServer

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


async def application(
    scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"awake"})


async def who_asks(
    scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    said = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    """A server that can be reached from outside, to which nobody gave a certificate."""
    settings = load(http_host="0.0.0.0", http_port=0)
    server = WebServer(application, settings, tmp_path, datetime.now(UTC))
    server.start()
    yield server
    server.stop()


def read(url: str, context: ssl.SSLContext) -> bytes:
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        body: bytes = answer.read()
    return body


def chain(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def test_who_trusts_our_authority_reads_us_by_name_and_by_address(server: WebServer) -> None:
    assert server.own is not None
    trusting = ssl.create_default_context(cafile=str(server.own.authority))
    assert server.url.startswith("https://")
    assert "0.0.0.0" not in server.url
    assert read(server.url, trusting) == b"awake"
    assert read(f"https://localhost:{server.port}", trusting) == b"awake"


def test_this_machine_reaches_it_whatever_others_call_it(tmp_path: Path) -> None:
    settings = load(http_host="0.0.0.0", http_port=0, public_url="https://watch.invalid/")
    server = WebServer(application, settings, tmp_path, datetime.now(UTC))
    server.start()
    assert server.own is not None
    trusting = ssl.create_default_context(cafile=str(server.own.authority))
    assert server.url == "https://watch.invalid"
    assert read(server.local_url, trusting) == b"awake"
    server.stop()


def test_who_does_not_trust_it_is_warned(server: WebServer) -> None:
    with pytest.raises(URLError, match="certificate verify failed"):
        read(server.url, ssl.create_default_context())


def test_on_this_machine_alone_no_certificate_is_made(tmp_path: Path) -> None:
    server = WebServer(application, load(http_port=0), tmp_path, NOW)
    server.start()
    server.stop()
    assert server.own is None
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert list(tmp_path.iterdir()) == []


def test_a_given_certificate_comes_before_our_own(tmp_path: Path) -> None:
    given = identity(tmp_path / "given", "0.0.0.0", NOW)
    settings = load(
        http_host="0.0.0.0", http_port=0, http_certificate=given.chain, http_key=given.key
    )
    server = WebServer(application, settings, tmp_path / "data", datetime.now(UTC))
    server.start()
    server.stop()
    assert server.own is None
    assert server.url.startswith("https://")


def test_the_authority_stays_while_the_server_certificate_is_renewed(tmp_path: Path) -> None:
    first = identity(tmp_path, "watch.example", NOW)
    fingerprint, serial = first.fingerprint, chain(first.chain).serial_number
    again = identity(tmp_path, "watch.example", NOW + timedelta(days=360))
    assert chain(again.chain).serial_number == serial
    renewed = identity(tmp_path, "watch.example", NOW + timedelta(days=370))
    assert chain(renewed.chain).serial_number != serial
    assert renewed.fingerprint == fingerprint


def test_another_name_gets_another_certificate_of_the_same_authority(tmp_path: Path) -> None:
    first = identity(tmp_path, "watch.example", NOW)
    fingerprint, serial = first.fingerprint, chain(first.chain).serial_number
    moved = identity(tmp_path, "elsewhere.example", NOW)
    assert chain(moved.chain).serial_number != serial
    names = chain(moved.chain).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "elsewhere.example" in names.value.get_values_for_type(x509.DNSName)
    assert moved.fingerprint == fingerprint


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    identity(tmp_path, "watch.example", NOW)
    for name in ("authority-key.pem", "server-key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_answers_given_while_it_ends_end_their_connections(tmp_path: Path) -> None:
    asked, answer = threading.Event(), threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        if scope["path"] == "/slow":
            await asyncio.to_thread(answer.wait, 60)
        await application(scope, receive, send)

    server = WebServer(slow, load(http_port=0), tmp_path, datetime.now(UTC))
    # However slow the machine, nothing is cut off.
    server._server.config.timeout_graceful_shutdown = None
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/")
    first = connection.getresponse()
    assert (first.read(), first.getheader("connection")) == (b"awake", None)
    asked.clear()
    connection.request("GET", "/slow")
    assert asked.wait(60)
    ending = threading.Thread(target=server.stop)
    ending.start()
    while not server._server.should_exit:
        time.sleep(0.01)
    answer.set()
    last = connection.getresponse()
    assert (last.read(), last.getheader("connection")) == (b"awake", "close")
    ending.join(60)
    server._thread.join(60)
    assert not server.alive
    connection.close()


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ("*", b"https 192.0.2.7"),
        ("203.0.113.9 127.0.0.0/8", b"https 192.0.2.7"),
        ("203.0.113.0/24", b"http 127.0.0.1"),
    ],
)
def test_only_its_proxies_are_believed_who_asks_and_they_are_served_plainly(
    proxies: str, told: bytes, tmp_path: Path
) -> None:
    settings = load(http_host="0.0.0.0", http_port=0, http_proxies=proxies)
    server = WebServer(who_asks, settings, tmp_path, datetime.now(UTC))
    server.start()
    try:
        assert server.own is None
        headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.read() == told
    finally:
        server.stop()


def test_a_broker_keeps_its_certificate_as_long_as_its_authority(tmp_path: Path) -> None:
    made = broker_identity(tmp_path, ["watch.example.com"], NOW)
    assert chain(made.chain).not_valid_after_utc == chain(made.authority).not_valid_after_utc
    before = made.chain.read_bytes()
    broker_identity(tmp_path, ["watch.example.com"], NOW + timedelta(days=3000))
    assert made.chain.read_bytes() == before
    broker_identity(tmp_path, ["other.example.com"], NOW)
    names = chain(made.chain).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "other.example.com" in names.value.get_values_for_type(x509.DNSName)
    assert chain(made.chain).issuer == chain(made.authority).subject
