"""Points, alarms, episodes, rules and quarantine over HTTP."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from starlette.testclient import TestClient

from api.readings import DEFAULT_BUCKETS, default_step
from core import events
from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.devices import Point
from core.ids import new_id
from core.telemetry.readings import Quality, Reading
from tests.api.building import (
    DOCUMENT,
    RULE,
    put_alarm,
    put_quarantined,
    put_rule,
    put_ticket,
)
from tests.api.conftest import MakeUser
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import SmallSite
from workflows.alarms import ALARM, Alarm

API = "/api/v1"


def series_of(database: Database, point_id: UUID) -> int:
    with database.read() as session:
        return session.get_one(Point, point_id).series


def test_a_point_shows_its_last_value_and_its_state_in_words(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
) -> None:
    point_id = site.points["pump-1/running"]
    url = f"{API}/points/{point_id}/last"
    assert client.get(url).status_code == 404
    with database.write() as session:
        values = {"kind": "state", "states": ["idle", "moving"]}
        session.execute(update(Point).where(Point.id == point_id).values(**values))
    number = series_of(database, point_id)
    at = clock.micros()
    telemetry.readings.append(Reading(number, at, 1.0, at + 5, Quality.LATE))
    assert client.get(url).json() == {
        "at": "2026-11-24T04:00:00.000000Z",
        "value": 1.0,
        "received": "2026-11-24T04:00:00.000005Z",
        "quality": "late",
        "state": "moving",
    }
    telemetry.away = True
    assert client.get(url).status_code == 503
    assert client.get(f"{API}/points/{point_id}/series").status_code == 503


def test_a_series_is_cut_into_buckets(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
) -> None:
    point_id = site.points["pump-1/motor_temperature"]
    number = series_of(database, point_id)
    for seconds, value in ((-90, 10.0), (-80, 20.0), (-30, 40.0), (0, 99.0)):
        at = clock.micros() + seconds * MICROS
        telemetry.readings.append(Reading(number, at, value, at, Quality.GOOD))
    url = f"{API}/points/{point_id}/series"
    query = {"start": "2026-11-24T11:58:00+08:00", "end": "2026-11-24T04:00:00Z", "step": "60"}
    assert client.get(url, params=query).json() == {
        "unit": "°C",
        "step": 60,
        "start": ["2026-11-24T03:58:00.000000Z", "2026-11-24T03:59:00.000000Z"],
        "mean": [15.0, 40.0],
        "minimum": [10.0, 40.0],
        "maximum": [20.0, 40.0],
        "count": [2, 1],
    }
    whole_day = client.get(url).json()
    assert whole_day["step"] == 300
    for wrong in (
        {"start": "2026-11-24T05:00:00Z"},
        {"start": "2026-11-24T05:00:00"},
        {"start": "2020-11-24T05:00:00Z", "step": "1"},
        {"step": "0"},
    ):
        assert client.get(url, params=wrong).status_code == 422, wrong


def test_the_default_step_keeps_a_chart_readable() -> None:
    for seconds in (1.0, 599.0, 601.0, 86_400.0, 34_000_000.0, 3_000_000_000.0):
        assert seconds / default_step(seconds) <= DEFAULT_BUCKETS


def test_alarms_are_listed_by_status(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ids = {}
    for number, state in enumerate(ALARM.statuses):
        now = clock.now() + timedelta(minutes=number)
        ids[state] = str(put_alarm(database, site, now, state=state, rule_id=f"r{number}"))
    expected = {
        "": set(ids.values()) - {ids["normal"]},
        "?state=active": set(ids.values()) - {ids["normal"]},
        "?state=all": set(ids.values()),
        "?state=unacknowledged": {ids["unacknowledged"]},
        "?state=normal": {ids["normal"]},
        "?state=all&rule=r0": {ids[ALARM.statuses[0]]},
        f"?asset={site.assets['pump-2']}": set(),
    }
    for query, wanted in expected.items():
        items = client.get(f"{API}/alarms{query}").json()["items"]
        assert {item["id"] for item in items} == wanted, query
    newest = client.get(f"{API}/alarms?state=all&limit=1").json()
    assert newest["items"][0]["id"] == ids[ALARM.statuses[-1]]
    rest = client.get(f"{API}/alarms", params={"state": "all", "cursor": newest["next"]}).json()
    assert len(rest["items"]) == len(ids) - 1


def test_an_alarm_that_never_tripped_is_listed_last(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    tripped = put_alarm(database, site, clock.now(), rule_id="r1")
    pending = put_alarm(database, site, clock.now(), rule_id="r2", state="normal")
    with database.write() as session:
        session.execute(update(Alarm).where(Alarm.id == pending).values(raised_at=None))
    first = client.get(f"{API}/alarms?state=all&limit=1").json()
    second = client.get(f"{API}/alarms?state=all&cursor={first['next']}").json()
    found = [item["id"] for item in first["items"] + second["items"]]
    assert found == [str(tripped), str(pending)]


def test_an_alarm_is_acknowledged_where_the_table_allows_it(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    alarm_id = put_alarm(database, site, clock.now())
    for status in ALARM.statuses:
        with database.write() as session:
            session.execute(update(Alarm).where(Alarm.id == alarm_id).values(state=status))
        answer = client.post(f"{API}/alarms/{alarm_id}/acknowledge")
        target = ALARM.moves["acknowledge"].get(status)
        assert answer.status_code == (409 if target is None else 200), status
        shown = client.get(f"{API}/alarms/{alarm_id}").json()["state"]
        assert shown == (target or status)
    (episode,) = client.get(f"{API}/alarms/{alarm_id}/episodes").json()["items"]
    assert episode["acknowledged_at"] == "2026-11-24T04:00:00.000000Z"


def test_episodes_are_listed_by_rule_asset_and_site(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    put_alarm(database, site, clock.now(), ticket_id=ticket_id)
    put_alarm(database, site, clock.now() + timedelta(hours=1), rule_id="other")
    (found,) = client.get(f"{API}/episodes?rule={RULE}").json()["items"]
    assert found["asset_code"] == "pump-1"
    assert found["ticket_id"] == str(ticket_id)
    assert found["tripped_at"] == "2026-11-24T04:00:00.000000Z"
    assert found["cleared_at"] is None
    first = client.get(f"{API}/episodes?limit=1&site={site.id}").json()
    assert first["items"][0]["rule_id"] == "other"
    second = client.get(f"{API}/episodes?limit=1&cursor={first['next']}").json()
    assert [item["rule_id"] for item in second["items"]] == [RULE]
    assert second["next"] is None


def test_rules_are_read_where_they_hold(
    client: TestClient,
    database: Database,
    site: SmallSite,
    other_site: UUID,
    make_user: MakeUser,
    clock: SimulatedClock,
) -> None:
    put_rule(database, site.company_id, clock.now(), "everywhere")
    put_rule(database, site.id, clock.now(), "here")
    put_rule(database, other_site, clock.now(), "there")
    reader = make_user("auditor", site.id).headers
    items = client.get(f"{API}/rules", headers=reader).json()["items"]
    assert {item["rule_id"] for item in items} == {"everywhere", "here"}
    assert client.get(f"{API}/rules/there", headers=reader).status_code == 404
    whole = client.get(f"{API}/rules/here", headers=reader).json()
    assert [version["document"] for version in whole["versions"]] == [
        DOCUMENT.replace(RULE, "here")
    ]
    assert client.get(f"{API}/rules?active=false").json()["items"] == []


def test_quarantine_shows_bytes_as_they_came(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    put_quarantined(database, site.id, clock.now())
    (row,) = client.get(f"{API}/quarantine?state=waiting&reason=wrong_type").json()["items"]
    whole = client.get(f"{API}/quarantine/{row['id']}").json()
    assert whole["bodies"][0]["text"] == '{"temp": "warm"}'
    assert whole["bodies"][0]["base64"] == "eyJ0ZW1wIjogIndhcm0ifQ=="
    later = clock.now() + timedelta(minutes=5)
    binary = put_quarantined(database, site.id, later, b"\xff\x00")
    whole = client.get(f"{API}/quarantine/{binary}").json()
    assert (whole["bodies"][0]["text"], whole["bodies"][0]["base64"]) == (None, "/wA=")


def test_what_names_no_site_is_for_the_company(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    make_user: MakeUser,
) -> None:
    row_id = put_quarantined(database, None, clock.now())
    local = make_user("manager", site.id).headers
    assert client.get(f"{API}/quarantine", headers=local).json()["items"] == []
    assert client.get(f"{API}/quarantine/{row_id}", headers=local).status_code == 404
    assert client.post(f"{API}/quarantine/{row_id}/discard", headers=local).status_code == 404
    assert client.get(f"{API}/quarantine/{row_id}").status_code == 200
    auditor = make_user("auditor", site.company_id).headers
    assert client.get(f"{API}/quarantine/{row_id}", headers=auditor).status_code == 200
    assert client.post(f"{API}/quarantine/{row_id}/discard", headers=auditor).status_code == 403
    assert client.post(f"{API}/quarantine/{row_id}/discard").json()["state"] == "discarded"


def test_replay_is_asked_for_through_the_log_and_only_of_what_waits(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    row_id = put_quarantined(database, site.id, clock.now())
    asked = client.post(f"{API}/quarantine/{row_id}/replay")
    assert asked.status_code == 202
    fact = events.read_after(database, events.START)[-1]
    assert (fact.kind, fact.subject_id) == ("quarantine.replay", str(row_id))
    assert client.post(f"{API}/quarantine/{row_id}/discard").status_code == 200
    assert client.post(f"{API}/quarantine/{row_id}/replay").status_code == 409
    assert client.get(f"{API}/quarantine/{new_id()}").status_code == 404
