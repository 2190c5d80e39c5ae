"""Hired companies over HTTP."""

from datetime import timedelta

from sqlalchemy import select
from starlette.testclient import TestClient

from core.accounts import new_password
from core.clock import SimulatedClock
from core.companies import Company
from core.company_accounts import join_company
from core.db import Database
from core.events import Event
from core.idempotency import IdempotentAnswer
from tests.api.building import put_ticket
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite

PASSWORD = "three plain words"


def hire(client: TestClient, site: SmallSite, name: str = "Pumps Ltd") -> str:
    """Hire a company; returns its address."""
    made = client.post(f"/api/v1/sites/{site.id}/companies", json={"name": name})
    assert made.status_code == 201, made.text
    return f"/api/v1/companies/{made.json()['id']}"


def join(database: Database, path: str, login: str, clock: SimulatedClock) -> str:
    """Somebody joins by the path of an invitation; returns their id."""
    secret = path.removeprefix("/join/company/")
    with database.write() as session:
        account = new_password(login, PASSWORD)
        return str(join_company(session, secret, "Zheng Tao", "en", account, now=clock.now()))


def test_a_company_is_hired_once_and_its_answer_given_again(
    client: TestClient, site: SmallSite
) -> None:
    path, body = f"/api/v1/sites/{site.id}/companies", {"name": "Pumps Ltd"}
    made = client.post(path, json=body, headers={"Idempotency-Key": "a"})
    again = client.post(path, json=body, headers={"Idempotency-Key": "a"})
    assert (made.status_code, again.json()) == (201, made.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.post(path, json={"name": "PUMPS  ltd"}).status_code == 409
    assert client.post(path, json={"name": "  "}).status_code == 422
    assert [one["name"] for one in client.get(path).json()["items"]] == ["Pumps Ltd"]


def test_a_company_is_hired_for_a_site_alone(client: TestClient, site: SmallSite) -> None:
    refused = client.post(f"/api/v1/sites/{site.company_id}/companies", json={"name": "Pumps"})
    assert refused.status_code == 404


def test_an_invitation_shows_its_secret_once_and_nothing_keeps_it(
    client: TestClient, site: SmallSite, database: Database, clock: SimulatedClock
) -> None:
    company = hire(client, site)
    made = client.post(f"{company}/invitations", headers={"Idempotency-Key": "a"})
    other = client.post(f"{company}/invitations", headers={"Idempotency-Key": "a"})
    assert (made.status_code, other.status_code) == (201, 201)
    assert made.json()["path"] != other.json()["path"]
    secret = made.json()["path"].removeprefix("/join/company/")
    listed = client.get(f"/api/v1/sites/{site.id}/companies")
    [one] = listed.json()["items"]
    assert {each["id"] for each in one["invitations"]} == {made.json()["id"], other.json()["id"]}
    assert secret not in listed.text
    with database.read() as session:
        kept = list(session.scalars(select(IdempotentAnswer.body)))
        said = repr([event.after for event in session.scalars(select(Event))])
    assert not any(secret.encode() in body for body in kept)
    assert secret not in said
    person = join(database, made.json()["path"], "zheng.tao", clock)
    [one] = client.get(f"/api/v1/sites/{site.id}/companies").json()["items"]
    assert one["people"] == [{"id": person, "name": "Zheng Tao"}]
    assert [each["id"] for each in one["invitations"]] == [other.json()["id"]]


def test_a_revoked_invitation_is_gone_and_revoked_once(
    client: TestClient, site: SmallSite, clock: SimulatedClock
) -> None:
    company = hire(client, site)
    first = client.post(f"{company}/invitations").json()["id"]
    client.post(f"{company}/invitations")
    assert client.delete(f"{company}/invitations/{first}").status_code == 204
    assert client.delete(f"{company}/invitations/{first}").status_code == 404
    clock.advance_to(clock.micros() + round(timedelta(days=8).total_seconds()) * 1_000_000)
    [one] = client.get(f"/api/v1/sites/{site.id}/companies").json()["items"]
    assert one["invitations"] == []


def test_one_person_ends_and_then_the_hire_with_its_jobs(
    client: TestClient, site: SmallSite, database: Database, clock: SimulatedClock
) -> None:
    company = hire(client, site)
    person = join(database, client.post(f"{company}/invitations").json()["path"], "one", clock)
    assert client.delete(f"{company}/people/{person}").status_code == 204
    assert client.delete(f"{company}/people/{person}").status_code == 404
    ticket = put_ticket(database, site, clock.now())
    offered = client.post(
        f"/api/v1/tickets/{ticket}/contractor-links",
        json={
            "contacts": [{"company": "pumps ltd", "name": "Li", "phone": "0574 8800"}],
            "task": "Repair it",
        },
    )
    assert offered.status_code == 201, offered.text
    assert client.post(f"{company}/end").json() == {"jobs_passed_on": 1}
    assert client.post(f"{company}/end").status_code == 404
    assert client.get(f"/api/v1/sites/{site.id}/companies").json() == {"items": []}
    with database.read() as session:
        assert session.scalars(select(Company.ended_at)).one() == clock.now()


def test_who_hands_out_tickets_reads_and_hires_nobody(
    client: TestClient, anonymous: TestClient, site: SmallSite, make_user: MakeUser
) -> None:
    company = hire(client, site)
    desk = make_user("service_desk", site.id)
    path = f"/api/v1/sites/{site.id}/companies"
    assert anonymous.get(path, headers=desk.headers).status_code == 200
    for answer in (
        anonymous.post(path, json={"name": "Lifts"}, headers=desk.headers),
        anonymous.post(f"{company}/invitations", headers=desk.headers),
        anonymous.post(f"{company}/end", headers=desk.headers),
    ):
        assert answer.status_code == 403, answer.text
