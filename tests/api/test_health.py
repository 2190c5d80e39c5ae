"""Probes and metrics."""

from starlette.testclient import TestClient

from api.context import Parts
from core.db import Database
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite


def test_healthz_answers_without_asking_the_database(
    anonymous: TestClient, database: Database
) -> None:
    database.close()
    assert anonymous.get("/healthz").json() == {"status": "alive"}


def test_readyz_names_the_ill_part_to_anybody_and_its_words_to_nobody(
    anonymous: TestClient, parts: Parts
) -> None:
    parts.health.report("broker", ok=True, detail="10.0.0.5:1883")
    assert anonymous.get("/readyz").status_code == 200
    parts.health.report("telemetry", ok=False, detail="disk full on /data")
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "ill",
        "parts": [
            {"part": "telemetry", "ok": False, "faults": 1},
            {"part": "broker", "ok": True, "faults": 0},
        ],
    }


def test_readyz_says_more_to_who_may_read_the_system(
    anonymous: TestClient, parts: Parts, make_user: MakeUser, site: SmallSite
) -> None:
    parts.health.report("telemetry", ok=False, detail="disk full on /data")
    seen = {
        role: anonymous.get("/readyz", headers=make_user(role, site.id).headers).json()["parts"][0]
        for role in ("manager", "technician")
    }
    assert seen["manager"]["detail"] == "disk full on /data"
    assert seen["manager"]["since"] == "2026-11-24T04:00:00.000000Z"
    assert "detail" not in seen["technician"]


def test_metrics_show_parts_and_requests_to_who_may_read_the_system(
    anonymous: TestClient, parts: Parts, make_user: MakeUser, site: SmallSite
) -> None:
    parts.health.report("telemetry", ok=False)
    manager, technician = (make_user(role, site.id) for role in ("manager", "technician"))
    anonymous.get("/api/v1/tickets", headers=manager.headers)
    text = anonymous.get("/metrics", headers=manager.headers).text
    assert 'watchkeeper_part_ok{part="telemetry"} 0.0' in text
    assert 'method="GET",route="/tickets",status="200"' in text
    assert anonymous.get("/metrics", headers=technician.headers).status_code == 403
