"""What contractors claim, over HTTP: read on the ticket, and decided by whoever may close it."""

from uuid import UUID

from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.companies import CompanyPerson
from core.db import Database
from core.ids import new_id
from core.people import Grant
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite
from workflows.tickets.contractors import ContractorLink


def test_a_claim_is_accepted_struck_and_moves_by_its_table(
    client: TestClient, theirs: dict[str, str]
) -> None:
    path = f"/api/v1/tickets/{theirs['ticket_id']}/contractor-claims"
    [line] = client.get(path).json()["items"]
    assert (line["company"], line["state"], line["cost"]) == ("Pumps", "claimed", "500.00")
    one = f"/api/v1/contractor-claims/{line['id']}"
    accepted = client.post(f"{one}/accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert accepted.json()["decided_by_name"]
    assert client.post(f"{one}/accept").status_code == 409
    assert client.post(f"{one}/strike").json()["state"] == "struck"
    assert [each["state"] for each in client.get(path).json()["items"]] == ["struck"]


def test_whoever_may_not_close_reads_and_decides_nothing(
    anonymous: TestClient, theirs: dict[str, str], make_user: MakeUser, site: SmallSite
) -> None:
    guard = make_user("guard", site.id)
    path = f"/api/v1/tickets/{theirs['ticket_id']}/contractor-claims"
    assert anonymous.get(path, headers=guard.headers).status_code == 200
    one = f"/api/v1/contractor-claims/{theirs['claim_id']}"
    assert anonymous.post(f"{one}/accept", headers=guard.headers).status_code == 403


def test_nobody_decides_what_their_own_company_claims(
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
    clock: SimulatedClock,
) -> None:
    both, company = make_user("supervisor", site.id), UUID(theirs["company_id"])
    with database.write() as session:
        session.get_one(ContractorLink, UUID(theirs["link_id"])).company_id = company
        session.add(Grant(person_id=both.person_id, node_id=site.id, role="contractor"))
        joined = {"id": new_id(), "site_id": site.id, "made_at": clock.now()}
        session.add(CompanyPerson(**joined, company_id=company, person_id=both.person_id))
    path = f"/api/v1/tickets/{theirs['ticket_id']}/contractor-claims"
    assert [each["own"] for each in anonymous.get(path, headers=both.headers).json()["items"]] == [
        True
    ]
    one = f"/api/v1/contractor-claims/{theirs['claim_id']}"
    for action in ("accept", "strike"):
        refused = anonymous.post(f"{one}/{action}", headers=both.headers)
        assert (refused.status_code, "of the company" in refused.text) == (409, True)
