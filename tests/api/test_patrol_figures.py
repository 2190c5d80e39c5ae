"""The figures of rounds over HTTP: the same as the page's, for whom they are meant."""

from datetime import date, timedelta

from starlette.testclient import TestClient

from api.patrol.figures import SHARES, PatrolFiguresAnswer
from core.db import Database
from tests.api.conftest import MakeUser
from tests.api.guarded import put_checkpoints
from tests.fixtures import SmallSite

URL = "/api/v1/patrol-figures"


def test_the_figures_are_told_whole(
    client: TestClient, database: Database, site: SmallSite, make_user: MakeUser
) -> None:
    gate = put_checkpoints(database, site.id, "gate")[0]
    body = {"kind": "static_tag", "value": "04BEEF"}
    assert client.post(f"/api/v1/checkpoints/{gate}/tokens", json=body).status_code == 201
    answer = client.get(URL)
    assert answer.status_code == 200, answer.text
    found = PatrolFiguresAnswer.model_validate(answer.json())
    assert (found.last_day - found.first_day).days == 30
    assert len(found.days) == 31
    # Nothing was due: no share of nothing.
    assert [getattr(found.sums, name) for name in SHARES] == [None] * len(SHARES)
    assert [one.site_id for one in found.sites] == [site.id]
    one = client.get(URL, params={"site": str(site.id), "from": str(found.last_day)}).json()
    assert one["first_day"] == one["last_day"] == str(found.last_day)
    stranger = make_user("resident", site.id)
    refused = client.get(URL, headers=stranger.headers)
    assert refused.status_code in (200, 403)
    assert not refused.json().get("sites")


def test_days_that_cannot_be_looked_at_are_refused(client: TestClient) -> None:
    tomorrow = date(2026, 11, 26) + timedelta(days=365)
    for wrong in (f"from={tomorrow}", "from=2001-01-01", "from=yesterday", "site=here"):
        answer = client.get(f"{URL}?{wrong}")
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(f"{URL}?site=01a22821-43f3-73d0-9e7d-21690b5f2026").status_code == 404
