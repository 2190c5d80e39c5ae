"""Voice notes over HTTP: the plain sound for who reads, the original for who may prove."""

import hashlib
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.events import Event
from core.voice import LARGEST_VOICE
from tests.api.building import put_ticket
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from tests.voices import long_webm, sample
from workflows.tickets.voices import MOST_VOICES


@pytest.fixture
def ticket_id(database: Database, site: SmallSite, clock: SimulatedClock) -> UUID:
    return put_ticket(database, site, clock.now())


@pytest.fixture
def technician(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("technician", site.id)


@pytest.fixture
def supervisor(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("supervisor", site.id)


def url_of(ticket_id: UUID) -> str:
    return f"/api/v1/tickets/{ticket_id}/voices"


def test_a_voice_note_is_plain_for_all_and_whole_for_who_may_prove(
    anonymous: TestClient, technician: User, supervisor: User, ticket_id: UUID, database: Database
) -> None:
    original = sample("phone.m4a")
    answer = anonymous.post(url_of(ticket_id), content=original, headers=technician.headers)
    assert answer.status_code == 201, answer.text
    [shown] = answer.json()["voices"]
    assert (shown["media_type"], shown["seconds"]) == ("audio/mp4", 3)
    assert (shown["size"], shown["note_id"]) == (len(original), None)
    assert shown["sha256"] == hashlib.sha256(original).hexdigest()
    address = f"/api/v1/voices/{shown['id']}"
    copy = anonymous.get(address, headers=technician.headers)
    assert copy.headers["Content-Type"] == "audio/mp4"
    assert copy.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Secretphone" not in copy.content
    assert anonymous.get(f"{address}/original", headers=technician.headers).status_code == 403
    whole = anonymous.get(f"{address}/original", headers=supervisor.headers)
    assert whole.content == original
    with database.read() as session:
        fact = session.query(Event).filter(Event.kind == "ticket.voice").one()
    assert fact.after == {"voice": shown["id"], "sha256": shown["sha256"]}


def test_a_browser_that_asks_for_a_part_gets_the_part(
    anonymous: TestClient, technician: User, ticket_id: UUID
) -> None:
    content = sample("chromium.webm")
    made = anonymous.post(url_of(ticket_id), content=content, headers=technician.headers).json()
    address = f"/api/v1/voices/{made['voices'][0]['id']}"
    part = anonymous.get(address, headers={**technician.headers, "Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, content[:2])
    assert part.headers["Content-Range"] == f"bytes 0-1/{len(content)}"


def test_the_same_voice_note_twice_is_one(
    anonymous: TestClient, technician: User, ticket_id: UUID, database: Database
) -> None:
    for _ in range(2):
        content = sample("chromium.webm")
        answer = anonymous.post(url_of(ticket_id), content=content, headers=technician.headers)
        assert len(answer.json()["voices"]) == 1
    with database.read() as session:
        assert session.query(Event).filter(Event.kind == "ticket.voice").count() == 1


@pytest.mark.parametrize(
    "content", [b"", b"no sound", sample("video.webm"), long_webm(180), sample("phone.m4a")[:999]]
)
def test_what_is_no_recording_leaves_nothing(
    anonymous: TestClient, technician: User, ticket_id: UUID, content: bytes
) -> None:
    # Its name or declared type says nothing: the bytes are judged.
    headers = {**technician.headers, "Content-Type": "audio/webm"}
    answer = anonymous.post(url_of(ticket_id), content=content, headers=headers)
    assert answer.status_code == 422
    assert "voice: " in answer.text
    shown = anonymous.get(f"/api/v1/tickets/{ticket_id}", headers=technician.headers)
    assert shown.json()["voices"] == []


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    anonymous: TestClient, technician: User, ticket_id: UUID
) -> None:
    headers = {**technician.headers, "Content-Length": str(LARGEST_VOICE * 2)}
    answer = anonymous.post(url_of(ticket_id), content=b"x", headers=headers)
    assert answer.status_code == 413


def test_a_ticket_holds_so_many_and_no_more(
    anonymous: TestClient, technician: User, ticket_id: UUID
) -> None:
    statuses = [
        anonymous.post(
            url_of(ticket_id), content=long_webm(1 + number), headers=technician.headers
        ).status_code
        for number in range(MOST_VOICES + 1)
    ]
    assert statuses == [201] * MOST_VOICES + [409]


def test_who_only_reads_adds_none(anonymous: TestClient, auditor: User, ticket_id: UUID) -> None:
    content = sample("chromium.webm")
    answer = anonymous.post(url_of(ticket_id), content=content, headers=auditor.headers)
    assert answer.status_code == 403


def test_a_stranger_hears_no_voice_note_of_ours(
    anonymous: TestClient, technician: User, stranger: User, ticket_id: UUID
) -> None:
    content = sample("chromium.webm")
    made = anonymous.post(url_of(ticket_id), content=content, headers=technician.headers).json()
    for address in ("", "/original"):
        url = f"/api/v1/voices/{made['voices'][0]['id']}{address}"
        assert anonymous.get(url, headers=stranger.headers).status_code == 404
