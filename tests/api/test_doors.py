"""Every route declares what it needs, and keeps to it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api.directory import routes_of
from api.reference import OPEN, permission_of
from api.reference import operation_id as operation_id_of
from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.ids import new_id
from core.people import Grant
from core.permissions import ROLES
from core.rulebook_drafts import DRAFT
from tests.api.conftest import MakeUser, User
from tests.api.guarded import bodies_of_patrols, bodies_of_posts, bodies_of_rounds
from tests.fixtures import SITE_FILE, SmallSite
from workflows.tickets import TICKET

WRITES = frozenset({"post", "patch", "put", "delete"})


def every_operation(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What people and programs ask; what phones and platforms ask has doors of its own
    (test_guard_phones.py, test_http_ingest.py)."""
    for method, path, operation in every_operation(app):
        if operation["security"] not in ([{"phone": []}], [{"platform": []}]):
            yield method, path, operation


def undeclared(app: FastAPI) -> list[str]:
    return [
        route.path
        for route in routes_of(app.routes)
        if permission_of(route) is None and route.path not in OPEN
    ]


def concrete(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"{path}: the walk has no example for a parameter"
    return path


def test_every_route_declares_a_permission(app: FastAPI) -> None:
    assert undeclared(app) == []


def test_a_route_without_a_permission_is_seen(app: FastAPI) -> None:
    router = APIRouter()

    @router.get("/secret")
    def secret() -> str:
        return "everything"

    app.include_router(router, prefix="/api/v1")
    assert undeclared(app) == ["/secret"]


def test_only_the_probes_are_open(app: FastAPI) -> None:
    assert {p for _, p, operation in operations(app) if operation["security"] == []} == OPEN


def test_every_operation_has_its_own_name(app: FastAPI) -> None:
    names = [operation_id_of(route) for route in routes_of(app.routes)]
    assert len(names) == len(set(names))


def test_nobody_gets_in_without_credentials(
    app: FastAPI, anonymous: TestClient, site: SmallSite
) -> None:
    for method, path, operation in every_operation(app):
        if path not in OPEN:
            url = concrete(path, dict.fromkeys(_parameters(operation), str(new_id())))
            answer = anonymous.request(method, url)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.headers["Content-Type"] == "application/problem+json"


def _parameters(operation: dict[str, Any]) -> list[str]:
    return [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]


@pytest.mark.parametrize(
    "header", ["Bearer wkt_unknown", "Bearer", "Basic YTpi", "wkt_unknown", "Bearer wks_x y"]
)
def test_unknown_credentials_are_refused(anonymous: TestClient, header: str) -> None:
    answer = anonymous.get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401


def may_use(role: str, operation_id: str, app: FastAPI) -> bool:
    """Whether the table of rights lets a role use an operation anywhere."""
    route = next(each for each in routes_of(app.routes) if operation_id_of(each) == operation_id)
    permission = permission_of(route)
    assert permission is not None
    names = {permission.name, *permission.or_else}
    return permission.name is None or not ROLES[role].isdisjoint(names)


@pytest.mark.parametrize("role", ROLES)
def test_a_stranger_of_any_role_finds_nothing_of_ours(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    other_site: UUID,
    site: SmallSite,
    role: str,
) -> None:
    stranger = make_user(role, other_site)
    walked = 0
    for method, path, operation in operations(app):
        if method != "get" or not path.startswith("/api/v1/") or "openapi" in path:
            continue
        url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
        answer = anonymous.get(url, headers=stranger.headers)
        walked += 1
        if not may_use(role, operation["operationId"], app):
            assert answer.status_code == 403, (path, answer.text)
        elif "{" in path:
            assert answer.status_code == 404, (path, answer.text)
        else:
            assert answer.status_code == 200, (path, answer.text)
        for ours in (str(site.id), *(theirs[name] for name in theirs if name not in NOBODYS)):
            assert ours not in answer.text, path
    assert walked > 20


@pytest.mark.parametrize("role", ROLES)
def test_a_stranger_of_any_role_changes_nothing_of_ours(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    other_site: UUID,
    site: SmallSite,
    database: Database,
    role: str,
) -> None:
    stranger = make_user(role, other_site)
    before = events.newest(database)
    for method, path, operation in operations(app):
        name = operation["operationId"]
        if method in WRITES and name not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, stranger)
            unknown = "{" in path or name in NAMES_IN_BODY
            unknown = unknown and name not in FOR_THE_COMPANY
            wanted = 404 if unknown and may_use(role, name, app) else 403
            assert refused.status_code == wanted, (method, path, refused.text)
    assert events.newest(database) == before


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_refused_whatever_the_table_does_not_give_it(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    site: SmallSite,
    role: str,
) -> None:
    colleague = make_user(role, site.id)
    refused = 0
    for method, path, operation in operations(app):
        name = operation["operationId"]
        if path in OPEN or name in OWN_AFFAIRS or (method == "get" and "{" in path):
            continue
        if may_use(role, name, app) and method == "get":
            answer = anonymous.get(path, headers=colleague.headers)
            assert answer.status_code == 200, (path, answer.text)
        elif not may_use(role, name, app):
            answer = _write(anonymous, method, path, operation, theirs, site, colleague)
            assert answer.status_code == 403, (method, path, answer.text)
            refused += 1
    assert refused > 0 or role == "administrator"


def test_who_may_only_read_writes_nothing(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    auditor: User,
    site: SmallSite,
    database: Database,
) -> None:
    before = events.newest(database)
    for method, path, operation in operations(app):
        if method in WRITES and operation["operationId"] not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, auditor)
            assert refused.status_code == 403, (method, path, refused.text)
    assert events.newest(database) == before


def test_who_may_write_elsewhere_only_reads_here(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    site: SmallSite,
    other_site: UUID,
    database: Database,
    clock: SimulatedClock,
) -> None:
    both = make_user("auditor", site.id)
    with database.write() as session:
        session.add(Grant(person_id=both.person_id, node_id=other_site, role="administrator"))
    before = events.newest(database)
    for method, path, operation in operations(app):
        if method in WRITES and operation["operationId"] not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, both)
            wanted = 404 if operation["operationId"] in OWN_ONLY else 403
            assert refused.status_code == wanted, (method, path, refused.text)
    assert events.newest(database) == before


# Values that say nothing of whose they are.
NOBODYS = frozenset({"position"})
# What holds in the whole installation is written by whoever administers all of it.
FOR_THE_COMPANY = frozenset({"put_device_profile", "delete_device_profile"})
# Its body, not its path, names what a stranger does not know of.
NAMES_IN_BODY = frozenset({"post_round_plan", "post_checkpoint_labels", "post_track_hold"})
NAMES_IN_BODY |= {"post_patrol_report_incident"}
# One's own tokens need no permission on any site; who hands in a file changes nothing yet, and
# what it would do is judged row by row (tests/api/test_imports.py).
OWN_AFFAIRS = frozenset({"post_token", "delete_token", "post_import", "post_import_plan"})
# A list under a name is its reader's own (tests/api/test_ticket_views.py).
OWN_AFFAIRS |= {"post_ticket_view", "patch_ticket_view", "put_ticket_view_start"}
OWN_AFFAIRS |= {"delete_ticket_view", "restore_ticket_view"}
# Nothing is kept of a document that is checked.
OWN_AFFAIRS |= {"check_rule_document"}
# Each ticket is judged by itself and refused in the answer (tests/api/test_bulk.py).
OWN_AFFAIRS |= {"post_tickets_bulk"}
# Each device is judged by itself and refused in the answer (tests/api/test_onboarding.py).
OWN_AFFAIRS |= {"post_device_adoptions"}
# A back-test only reads, and of the caller's sites alone (tests/api/test_laboratory.py).
OWN_AFFAIRS |= {"post_backtest", "delete_backtest"}
# A phone tells of itself, and of its guard alone (tests/api/test_rounds.py).
OWN_AFFAIRS |= {"post_patrol_contact"}
# One's own PIN (tests/api/test_guard_phones.py).
OWN_AFFAIRS |= {"put_my_pin"}
# What one agrees to oneself (tests/api/test_privacy.py).
OWN_AFFAIRS |= {"post_my_consent", "post_my_withdrawal"}
# Only looks for a tag, where its reader may set tags up (tests/api/test_patrol.py).
OWN_AFFAIRS |= {"post_token_of_tag"}
# A call for help is its sender's own, from wherever they work (tests/api/test_sos.py).
OWN_AFFAIRS |= {"post_sos", "put_sos_phrase", "post_check_in"}
# Only whoever a mark is about answers it (tests/workflows/test_marks.py).
OWN_AFFAIRS |= {"post_patrol_mark_answer"}
# Only who handed a file in knows of it.
OWN_ONLY = frozenset({"plan_import_again", "apply_import", "undo_import", "discard_import"})
OWN_ONLY |= {"undo_ticket_batch"}
# A call for help is known to its sender and to those who may answer it.
OWN_ONLY |= {f"post_sos_{step}" for step in ("see", "acknowledge", "come", "end", "look")}
OWN_ONLY |= {"post_sos_position", "post_sos_cancel"}
# Drafts are known where somebody edits or approves rules.
OWN_ONLY |= {
    "put_rule_draft",
    "post_rule_shadow",
    *(f"{action}_rule_draft" for action in DRAFT.moves),
}


def _write(
    client: TestClient,
    method: str,
    path: str,
    operation: dict[str, Any],
    theirs: dict[str, str],
    site: SmallSite,
    user: User,
) -> httpx2.Response:
    url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
    headers = {**user.headers, "If-Match": "*"}
    query = _queries(site).get(operation["operationId"], {})
    body = _bodies(site, theirs)[operation["operationId"]] if "requestBody" in operation else None
    if isinstance(body, str):
        return client.request(method, url, headers=headers, params=query, content=body)
    return client.request(method, url, headers=headers, params=query, json=body)


def _queries(site: SmallSite) -> dict[str, dict[str, str]]:
    """What must stand in the address of an operation."""
    return {
        "post_scans_wand": {"site": str(site.id), "profile": "desk", "apply": "true"},
        "get_replacement": {"old": str(site.devices["pump-1"])},
    }


def _bodies_of_alarms(site: SmallSite) -> dict[str, Any]:
    return {
        "see_fire_alarm": {"sent_id": str(site.id)},
        "clear_fire_alarm": {"cause": "dust", "photo_id": str(site.id)},
        "stand_fire_down": {"cause": "dust", "photo_id": str(site.id)},
        "shelve_alarm": {"minutes": 60, "reason": "It flaps"},
        "take_alarm_out": {"until": "2026-11-25T04:00:00Z", "reason": "Hot work"},
        "post_planned_work": {
            "site_id": str(site.id),
            "kind": "outage",
            "starts_at": "2026-11-24T05:00:00Z",
            "ends_at": "2026-11-24T06:00:00Z",
            "reason": "The board is changed",
            "asset_ids": [str(site.assets["pump-1"])],
        },
        "patch_planned_work": {"ends_at": "2026-11-24T07:00:00Z"},
        "post_walk_test": {
            "site_id": str(site.id),
            "space_id": str(site.id),
            "ends_at": "2026-11-24T06:00:00Z",
            "reason": "Yearly test",
        },
        "patch_walk_test": {"ends_at": "2026-11-24T05:30:00Z"},
        "ask_walk_test_lives": {"patrol": "Li Wei"},
        "post_device_adoptions": {"items": [{"device_id": str(site.devices["pump-1"])}]},
        "post_expected_devices": {"site_id": str(site.id), "devices": [{"code": "cellar"}]},
        "post_replacement": {"old_id": str(site.devices["pump-1"])},
        "put_device_profile": {"document": "name: Mine"},
        "sign_walk_test": {"name": "Li Wei", "picture": "aaaa"},
        "tick_walk_sensor": "a picture",
    }


MAPPING = {"device": "d", "readings": [{"key": "k", "path": "$.v"}]}
TRIED = """\
id: tried
title: {en: Tried, zh: 试用}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: low
ticket: {kind: repair, category: mechanical, team: maintenance}
"""


def _bodies(site: SmallSite, theirs: dict[str, str]) -> dict[str, Any]:
    """A body that would be accepted, for each operation that takes one."""
    name = {"en": "A thing"}
    on_site = {"site_id": str(site.id), "code": "thing-1"}
    pump = {"code": "pump-9", "type": "pump", "name": name}
    adoption = {"new_asset": pump, "points": [{"key": "running", "code": "running"}]}
    actions = {f"{action}_ticket": {"note": "Because"} for action in TICKET.moves}
    return {
        **actions,
        **_bodies_of_alarms(site),
        **bodies_of_patrols(site),
        **bodies_of_rounds(site, theirs),
        **bodies_of_posts(site),
        **_rule_bodies(site),
        "post_site_file": SITE_FILE,
        "post_asset": {**on_site, "type": "pump", "name": name},
        "patch_asset": {"criticality": "low"},
        **_bodies_of_devices(on_site, adoption),
        "post_ticket": {"site_id": str(site.id), "title": "It drips"},
        "patch_ticket": {"priority": "low"},
        "post_ticket_view": {"name": "Late ones"},
        "patch_ticket_view": {"name": "Later ones"},
        "put_ticket_view_start": {"start": True},
        "post_contractor_links": {
            "contacts": [{"company": "Pumps", "name": "Li", "phone": "0574 8800"}],
            "task": "Repair it",
        },
        "post_note": {"body": "Hello"},
        "post_photo": "no picture",
        "post_voice": "no picture",
        "post_role": {"role": "guard", "node_id": str(site.id)},
        "post_shifts": {
            "people": [str(site.id)],
            "weekdays": [0],
            "starts": "08:00",
            "ends": "18:00",
            "first": "2026-11-24",
        },
        "post_return_visit": {"way": "phone", "satisfied": True, "rating": 5},
        "post_work": {"kind": "labour", "what": "Work", "minutes": 5},
        "put_findings": {"fault": "leak"},
        "post_checklist": {"items": [{"text": {"en": "Look"}}]},
        "post_signature": {"name": "Li", "picture": "aGVsbG8="},
        "post_ticket_link": {"kind": "related_to", "number": 1},
        "put_check": {"value": "yes"},
        "put_ticket_category": {"name": name},
        "put_sticker_problems": {"problems": [{"code": "drip", "name": name}]},
        "put_shift_code": {"name": name, "starts": "08:00", "ends": "16:00"},
        "put_ticket_template": {"name": name, "title": name},
        "put_terms": {"grade": "urgent-30"},
        "put_calendar": {"name": name, "week": [[["09:00", "18:00"]], *[[]] * 6]},
        "post_resident": {"name": "Zhao Lei"},
        "patch_resident": {"relation": "tenant"},
        "post_company": {"name": "Lifts Ltd"},
        "post_invitation": {"role": "guard", "node_id": str(site.id)},
    }


def _bodies_of_devices(on_site: dict[str, str], adoption: dict[str, Any]) -> dict[str, Any]:
    return {
        "post_device": on_site,
        "patch_device_identity": {"reads": []},
        "rotate_device_credential": {},
        "patch_device": {"name": {"en": "A thing"}},
        "adopt_device": adoption,
        "post_source": {**on_site, "topic_filter": "y/#"},
        "patch_source": {"enabled": False},
        "put_source_key": {"profile": "token"},
        "put_mapping": {"mapping": MAPPING},
        "post_mapping_trial": {"mapping": MAPPING, "topic": "x/y", "payload": "{}"},
    }


def _rule_bodies(site: SmallSite) -> dict[str, Any]:
    return {
        **{f"{action}_rule_draft": {"reason": "Because"} for action in DRAFT.moves},
        "post_rule_draft": {"document": "id: x", "node_id": str(site.id)},
        "put_rule_draft": {"document": "id: x", "node_id": str(site.id)},
        "check_rule_document": {"document": "id: x"},
        "post_backtest": {"document": TRIED, "days": 1},
        "roll_rule_back": {"version": 1, "reason": "Because"},
        "retire_one_rule": {"node_id": str(site.id), "reason": "Because"},
    }
