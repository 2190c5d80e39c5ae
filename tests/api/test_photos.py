"""Photos of tickets over HTTP: the copy for who reads, the original for who may prove."""

import hashlib
import io
from uuid import UUID

import pytest
from PIL import Image
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.events import Event
from core.pictures import LARGEST_PICTURE
from tests.api.building import put_ticket
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from tests.pictures import drawing, heic, photo
from workflows.tickets.photos import MOST_PHOTOS


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
    return f"/api/v1/tickets/{ticket_id}/photos"


def test_a_photo_is_on_the_ticket_small_for_all_and_whole_for_who_may_prove(
    anonymous: TestClient, technician: User, supervisor: User, ticket_id: UUID, database: Database
) -> None:
    original = photo()
    answer = anonymous.post(url_of(ticket_id), content=original, headers=technician.headers)
    assert answer.status_code == 201, answer.text
    [shown] = answer.json()["photos"]
    assert (shown["width"], shown["height"], shown["size"]) == (1600, 1200, len(original))
    assert shown["sha256"] == hashlib.sha256(original).hexdigest()
    address = f"/api/v1/photos/{shown['id']}"
    copy = anonymous.get(address, headers=technician.headers)
    assert copy.headers["Content-Type"] == "image/jpeg"
    assert copy.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Secretphone" not in copy.content
    with Image.open(io.BytesIO(copy.content)) as opened:
        assert max(opened.size) == 1280
    assert anonymous.get(f"{address}/original", headers=technician.headers).status_code == 403
    whole = anonymous.get(f"{address}/original", headers=supervisor.headers)
    assert whole.content == original
    with database.read() as session:
        fact = session.query(Event).filter(Event.kind == "ticket.photo").one()
    assert fact.after is not None
    assert fact.after["sha256"] == shown["sha256"]


def test_the_same_photo_twice_is_one(
    anonymous: TestClient, technician: User, ticket_id: UUID, database: Database
) -> None:
    for _ in range(2):
        answer = anonymous.post(url_of(ticket_id), content=photo(), headers=technician.headers)
        assert answer.status_code == 201
        assert len(answer.json()["photos"]) == 1
    with database.read() as session:
        assert session.query(Event).filter(Event.kind == "ticket.photo").count() == 1


@pytest.mark.parametrize("content", [b"", b"no picture", photo()[:200]])
def test_what_is_no_picture_leaves_nothing(
    anonymous: TestClient, technician: User, ticket_id: UUID, content: bytes
) -> None:
    answer = anonymous.post(url_of(ticket_id), content=content, headers=technician.headers)
    assert answer.status_code == 422
    assert "JPEG" in answer.text
    shown = anonymous.get(f"/api/v1/tickets/{ticket_id}", headers=technician.headers)
    assert shown.json()["photos"] == []


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    anonymous: TestClient, technician: User, ticket_id: UUID
) -> None:
    size = str(LARGEST_PICTURE * 2)
    headers = {**technician.headers, "Content-Length": size}
    answer = anonymous.post(url_of(ticket_id), content=b"x", headers=headers)
    assert answer.status_code == 413


def test_a_ticket_holds_so_many_and_no_more(
    anonymous: TestClient, technician: User, ticket_id: UUID
) -> None:
    for number in range(MOST_PHOTOS):
        content = drawing(size=(10 + number, 10))
        answer = anonymous.post(url_of(ticket_id), content=content, headers=technician.headers)
        assert answer.status_code == 201
    more = anonymous.post(url_of(ticket_id), content=photo(), headers=technician.headers)
    assert more.status_code == 409


def test_who_only_reads_adds_none(anonymous: TestClient, auditor: User, ticket_id: UUID) -> None:
    answer = anonymous.post(url_of(ticket_id), content=photo(), headers=auditor.headers)
    assert answer.status_code == 403


def test_a_stranger_sees_no_photo_of_ours(
    anonymous: TestClient, technician: User, stranger: User, ticket_id: UUID
) -> None:
    made = anonymous.post(url_of(ticket_id), content=photo(), headers=technician.headers).json()
    for address in ("", "/original"):
        url = f"/api/v1/photos/{made['photos'][0]['id']}{address}"
        assert anonymous.get(url, headers=stranger.headers).status_code == 404


def test_an_iphone_original_is_shown_as_jpeg_and_kept_as_it_came(
    anonymous: TestClient, technician: User, supervisor: User, ticket_id: UUID
) -> None:
    answer = anonymous.post(url_of(ticket_id), content=heic(), headers=technician.headers)
    assert answer.status_code == 201, answer.text
    [shown] = answer.json()["photos"]
    assert shown["media_type"] == "image/heic"
    address = f"/api/v1/photos/{shown['id']}"
    copy = anonymous.get(address, headers=technician.headers)
    assert copy.content.startswith(b"\xff\xd8")
    assert b"Secretphone" not in copy.content
    whole = anonymous.get(f"{address}/original", headers=supervisor.headers)
    assert (whole.headers["Content-Type"], whole.content) == ("image/heic", heic())
