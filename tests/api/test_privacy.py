"""Privacy over HTTP: consent by digest, reasons for looking, holds, and who sees which log."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.db import Database
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.api.guarded import put_patrol
from tests.fixtures import NOON, SmallSite
from tests.workflows.agreed import on_shift
from tests.workflows.conftest import facts_of

API = "/api/v1"
LISTS = ("scans", "rounds", "post-duties", "patrol-marks")
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


@pytest.fixture
def supervisor(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("supervisor", site.id)


def get(client: TestClient, path: str, user: User, **query: Any) -> Any:
    return client.get(f"{API}/{path}", headers=user.headers, params=query)


def post(client: TestClient, path: str, user: User, **body: Any) -> Any:
    return client.post(f"{API}/{path}", headers=user.headers, json=body)


@ONE_ENGINE
def test_the_story_of_a_consent(
    anonymous: TestClient, guard: User, supervisor: User, site: SmallSite, database: Database
) -> None:
    theirs = put_patrol(database, site, NOON)
    with database.write() as session:
        on_shift(session, guard.person_id, site.id, NOON, 8)
    own = get(anonymous, "me/privacy", guard).json()
    assert own["track_days"] == 30
    assert [(one["purpose"], one["agreed"]) for one in own["consents"]] == [
        ("position", False),
        ("badge", False),
    ]
    text = own["consents"][0]
    assert set(text["text"]) == {"en", "zh"}
    given = {"purpose": "position", "version": text["version"], "language": "zh"}
    wrong = post(anonymous, "me/consents", guard, **given, digest=text["digest"]["en"])
    assert (wrong.status_code, wrong.json()["advice"]) == (409, "Read the one that is in force.")
    fix = {
        "id": str(new_id()),
        "occurred_at": NOON.isoformat(),
        "site_id": str(site.id),
        "kind": "position",
        "checkpoint_id": str(theirs["checkpoint_id"]),
        "latitude": 31.2,
        "longitude": 121.5,
        "accuracy_m": 5,
    }
    made = put_position(anonymous, theirs, supervisor)
    assert made == 201
    dropped = post(anonymous, "scans", guard, **fix)
    assert (dropped.status_code, dropped.json()["verdict"]) == (200, "no_consent")
    assert (dropped.json()["checkpoint_id"], dropped.json()["evidence"]) == (None, {})
    assert get(anonymous, f"scans/{fix['id']}", guard).status_code == 404
    agreed = post(anonymous, "me/consents", guard, **given, digest=text["digest"]["zh"])
    assert agreed.json()["consents"][0]["agreed"]
    assert post(anonymous, "scans", guard, **fix).json()["verdict"] == "accepted"
    people = get(anonymous, "scanners", supervisor, site=site.id).json()["items"]
    mine = next(one for one in people if one["id"] == str(guard.person_id))
    assert mine["agreed"] == ["position"]
    assert get(anonymous, "scanners", guard).status_code == 403
    gone = post(anonymous, "me/consents/withdraw", guard, purpose="position", by="page")
    assert not gone.json()["consents"][0]["agreed"]
    assert get(anonymous, f"scans/{fix['id']}", guard).status_code == 404


def put_position(client: TestClient, theirs: Any, user: User) -> int:
    """Put a position at the checkpoint; the status of the last answer."""
    address = f"{API}/checkpoints/{theirs['checkpoint_id']}"
    place = {"latitude": 31.2, "longitude": 121.5, "radius_m": 30}
    headers = {**user.headers, "If-Match": "*"}
    assert client.patch(address, json=place, headers=headers).status_code == 200
    answer = client.post(f"{address}/tokens", json={"kind": "position"}, headers=user.headers)
    return int(answer.status_code)


@ONE_ENGINE
def test_whoever_looks_for_one_person_says_why_and_is_seen(
    anonymous: TestClient,
    guard: User,
    supervisor: User,
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
) -> None:
    put_patrol(database, site, NOON)
    person = str(guard.person_id)
    for path in LISTS:
        refused = get(anonymous, path, supervisor, person=person)
        assert refused.status_code == 422, path
        assert "why: one of incident" in refused.text
        assert get(anonymous, path, supervisor, person=person, why="pay").status_code == 200
        # Of oneself nobody asks; who may see nobody's sees nothing, and nothing is put down.
        assert get(anonymous, path, guard, person=person).status_code == 200
        other = make_user("guard", site.id)
        assert get(anonymous, path, other, person=person, why="pay").json()["items"] == []
    looks = get(anonymous, "me/privacy", guard).json()["looks"]
    assert [(one["what"], one["why"]) for one in looks] == [
        ("marks", "pay"),
        ("duties", "pay"),
        ("rounds", "pay"),
        ("scans", "pay"),
    ]
    protector = make_user("data_protection", site.id)
    found = get(anonymous, "track-looks", protector, person=person).json()["items"]
    assert [one["by_id"] for one in found] == [str(supervisor.person_id)] * 4
    for user in (supervisor, guard, make_user("administrator", site.company_id)):
        assert get(anonymous, "track-looks", user).status_code == 403


@ONE_ENGINE
def test_a_mark_is_looked_at_in_the_open(
    anonymous: TestClient, supervisor: User, site: SmallSite, database: Database
) -> None:
    theirs = put_patrol(database, site, NOON)
    address = f"patrol-marks/{theirs['mark_id']}"
    assert get(anonymous, address, supervisor).status_code == 200
    # It is about nobody who is known.
    assert facts_of(database, "track.look") == []


@ONE_ENGINE
def test_a_ticket_holds_and_lets_go(
    anonymous: TestClient, guard: User, supervisor: User, site: SmallSite, database: Database
) -> None:
    theirs = put_patrol(database, site, NOON)
    number = get(anonymous, f"tickets/{theirs['sos_id']}", supervisor).json()["number"]
    span = {"since": "2026-11-24T03:00:00Z", "until": "2026-11-24T05:00:00Z"}
    body = {"person_id": str(guard.person_id), "ticket_number": number, **span}
    made = post(anonymous, "track-holds", supervisor, **body)
    assert made.status_code == 201
    assert post(anonymous, "track-holds", guard, **body).status_code == 403
    wrong = post(anonymous, "track-holds", supervisor, **{**body, "until": span["since"]})
    assert (wrong.status_code, "until" in wrong.text) == (422, True)
    (held,) = get(anonymous, "me/privacy", guard).json()["holds"]
    assert (held["case"], held["ticket_number"]) == ("ticket", number)
    mine = made.json()["id"]
    assert mine in get(anonymous, "track-holds", supervisor).text
    for _ in range(2):
        let_go = post(anonymous, f"track-holds/{mine}/release", supervisor)
        assert let_go.status_code == 200
    assert get(anonymous, "me/privacy", guard).json()["holds"] == []
