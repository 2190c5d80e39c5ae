"""How platforms prove who they are: signatures as others compute them, and what proves nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import topic_matches
from core.http_ingest.profiles import (
    PROFILES,
    Pushed,
    Sealed,
    asked_in_body,
    challenge_of,
    cipher_key_fault,
    decrypted,
    is_proved,
    opened,
)

NOW = datetime(2024, 11, 23, 22, 13, 20, tzinfo=UTC)
# Token and key are those of the platform's published receiver; openssl made the signatures.
ONENET = "5ec78dbca0db5a7e49b603fe"
CIPHER = "AAlvB3jc2dlPq2nF"
MESSAGE = '{"deviceName":"iot-0001"}'
SIGNED = {"msg": MESSAGE, "nonce": "abcdefgh", "signature": "zpXxFQU8cVDk7MoCzFDlUw=="}


def proved(profile: str, secret: str, pushed: Pushed, *, asks: bool = False) -> bool:
    return is_proved(PROFILES[profile], [secret], pushed, NOW, asks=asks)


def push(body: Any = b"", **headers: str) -> Pushed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Pushed({name.replace("_", "-"): text for name, text in headers.items()}, {}, raw)


# As GitHub's documentation prints it.
GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@pytest.mark.parametrize(
    ("body", "signature", "good"),
    [
        (b"Hello, World!", f"sha256={GITHUB}", True),
        (b"Hello, World!", f"sha256={GITHUB.upper()}", True),
        (b"Hello, World?", f"sha256={GITHUB}", False),
        (b"Hello, World!", GITHUB, False),
        (b"Hello, World!", "", False),
        (b"Hello, World!", "sha256=\u5b89", False),
    ],
)
def test_a_signature_of_the_body(body: bytes, signature: str, good: bool) -> None:
    pushed = push(body, x_hub_signature_256=signature)
    assert proved("hmac", "It's a Secret to Everybody", pushed) is good


@pytest.mark.parametrize(
    ("seconds", "stamp", "good"),
    [(0, "1732400000", True), (299, "1732400000", True), (301, "1732400000", False),
     (-301, "1732400000", False), (0, "soon", False), (0, "", False), (0, "9" * 400, False)],
)  # fmt: skip
def test_a_signature_of_time_and_body_counts_about_then(
    seconds: int, stamp: str, good: bool
) -> None:
    signature = "932916f69a33fac20ce26c95301d69e5ce5900f4c9b9ee141dd088834567e035"
    pushed = push(b'{"v":1}', x_timestamp=stamp, x_signature=signature)
    now = NOW + timedelta(seconds=seconds)
    assert is_proved(PROFILES["hmac-time"], ["a secret of mine"], pushed, now) is good


@pytest.mark.parametrize(
    ("headers", "query", "good"),
    [
        ({"authorization": "Bearer right-token"}, {}, True),
        ({"authorization": "bearer  right-token "}, {}, True),
        ({"x-api-key": "right-token"}, {}, True),
        ({}, {"token": "right-token"}, True),
        ({"authorization": "Bearer wrong"}, {"token": "right-token"}, True),
        ({"authorization": "Bearer wrong"}, {}, False),
        ({"authorization": "right"}, {}, False),
        ({}, {"token": ""}, False),
        ({}, {}, False),
    ],
)
def test_a_token_may_stand_in_a_header_or_in_the_address(
    headers: dict[str, str], query: dict[str, str], good: bool
) -> None:
    assert proved("ctwing", "right-token", Pushed(headers, query)) is good
    assert proved("token", "right-token", Pushed(headers, query)) is good


def test_the_signature_of_onenet_over_message_and_challenge() -> None:
    assert proved("onenet", ONENET, push(SIGNED))
    assert proved("onenet", ONENET, push({**SIGNED, "signature": "zpXxFQU8cVDk7MoCzFDlUw%3D%3D"}))
    assert not proved("onenet", ONENET, push({**SIGNED, "nonce": "abcdefgi"}))
    assert not proved("onenet", "another token", push(SIGNED))
    asked = {"msg": "hello", "nonce": "qwerty", "signature": "MCA70ImdgszEBTaRjN9c0g=="}
    assert proved("onenet", ONENET, Pushed({}, asked), asks=True)
    assert challenge_of(PROFILES["onenet"], Pushed({}, asked)) == "hello"
    assert not proved("onenet", ONENET, Pushed({}, {**asked, "msg": "hallo"}), asks=True)


def test_a_message_of_onenet_that_is_no_text_is_signed_as_it_is_written() -> None:
    body = b'{"msg": {"deviceName":"iot-0001"}, "nonce":"abcdefgh", "msg_signature":"%s"}'
    pushed = Pushed({}, {}, body.replace(b"%s", SIGNED["signature"].encode()))
    assert proved("onenet", ONENET, pushed)
    assert opened(PROFILES["onenet"], pushed, None).message == MESSAGE.encode()


def test_an_encrypted_message_of_onenet_is_read_by_its_key() -> None:
    sealed = "6Q5SxxrTTp67aO7rdck8rolqPhc3p53jVG+mS4Y9Crc="
    assert decrypted(sealed, CIPHER) == MESSAGE.encode()
    for text, key in ((sealed, CIPHER[::-1]), ("!", CIPHER), ("", CIPHER), (sealed, "A" * 43)):
        with pytest.raises(Sealed):
            decrypted(text, key)
    assert [
        cipher_key_fault(key) is None for key in (CIPHER, "x" * 43, "x" * 15, "\u00e9" * 16)
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_deliveries_are_told_apart_by_what_names_them() -> None:
    def ids(profile: str, pushed: Pushed) -> tuple[str, ...]:
        return opened(PROFILES[profile], pushed, None).ids

    assert ids("token", push(b"{}")) == ()
    assert ids("token", push(b"{}", x_delivery_id="7")) == ("x-delivery-id:7",)
    [trace] = ids("token", push(b"{}", x_request_id="7"))
    assert trace.startswith("x-request-id:7:")
    assert ids("token", push(b"[]", x_request_id="7")) != (trace,)
    first = ids("onenet", push({**SIGNED, "id": "a1"}))
    assert first == ids("onenet", push({**SIGNED, "id": "a1"}))
    assert first != ids("onenet", push({**SIGNED, "msg": "{}", "id": "a1"}))
    assert ids("onenet", push(SIGNED)) == ()


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"challenge": "abc", "type": "url_verification", "token": "t"}, "abc"),
        ({"challenge": "abc", "value": 1}, None),
        ({"v": 1}, None),
        ([1], None),
        (b"\xff", None),
    ],
)
def test_a_body_that_is_nothing_but_a_challenge(body: Any, asked: str | None) -> None:
    assert asked_in_body(push(body)) == asked


@given(
    st.binary(max_size=60), st.dictionaries(st.sampled_from(["msg", "nonce", "token"]), st.text())
)
def test_nothing_that_is_pushed_breaks_a_profile(body: bytes, query: dict[str, str]) -> None:
    headers = {name: body.decode("latin-1") for name in ("authorization", "x-signature")}
    for profile in PROFILES.values():
        for text in (body, json.dumps({**query, "signature": body.hex()}).encode()):
            pushed = Pushed({**headers, "x-timestamp": "1732400000"}, query, text)
            for asks in (False, True):
                assert not is_proved(profile, ["a secret"], pushed, NOW, asks=asks)
            opened(profile, pushed, None)


@pytest.mark.parametrize(
    ("wanted", "topic", "takes"),
    [
        ("#", "a/b", True),
        ("#", "$SYS/x", False),
        ("+/b", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a", True),
        ("a/#", "ab", False),
        ("a/b", "a/b", True),
        ("a", "a/b", False),
    ],
)
def test_which_topics_a_filter_takes(wanted: str, topic: str, takes: bool) -> None:
    assert topic_matches(wanted, topic) is takes
