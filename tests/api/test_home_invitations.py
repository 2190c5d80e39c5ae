"""Invitations of people of households, and their sign-in links, over HTTP."""

from uuid import UUID

from sqlalchemy import select
from starlette.testclient import TestClient

from core.accounts import new_password
from core.clock import SimulatedClock
from core.db import Database
from core.home_accounts import join_home
from core.homes import Home
from core.idempotency import IdempotentAnswer
from core.people import Grant
from tests.fixtures import SmallSite

PHONE = "13800138000"


def join(database: Database, path: str, clock: SimulatedClock) -> None:
    """Somebody of a household joins by the path of an invitation."""
    with database.write() as session:
        account = new_password(PHONE, "three plain words")
        join_home(session, path.removeprefix("/join/home/"), account, "en", now=clock.now())


def test_an_invitation_of_one_resident_and_then_their_link(
    client: TestClient, theirs: dict[str, str], database: Database, clock: SimulatedClock
) -> None:
    one = f"/api/v1/residents/{theirs['resident_id']}"
    assert client.post(f"{one}/link").status_code == 409
    first = client.post(f"{one}/invitation", headers={"Idempotency-Key": "a"})
    second = client.post(f"{one}/invitation", headers={"Idempotency-Key": "a"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["path"] != second.json()["path"]
    assert second.json()["name"] == "Zhao Lei"
    household = f"/api/v1/spaces/{theirs['space_id']}/household"
    assert [each["has_account"] for each in client.get(household).json()["items"]] == [False]
    join(database, second.json()["path"], clock)
    assert [each["has_account"] for each in client.get(household).json()["items"]] == [True]
    assert client.post(f"{one}/invitation").status_code == 409
    link = client.post(f"{one}/link")
    assert (link.status_code, link.json()["path"].startswith("/sign-in/")) == (201, True)
    secrets = [each.json()["path"].rsplit("/", 1)[1].encode() for each in (first, second, link)]
    with database.read() as session:
        kept = list(session.scalars(select(IdempotentAnswer.body)))
    assert not any(secret in body for secret in secrets for body in kept)


def test_whoever_moved_out_is_not_invited(client: TestClient, theirs: dict[str, str]) -> None:
    one = f"/api/v1/residents/{theirs['resident_id']}"
    client.post(f"{one}/move-out")
    assert client.post(f"{one}/invitation").status_code == 409
    made = client.post(f"/api/v1/spaces/{theirs['space_id']}/invitations")
    assert (made.status_code, made.json()) == (201, {"items": []})


def test_everybody_in_a_space_is_invited_but_who_has_an_account(
    client: TestClient, theirs: dict[str, str], database: Database, clock: SimulatedClock
) -> None:
    household = f"/api/v1/spaces/{theirs['space_id']}/household"
    added = client.post(household, json={"name": "Qian Yu"}).json()["id"]
    path = f"/api/v1/spaces/{theirs['space_id']}/invitations"
    items = client.post(path).json()["items"]
    assert {each["resident_id"] for each in items} == {theirs["resident_id"], added}
    [zhao] = [each for each in items if each["resident_id"] == theirs["resident_id"]]
    join(database, zhao["path"], clock)
    assert [each["resident_id"] for each in client.post(path).json()["items"]] == [added]


def test_no_link_for_an_account_that_opens_more(
    client: TestClient,
    theirs: dict[str, str],
    database: Database,
    clock: SimulatedClock,
    site: SmallSite,
) -> None:
    one = f"/api/v1/residents/{theirs['resident_id']}"
    join(database, client.post(f"{one}/invitation").json()["path"], clock)
    with database.write() as session:
        resident = UUID(theirs["resident_id"])
        person = session.scalars(select(Home.person_id).where(Home.resident_id == resident)).one()
        session.add(Grant(person_id=person, node_id=site.id, role="guard"))
    refused = client.post(f"{one}/link")
    assert (refused.status_code, "more than homes" in refused.text) == (409, True)
