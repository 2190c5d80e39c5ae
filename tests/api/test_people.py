"""People over the API: who sees whom, who invites, gives, takes and lets go."""

from typing import Any
from uuid import UUID

from starlette.testclient import TestClient

from core.accounts import new_password
from core.db import Database
from core.invitations import NewColleague, join
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite

API = "/api/v1"


def invite(client: TestClient, user: User, node_id: UUID, role: str) -> Any:
    body = {"role": role, "node_id": str(node_id)}
    return client.post(f"{API}/invitations", headers=user.headers, json=body)


def test_an_invitation_becomes_a_colleague_with_a_role(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, database: Database
) -> None:
    admin = make_user("administrator", site.id)
    made = invite(anonymous, admin, site.id, "technician")
    assert made.status_code == 201
    listed = anonymous.get(f"{API}/invitations", headers=admin.headers).json()["items"]
    assert [item["id"] for item in listed] == [made.json()["id"]]
    secret = made.json()["path"].removeprefix("/join/")
    assert secret not in str(listed)
    with database.write() as session:
        colleague = NewColleague("Li Na", "zh", new_password("li.na", "three quiet pumps"))
        person_id = join(session, secret, colleague, now=NOON)
    assert anonymous.get(f"{API}/invitations", headers=admin.headers).json()["items"] == []
    person = anonymous.get(f"{API}/people/{person_id}", headers=admin.headers).json()
    assert (person["name"], [role["role"] for role in person["roles"]]) == ("Li Na", ["technician"])


def test_roles_are_given_once_and_taken_at_once(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    admin, guard = make_user("administrator", site.id), make_user("guard", site.id)
    url = f"{API}/people/{guard.person_id}"
    assert anonymous.get(f"{API}/quarantine", headers=guard.headers).status_code == 403
    body = {"role": "manager", "node_id": str(site.id)}
    for _ in range(2):
        given = anonymous.post(f"{url}/roles", headers=admin.headers, json=body)
        assert given.status_code == 201
        assert sorted(role["role"] for role in given.json()["roles"]) == ["guard", "manager"]
    assert anonymous.get(f"{API}/quarantine", headers=guard.headers).status_code == 200
    [manager] = [role for role in given.json()["roles"] if role["role"] == "manager"]
    taken = anonymous.delete(f"{url}/roles/{manager['id']}", headers=admin.headers)
    assert taken.status_code == 204
    assert anonymous.get(f"{API}/quarantine", headers=guard.headers).status_code == 403
    again = anonymous.delete(f"{url}/roles/{manager['id']}", headers=admin.headers)
    assert again.status_code == 404


def test_who_leaves_is_out_at_once(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    admin, guard = make_user("administrator", site.id), make_user("guard", site.id)
    url = f"{API}/people/{guard.person_id}/leave"
    assert anonymous.post(url, headers=admin.headers).json() == {"tickets_passed_on": 0}
    assert anonymous.get(f"{API}/me", headers=guard.headers).status_code == 401
    # They hold no role any more, so they stand in no list.
    assert anonymous.post(url, headers=admin.headers).status_code == 404


def test_the_last_administrator_can_take_their_own_role_from_nobody(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    admin = make_user("administrator", site.company_id)
    url = f"{API}/people/{admin.person_id}"
    [role] = anonymous.get(url, headers=admin.headers).json()["roles"]
    refused = anonymous.delete(f"{url}/roles/{role['id']}", headers=admin.headers)
    assert refused.status_code == 409
    assert "last administrator" in refused.json()["detail"]


def test_people_of_another_site_are_not_there(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, stranger: User
) -> None:
    guard = make_user("guard", site.id)
    listed = anonymous.get(f"{API}/people", headers=stranger.headers).json()["items"]
    assert str(guard.person_id) not in str(listed)
    assert invite(anonymous, stranger, site.id, "guard").status_code == 403


def test_a_revoked_invitation_is_gone(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    admin = make_user("administrator", site.id)
    made = invite(anonymous, admin, site.id, "guard").json()
    url = f"{API}/invitations/{made['id']}"
    assert anonymous.delete(url, headers=admin.headers).status_code == 204
    assert anonymous.delete(url, headers=admin.headers).status_code == 404


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    admin = make_user("administrator", site.id)
    refused = invite(anonymous, admin, site.id, "emperor")
    assert refused.status_code == 422
    assert "service_desk" in str(refused.json()["problems"])
