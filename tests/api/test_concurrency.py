"""Several at the same moment: one wins, the others are told."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from tests.api.building import put_ticket
from tests.fixtures import SmallSite

MANY = 8


def at_once(ask: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(ask, range(MANY)))


def test_one_key_sent_by_many_threads_opens_one_ticket(client: TestClient, site: SmallSite) -> None:
    body = {"site_id": str(site.id), "title": "It drips"}
    key = {"Idempotency-Key": "once"}
    answers = at_once(lambda _: client.post("/api/v1/tickets", json=body, headers=key))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(client.get("/api/v1/tickets").json()["items"]) == 1


def test_of_many_edits_of_one_version_one_is_made(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}"
    tag = {"If-Match": '"1"'}
    answers = at_once(
        lambda number: client.patch(url, json={"description": f"c{number}"}, headers=tag)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: MANY - 1}
    assert client.get(url).json()["version"] == 2


def test_of_many_who_resolve_a_ticket_one_does(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}"
    client.post(f"{url}/actions/start")
    answers = at_once(lambda _: client.post(f"{url}/actions/resolve"))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: MANY - 1}


def test_of_many_assets_of_one_code_one_is_created(client: TestClient, site: SmallSite) -> None:
    body = {"site_id": str(site.id), "code": "fan-1", "type": "fan", "name": {"en": "Fan"}}
    answers = at_once(lambda _: client.post("/api/v1/assets", json=body))
    found = Counter(answer.status_code for answer in answers)
    assert found[201] == 1
    assert found[422] + found[409] == MANY - 1
