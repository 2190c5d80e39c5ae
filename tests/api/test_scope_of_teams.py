"""A role for one team, over the API: another team's ticket does not exist."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.people import Grant
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from workflows.tickets import Draft, open_ticket
from workflows.tickets.contractors import Contact, Job, offer

Ticket = dict[str, Any]


def put(database: Database, site: SmallSite, team: str, now: datetime) -> tuple[UUID, UUID]:
    """A ticket of a team, and a contractor's link on it."""
    draft = Draft(
        site_id=site.id,
        asset_id=site.assets["pump-1"],
        kind="repair",
        priority="high",
        title={"und": f"Rope of {team}"},
        team=team,
        happened_at=now,
        learned_at=now,
    )
    with database.write() as session:
        ticket = open_ticket(session, draft, actor=events.SYSTEM)
        person = session.scalars(select(Grant.person_id)).first()
        assert person is not None
        job = Job([Contact("Ropes Ltd", "Li Na", "0574 8800")], "Mend it")
        [(link, _)] = offer(session, ticket, job, person=person, now=now)
        return ticket.id, link.id


@pytest.fixture
def user(make_user: MakeUser, site: SmallSite, database: Database) -> User:
    """A supervisor of the site, for the tickets of the lift team."""
    user = make_user("supervisor", site.id)
    with database.write() as session:
        grant = session.scalars(select(Grant).where(Grant.person_id == user.person_id)).one()
        grant.team = "lift"
    return user


def test_lists_searches_and_single_tickets_hold_those_of_the_team(
    anonymous: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    user: User,
) -> None:
    mine, _ = put(database, site, "lift", clock.now())
    other, link = put(database, site, "security", clock.now())

    def get(address: str) -> Any:
        return anonymous.get(f"/api/v1{address}", headers=user.headers)

    for address in ("/tickets", "/tickets?state=open", "/tickets?q=rope"):
        assert [one["id"] for one in get(address).json()["items"]] == [str(mine)], address
    found = get("/search?q=rope").json()["tickets"]
    assert [one["id"] for one in found] == [str(mine)]
    assert get(f"/tickets/{mine}").status_code == 200
    for address in ("", "/contractor-links", "/resident-reports", "/return-visits"):
        assert get(f"/tickets/{other}{address}").status_code in (404, 405), address
    for action in ("assign", "accept", "cancel", "close"):
        answer = anonymous.post(
            f"/api/v1/tickets/{other}/actions/{action}", headers=user.headers, json={"note": "No"}
        )
        assert answer.status_code == 404, action
    revoked = anonymous.post(f"/api/v1/contractor-links/{link}/revoke", headers=user.headers)
    assert revoked.status_code == 404


def test_two_people_of_different_teams_share_no_kept_answer(
    anonymous: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    user: User,
    make_user: MakeUser,
) -> None:
    put(database, site, "lift", clock.now())
    whole = make_user("supervisor", site.id)
    other, _ = put(database, site, "security", clock.now())
    address = "/api/v1/tickets"
    assert len(anonymous.get(address, headers=whole.headers).json()["items"]) == 2
    items = anonymous.get(address, headers=user.headers).json()["items"]
    assert str(other) not in [one["id"] for one in items]


def test_a_role_for_a_team_is_given_and_shown(
    anonymous: TestClient, site: SmallSite, make_user: MakeUser
) -> None:
    admin, colleague = make_user("administrator", site.company_id), make_user("auditor", site.id)
    body = {"role": "technician", "node_id": str(site.id), "team": "maintenance"}
    address = f"/api/v1/people/{colleague.person_id}/roles"
    given = anonymous.post(address, headers=admin.headers, json=body)
    assert given.status_code == 201
    assert {one["role"]: one["team"] for one in given.json()["roles"]} == {
        "auditor": "",
        "technician": "maintenance",
    }
    for wrong in ({"team": "ghosts"}, {"role": "manager"}, {"role": "resident"}):
        answer = anonymous.post(address, headers=admin.headers, json={**body, **wrong})
        assert answer.status_code == 422, wrong


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_ticket_goes_only_into_one_that_its_reader_sees(
    anonymous: TestClient, database: Database, site: SmallSite, clock: SimulatedClock, user: User
) -> None:
    own, other = (put(database, site, team, clock.now())[0] for team in ("lift", "cleaning"))
    body = {"note": "The same", "into_id": str(other)}
    address = f"/api/v1/tickets/{own}/actions/merge"
    answer = anonymous.post(address, headers=user.headers, json=body)
    assert answer.status_code == 422
    assert answer.json()["problems"] == ["into_id: missing or not on this site"]
    # Nor is somebody told that one of another team exists.
    address = f"/api/v1/tickets/{other}/actions/merge"
    assert anonymous.post(address, headers=user.headers, json=body).status_code == 404
