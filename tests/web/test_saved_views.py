"""Saved views: lists of tickets under a name, one's own or shared, and the one to start with."""

import re

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core.teams import Member
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from workflows.saved_views import MOST_OF_ONE


def browser(
    stage: Stage, name: str, role: str = "supervisor", *, elsewhere: bool = False
) -> TestClient:
    node = stage.other_site_id if elsewhere else stage.site_id
    return signed_in(stage, stage.secret(stage.person(name, role, node=node), "session"))


def send(client: TestClient, address: str, **fields: str) -> int:
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), **fields}
    return client.post(address, data=form).status_code


def view_ids(client: TestClient) -> list[str]:
    page = client.get("/tickets?view=all").text
    return list(dict.fromkeys(re.findall(r"/tickets/views/([0-9a-f-]{36})/default", page)))


def test_a_list_is_kept_with_its_filters_and_found_again(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    assert send(client, "/tickets/views", name="Late repairs", view="late", kind="repair") == 303
    page = client.get("/tickets?view=late&kind=repair").text
    assert re.search(r'href="/tickets\?view=late&amp;kind=repair" aria-current="page">Late', page)


def test_a_private_view_is_its_owners_alone(stage: Stage) -> None:
    mine, other = browser(stage, "Lin Hua"), browser(stage, "Bo")
    send(mine, "/tickets/views", name="Only for Lin", view="all")
    [view] = view_ids(mine)
    assert "Only for Lin" not in other.get("/tickets?view=all").text
    assert send(other, f"/tickets/views/{view}/delete") == 404


def test_a_shared_view_is_seen_there_and_changed_by_its_owner_only(stage: Stage) -> None:
    mine, other = browser(stage, "Lin Hua"), browser(stage, "Bo", "technician")
    stranger = browser(stage, "Stranger", elsewhere=True)
    send(mine, "/tickets/views", name="Ours", view="all", node=str(stage.site_id))
    [view] = view_ids(mine)
    assert view_ids(other) == [view]
    assert view_ids(stranger) == []
    assert send(other, f"/tickets/views/{view}/change", name="Mine") == 403
    assert send(other, f"/tickets/views/{view}/delete") == 403
    assert send(mine, f"/tickets/views/{view}/change", name="Renamed") == 303
    assert "Renamed" in other.get("/tickets?view=all").text
    assert send(mine, f"/tickets/views/{view}/change", name="Renamed", node="me") == 303
    assert view_ids(other) == []


def member(stage: Stage, name: str, team: str, role: str = "technician") -> TestClient:
    """The browser of somebody in a team of the site."""
    person = stage.person(name, role)
    with stage.parts.database.write() as session:
        session.add(Member(site_id=stage.site_id, team=team, person_id=person, skills=[]))
    return signed_in(stage, stage.secret(person, "session"))


def test_a_view_of_a_team_is_seen_by_who_is_in_it(stage: Stage) -> None:
    mine, guard = browser(stage, "Lin Hua"), member(stage, "Zhao", "security", "guard")
    other = member(stage, "Bo", "maintenance")
    page = mine.get("/tickets?view=all").text
    assert f'<option value="{stage.site_id}:security">Team Security at ' in page
    team = f"{stage.site_id}:security"
    assert send(mine, "/tickets/views", name="Of the guards", view="all", node=team) == 303
    [view] = view_ids(mine)
    assert f'<option value="{team}" selected>' in mine.get("/tickets?view=all").text
    assert view_ids(guard) == [view]
    assert view_ids(other) == []
    assert send(other, f"/tickets/views/{view}/default", begins="yes") == 404
    assert send(guard, f"/tickets/views/{view}/change", name="x") == 403
    # Whoever leaves the team finds it no more, although they began with it.
    send(guard, f"/tickets/views/{view}/default", begins="yes")
    assert guard.get("/tickets").status_code == 303
    with stage.parts.database.write() as session:
        session.query(Member).delete()
    assert guard.get("/tickets").status_code == 200
    assert view_ids(guard) == []
    everybody = str(stage.site_id)
    assert send(mine, f"/tickets/views/{view}/change", name="Ours", node=everybody) == 303
    assert view_ids(other) == [view]


@pytest.mark.parametrize("team", ["nobody", "security:x"])
def test_a_view_goes_to_teams_that_there_are(stage: Stage, team: str) -> None:
    mine = browser(stage, "Lin Hua")
    node = f"{stage.site_id}:{team}"
    assert send(mine, "/tickets/views", name="x", view="all", node=node) == 422
    technician = browser(stage, "Bo", "technician")
    node = f"{stage.site_id}:security"
    assert send(technician, "/tickets/views", name="x", view="all", node=node) == 403


def test_a_view_takes_the_filters_of_the_list_that_is_shown(stage: Stage) -> None:
    mine, other = browser(stage, "Lin Hua"), browser(stage, "Bo")
    send(mine, "/tickets/views", name="Late", view="late", node=str(stage.site_id))
    [view] = view_ids(mine)
    assert f"/tickets/views/{view}/filters" not in mine.get("/tickets?view=late").text
    assert f"/tickets/views/{view}/filters" in mine.get("/tickets?view=late&kind=repair").text
    assert f"/tickets/views/{view}/filters" not in other.get("/tickets?view=late&kind=repair").text
    address = f"/tickets/views/{view}/filters"
    assert send(other, address, view="all") == 403
    assert send(mine, address, view="nonsense") == 422
    assert send(mine, address, view="late", kind="repair") == 303
    page = other.get("/tickets?view=late&kind=repair").text
    assert re.search(r'href="/tickets\?view=late&amp;kind=repair" aria-current="page">Late', page)


def test_who_may_not_share_keeps_views_for_themselves(stage: Stage) -> None:
    client = browser(stage, "Bo", "technician")
    assert send(client, "/tickets/views", name="x", node=str(stage.site_id)) == 403
    assert send(client, "/tickets/views", name="x") == 303
    assert 'id="view-node"' not in client.get("/tickets?view=all").text


def test_the_list_begins_with_the_default_until_it_is_gone(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    send(client, "/tickets/views", name="Ended", view="ended")
    [view] = view_ids(client)
    assert send(client, f"/tickets/views/{view}/default", begins="yes") == 303
    assert client.get("/tickets").headers["location"] == "/tickets?view=ended"
    assert client.get("/tickets?view=open").status_code == 200
    assert send(client, f"/tickets/views/{view}/delete") == 303
    assert client.get("/tickets").status_code == 200


def test_a_default_can_be_taken_back(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    send(client, "/tickets/views", name="Ended", view="ended")
    [view] = view_ids(client)
    send(client, f"/tickets/views/{view}/default", begins="yes")
    send(client, f"/tickets/views/{view}/default", begins="")
    assert client.get("/tickets").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"view": "none"},
        {"site": "x"},
        {"node": "x"},
        {"q": "x" * 101},
    ],
)
def test_what_is_no_list_is_not_kept(stage: Stage, wrong: dict[str, str]) -> None:
    client = browser(stage, "Lin Hua")
    assert send(client, "/tickets/views", **{"name": "Good", **wrong}) == 422
    assert view_ids(client) == []


def test_nobody_keeps_views_without_end(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    for number in range(MOST_OF_ONE):
        assert send(client, "/tickets/views", name=f"View {number}") == 303
    assert send(client, "/tickets/views", name="One too many") == 409


def test_a_deleted_view_comes_back_for_a_while(stage: Stage) -> None:
    client, other = browser(stage, "Lin Hua"), browser(stage, "Bo")
    send(client, "/tickets/views", name="Kept", view="ended", node=str(stage.site_id))
    [view] = view_ids(client)
    send(other, f"/tickets/views/{view}/default", begins="yes")
    send(client, f"/tickets/views/{view}/delete")
    assert other.get("/tickets").status_code == 200
    page = client.get(f"/tickets?view=ended&deleted={view}").text
    assert f"/tickets/views/{view}/restore" in page
    assert send(other, f"/tickets/views/{view}/restore") == 404
    assert send(client, f"/tickets/views/{view}/restore") == 303
    # Whoever began with it does so again.
    assert other.get("/tickets").headers["location"] == "/tickets?view=ended"
    assert send(client, f"/tickets/views/{view}/restore") == 404


def test_a_category_is_kept_with_the_list(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    send(client, "/tickets/views", name="Lifts", view="open", category="lift")
    assert "/tickets?view=open&amp;category=lift" in client.get("/tickets?view=all").text


def test_a_view_moves_up(stage: Stage) -> None:
    client = browser(stage, "Lin Hua")
    for name in ("First", "Second", "Third"):
        send(client, "/tickets/views", name=name, view="late")
    first, second, third = view_ids(client)
    assert send(client, f"/tickets/views/{third}/up") == 303
    assert view_ids(client) == [first, third, second]
    assert send(client, f"/tickets/views/{first}/up") == 303
    assert view_ids(client) == [first, third, second]
