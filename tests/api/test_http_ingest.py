"""What platforms push: accepted once, answered after it is committed, refused with a reason."""

import base64
import gzip
import hashlib
import hmac
import json
import zlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.context import Parts
from core import events
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.devices import Source
from core.http_ingest import HttpMessage, SourceKey, forget_deliveries, waiting
from core.ids import new_id
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite

# Two workers at once, on PostgreSQL, are tried in tests/core/test_http_accepting.py.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
API = "/api/v1"
SECRET = "the secret of a platform"


@pytest.fixture
def source(database: Database, site: SmallSite) -> UUID:
    """A source for what is pushed."""
    source_id = new_id()
    with database.write() as session:
        session.add(
            Source(
                id=source_id,
                site_id=site.id,
                code="cloud",
                topic_filter="http/riverside/cloud/#",
                dialect="mapping",
                options={},
            )
        )
    return source_id


def set_key(client: TestClient, source: UUID, profile: str, **more: Any) -> dict[str, Any]:
    body = {"profile": profile, "secret": SECRET, **more}
    answer = client.put(f"{API}/sources/{source}/key", json=body)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def later(clock: SimulatedClock, wait: timedelta) -> None:
    clock.advance_to(to_micros(clock.now() + wait))


def box(database: Database) -> list[tuple[str, bytes, bool]]:
    with database.read() as session:
        return [(one.topic, one.body, one.again) for one in waiting(session, 100)]


def bearer(secret: str = SECRET, **headers: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {secret}",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }


def test_what_is_pushed_waits_as_it_came_and_the_key_is_shown_once(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    made = client.put(f"{API}/sources/{source}/key", json={"profile": "token"}).json()
    assert made["path"] == f"{API}/ingest/{source}"
    assert "secret" not in client.get(f"{API}/sources/{source}/key").json()
    with database.read() as session:
        assert made["secret"].encode() not in session.get_one(SourceKey, source).secret
    pushed = anonymous.post(made["path"], content=b"\x00\xff", headers=bearer(made["secret"]))
    assert (pushed.status_code, pushed.json()) == (200, {"accepted": True, "known": False})
    below = anonymous.post(f"{made['path']}/a/b", json=1, headers=bearer(made["secret"]))
    assert below.status_code == 200
    assert box(database) == [
        ("http/riverside/cloud", b"\x00\xff", False),
        ("http/riverside/cloud/a/b", b"1", False),
    ]
    assert client.get(f"{API}/sources/{source}/key").json()["received_at"] is not None
    facts = [fact.kind for fact in events.read_after(database, events.START)]
    assert facts[-1] == "source.key_set"


def test_a_delivery_that_comes_again_is_accepted_and_changes_nothing(
    client: TestClient,
    anonymous: TestClient,
    database: Database,
    source: UUID,
    clock: SimulatedClock,
) -> None:
    path = set_key(client, source, "token")["path"]
    named = bearer(x_delivery_id="d-1")
    answers = [anonymous.post(path, json={"v": 1}, headers=named).json() for _ in range(3)]
    assert [answer["known"] for answer in answers] == [False, True, True]
    # Without a name it is taken in, marked as what was told before.
    for _ in range(2):
        assert anonymous.post(path, json={"v": 2}, headers=bearer()).json()["known"] is False
    assert [again for _, _, again in box(database)] == [False, False, True]
    later(clock, timedelta(hours=7))
    with database.write() as session:
        assert forget_deliveries(session, now=clock.now()) == 2
    assert anonymous.post(path, json={"v": 1}, headers=named).json()["known"] is False


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"v": 1}')),
        ("deflate", zlib.compress(b'{"v": 1}')),
        ("Deflate", zlib.compress(b'{"v": 1}', wbits=-15)),
        ("identity", b'{"v": 1}'),
    ],
    ids=["gzip", "zlib", "bare", "as it is"],
)
def test_what_was_packed_on_its_way_is_unpacked(
    client: TestClient,
    anonymous: TestClient,
    database: Database,
    source: UUID,
    encoding: str,
    packed: bytes,
) -> None:
    path = set_key(client, source, "token")["path"]
    headers = bearer(content_encoding=encoding)
    assert anonymous.post(path, content=packed, headers=headers).status_code == 200
    assert [body for _, body, _ in box(database)] == [b'{"v": 1}']


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", b'{"v": 1}'),
        ("gzip", gzip.compress(b'{"v": 1}')[:-4]),
        ("gzip", gzip.compress(bytes(1024 * 1024 + 1))),
        ("br", b"\x0b\x03"),
    ],
    ids=["not packed", "cut", "too large", "unknown"],
)
def test_what_cannot_be_unpacked_is_refused(
    client: TestClient,
    anonymous: TestClient,
    database: Database,
    source: UUID,
    encoding: str,
    packed: bytes,
) -> None:
    path = set_key(client, source, "token")["path"]
    headers = bearer(content_encoding=encoding)
    refused = anonymous.post(path, content=packed, headers=headers)
    assert refused.status_code == 422
    assert "Content-Encoding" in str(refused.json())
    assert box(database) == []


def test_the_secret_may_be_the_password_of_a_user(
    client: TestClient, anonymous: TestClient, source: UUID
) -> None:
    path = set_key(client, source, "token")["path"]
    for words, status in ((f"any:{SECRET}", 200), (f"{SECRET}:any", 401), (SECRET, 401)):
        basic = base64.b64encode(words.encode()).decode()
        answer = anonymous.post(path, json=1, headers={"Authorization": f"Basic {basic}"})
        assert answer.status_code == status
    broken = {"Authorization": "Basic a=b"}
    assert anonymous.post(path, json=1, headers=broken).status_code == 401


def test_the_mark_of_a_proxy_neither_hides_a_repetition_nor_what_is_new(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    path = set_key(client, source, "token")["path"]
    for trace, value in (("t-1", 1), ("t-1", 1), ("t-1", 2), ("t-2", 2)):
        anonymous.post(path, json={"v": value}, headers=bearer(x_request_id=trace))
    kept = [(json.loads(body)["v"], again) for _, body, again in box(database)]
    assert kept == [(1, False), (2, False), (2, True)]


def test_who_proves_nothing_learns_nothing(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    path = f"{API}/ingest/{source}"
    answers = [anonymous.post(path, json=1, headers=bearer())]
    set_key(client, source, "hmac")
    answers.append(anonymous.post(path, json=1, headers=bearer()))
    answers.append(anonymous.post(f"{API}/ingest/{new_id()}", json=1, headers=bearer()))
    answers.append(anonymous.get(path, params={"challenge": "x"}))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert box(database) == []


def test_the_secret_before_counts_for_a_day_more(
    client: TestClient, anonymous: TestClient, source: UUID, clock: SimulatedClock
) -> None:
    path = set_key(client, source, "token")["path"]
    fresh = set_key(client, source, "token", secret="another secret")

    def works(secret: str) -> bool:
        return anonymous.post(path, json=1, headers=bearer(secret)).status_code == 200

    assert fresh["former_until"] is not None
    assert works(SECRET)
    assert works("another secret")
    later(clock, timedelta(days=1, seconds=1))
    assert (works(SECRET), works("another secret")) == (False, True)
    # A secret of another profile proves nothing by this one.
    set_key(client, source, "ctwing", secret="a third secret")
    assert (works("another secret"), works("a third secret")) == (False, True)
    assert client.delete(f"{API}/sources/{source}/key").status_code == 204
    assert not works("a third secret")
    assert client.delete(f"{API}/sources/{source}/key").status_code == 404


def test_a_secret_that_leaked_ends_when_another_one_is_set(
    client: TestClient, anonymous: TestClient, source: UUID, database: Database
) -> None:
    path = set_key(client, source, "token")["path"]

    def works(secret: str) -> bool:
        return anonymous.post(path, json=1, headers=bearer(secret)).status_code == 200

    set_key(client, source, "token", secret="another secret")
    # Neither it nor one that still counted from before; and it is not set again by mistake.
    for known in (SECRET, "another secret"):
        body = {"profile": "token", "secret": known, "leaked": True}
        answer = client.put(f"{API}/sources/{source}/key", json=body)
        assert answer.status_code == 422
        assert "leaked" in answer.text
    assert works(SECRET)
    fresh = set_key(client, source, "token", secret="a third secret", leaked=True)
    assert fresh["former_until"] is None
    works_now = [works(one) for one in (SECRET, "another secret", "a third secret")]
    assert works_now == [False, False, True]
    with database.read() as session:
        fact = events.Event
        told = select(fact.after).where(fact.kind == "source.key_set").order_by(fact.seq)
        leaked = [(after or {})["leaked"] for after in session.scalars(told)]
    assert leaked == [False, False, True]


def onenet(message: str, **more: str) -> dict[str, str]:
    digest = hashlib.md5(f"{SECRET}n0nce{message}".encode()).digest()
    return {
        "msg": message,
        "nonce": "n0nce",
        "signature": base64.b64encode(digest).decode(),
        **more,
    }


def test_onenet_asks_and_then_pushes_what_stands_in_its_envelope(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    path = set_key(client, source, "onenet")["path"]
    asked = anonymous.get(path, params=onenet("123456"))
    assert (asked.status_code, asked.text) == (200, "123456")
    assert asked.headers["Content-Type"].startswith("text/plain")
    message = '{"deviceName": "iot-1", "messageType": "lifeCycle"}'
    for _ in range(2):
        assert anonymous.post(path, json=onenet(message, id="m-1")).status_code == 200
    assert box(database) == [("http/riverside/cloud", message.encode(), False)]
    set_key(client, source, "onenet", cipher_key="AAlvB3jc2dlPq2nF")
    refused = anonymous.post(path, json=onenet("bm90IGVuY3J5cHRlZA=="))
    assert refused.status_code == 422
    assert "can't be decrypted" in refused.json()["problems"][0]


def test_a_challenge_by_post_is_given_back_and_is_no_message(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    path = set_key(client, source, "hmac")["path"]
    body = json.dumps({"challenge": "c-1", "type": "url_verification"}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    answer = anonymous.post(path, content=body, headers={"X-Hub-Signature-256": signature})
    assert (answer.status_code, answer.json()) == (200, {"challenge": "c-1"})
    assert box(database) == []


def test_a_source_of_our_own_dialect_is_told_device_and_kind(
    client: TestClient, anonymous: TestClient, database: Database, site: SmallSite
) -> None:
    listed = client.get(f"{API}/sources", params={"site": str(site.id)}).json()["items"]
    own = next(UUID(each["id"]) for each in listed if each["code"] == "own")
    path = set_key(client, own, "token")["path"]
    good = anonymous.post(f"{path}/pump-1/readings", json={"temp": 5}, headers=bearer())
    assert good.status_code == 200
    assert box(database) == [("wk/v1/riverside/pump-1/readings", b'{"temp":5}', False)]
    for wrong in ("", "/pump-1", "/pump-1/clock", "/a/b/readings", "/%2B/readings"):
        refused = anonymous.post(f"{path}{wrong}", json={}, headers=bearer())
        assert refused.status_code == 422, wrong


def test_a_source_that_does_not_take_it_says_what_to_change(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    path = set_key(client, source, "token")["path"]

    def refused(**change: Any) -> dict[str, Any]:
        with database.write() as session:
            row = session.get_one(Source, source)
            for name, value in change.items():
                setattr(row, name, value)
        answer = anonymous.post(path, json=1, headers=bearer())
        assert answer.status_code == 409
        problem: dict[str, Any] = answer.json()
        return problem

    assert "disabled" in refused(enabled=False)["detail"]
    said = refused(enabled=True, topic_filter="plant/#")
    assert said["advice"] == "Set its topic filter to http/riverside/cloud/#."
    assert anonymous.post(f"{path}/a+b", json=1, headers=bearer()).status_code == 422
    assert anonymous.post(path, content=b"x" * 2_000_000, headers=bearer()).status_code == 413


def test_more_than_may_wait_is_refused_until_there_is_room(
    client: TestClient,
    anonymous: TestClient,
    database: Database,
    parts: Parts,
    source: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = set_key(client, source, "token")["path"]
    settings = parts.settings.model_copy(update={"http_ingest_waiting": 4})
    object.__setattr__(parts, "settings", settings)

    def push(number: int) -> Any:
        return anonymous.post(path, json={"v": number}, headers=bearer(x_request_id=str(number)))

    assert [push(number).status_code for number in range(3)] == [200, 200, 429]
    refused = push(2)
    assert int(refused.headers["Retry-After"]) > 0
    with database.write() as session:
        for row in session.scalars(select(HttpMessage)).all():
            row.source_id = new_id()
    assert [push(number).status_code for number in range(2, 5)] == [200, 200, 503]
    assert int(push(5).headers["Retry-After"]) > 0
    with database.write() as session:
        for row in session.scalars(select(HttpMessage)).all():
            session.delete(row)
    # What was refused was not noted as delivered.
    assert push(4).json() == {"accepted": True, "known": False}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"profile": "onenett"}, "profile: one of token, hmac"),
        ({"profile": "token", "secret": "short"}, "secret: 8 to 200"),
        ({"profile": "token", "secret": "密钥" * 8}, "secret: 8 to 200"),
        ({"profile": "onenet", "cipher_key": "short"}, "cipher_key: 16 characters"),
        ({"profile": "token", "cipher_key": "x" * 16}, "cipher_key: this platform encrypts"),
    ],
)
def test_a_key_that_cannot_be_says_why(
    client: TestClient, source: UUID, body: dict[str, Any], problem: str
) -> None:
    refused = client.put(f"{API}/sources/{source}/key", json=body)
    assert refused.status_code == 422
    assert refused.json()["problems"][0].startswith(problem)
    assert client.get(f"{API}/sources/{source}/key").status_code == 404


def test_who_may_only_read_devices_sets_no_key(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, source: UUID
) -> None:
    reader = make_user("auditor", site.id).headers
    path = f"{API}/sources/{source}/key"
    assert anonymous.put(path, json={"profile": "token"}, headers=reader).status_code == 403
    assert anonymous.get(path, headers=reader).status_code == 404


def test_strangers_are_turned_away_while_somebody_writes(
    client: TestClient, anonymous: TestClient, database: Database, source: UUID
) -> None:
    set_key(client, source, "token")
    with database.write():
        refused = anonymous.post(f"{API}/ingest/{source}", json={}, headers=bearer("guessed"))
    assert refused.status_code == 401
