"""Tasks for guards over HTTP: asked and answered on a phone, given and called off by others."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from core.accounts import keep_logins
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.rosters import Shift
from jobs.guard_tasks import send_guards
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.jobs.conftest import make_work
from tests.workflows.conftest import trip
from tests.workflows.sending import INTRUSION, LEAK, put_checkpoints
from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.reports.model import GuardReport
from workflows.tickets import TicketNote

# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
API = "/api/v1"
PIN = "482913"
SECOND = timedelta(seconds=1)


@dataclass
class Scene:
    """A guard on duty with a phone, a supervisor, and an alarm in the pump room."""

    client: TestClient
    clock: SimulatedClock
    database: Database
    site: SmallSite
    guard: User
    supervisor: User
    phone: GuardPhone

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """What the phone asks, proved."""
        proof = self.phone.proof(method, f"{API}{path}", self.clock.now())
        headers = {"Phone-Proof": proof, **more.pop("headers", {})}
        return self.client.request(method, f"{API}{path}", headers=headers, **more)

    def post(self, user: User, path: str, **body: Any) -> httpx2.Response:
        """What somebody asks with their token."""
        return self.client.post(f"{API}/guard-tasks/{path}", json=body, headers=user.headers)

    def get(self, user: User, path: str = "") -> Any:
        """What somebody reads."""
        return self.client.get(f"{API}/guard-tasks{path}", headers=user.headers).json()

    def alarm(self, rule: Any = LEAK, asset: str = "pump-1") -> UUID:
        """It trips, and the sweep looks."""
        ticket = trip(self.database, self.site, self.clock.now(), rule=rule, asset=asset).ticket_id
        self.sweep()
        return ticket

    def sweep(self) -> None:
        """What the jobs do."""
        send_guards(make_work(self.database, self.clock), self.clock.now())

    def hand_in(self, first: int = 1) -> list[dict[str, Any]]:
        """The phone hands its journal in; the verdicts."""
        answer = self.ask("POST", "/guard/journal", json=self.phone.body(self.clock.now(), first))
        assert answer.status_code == 200, answer.text
        verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
        return verdicts

    def later(self, by: timedelta) -> None:
        """Time passes."""
        self.clock.advance_to(to_micros(self.clock.now() + by))


@pytest.fixture
def scene(
    anonymous: TestClient,
    clock: SimulatedClock,
    site: SmallSite,
    make_user: MakeUser,
    database: Database,
    app: Any,
) -> Scene:
    supervisor, guard = make_user("supervisor", site.id), make_user("guard", site.id)
    with database.write() as session:
        keep_logins(session, {guard.person_id: "liwei"}, now=NOON)
        ends = NOON + timedelta(hours=12)
        session.add(
            Shift(
                site_id=site.id,
                team="security",
                person_id=guard.person_id,
                kind="duty",
                starts_at=NOON,
                ends_at=ends,
            )
        )
    put_checkpoints(database, site, app.state.parts.vault)
    made = Scene(anonymous, clock, database, site, guard, supervisor, GuardPhone())
    assert anonymous.put(f"{API}/me/pin", json={"pin": PIN}, headers=guard.headers).is_success
    body = {"site_id": str(site.id), "kind": "post", "label": "Gate"}
    code = anonymous.post(f"{API}/phone-places", json=body, headers=supervisor.headers)
    enrolled = {"code": code.json()["code"], "id": str(made.phone.id), "key": made.phone.key}
    assert made.ask("POST", "/guard/phones", json=enrolled).status_code == 201
    came = made.ask("POST", "/guard/sign-in", json={"person_id": str(guard.person_id), "pin": PIN})
    assert came.is_success
    made.phone.sign_in(guard.person_id, clock.now())
    made.hand_in()
    return made


def test_a_phone_is_asked_goes_arrives_and_reports(scene: Scene) -> None:
    task = scene.alarm()
    asked = scene.ask("GET", "/guard/tasks")
    [shown] = asked.json()["items"]
    assert (shown["id"], shown["state"], shown["way"][-1]["en"]) == (
        str(task),
        "offered",
        "Pump room",
    )
    assert [one["code"] for one in shown["checkpoints"]] == ["pumps"]
    assert shown["answer_by"] is not None
    tag = {"If-None-Match": asked.headers["ETag"]}
    assert scene.ask("GET", "/guard/tasks", headers=tag).status_code == 304
    assert scene.ask("GET", "/guard/plan").json()["tasks"] == [shown]
    scene.later(5 * SECOND)
    for _ in range(2):
        # The answer got lost, and it is sent again.
        taken = scene.ask("POST", f"/guard/tasks/{task}", json={"answer": "accept"})
        assert [one["state"] for one in taken.json()["items"]] == ["accepted"]
    scene.later(90 * SECOND)
    scene.phone.note("task", scene.clock.now(), task=str(task), what="arrived")
    scene.phone.note(
        "report",
        scene.clock.now(),
        choice="leak",
        checkpoint=None,
        round=None,
        files=[],
        checks={"stopped": True},
        text="The valve is closed",
        task=str(task),
    )
    scene.phone.note("task", scene.clock.now(), task=str(task), what="finished")
    verdicts = scene.hand_in(2)
    assert [one["verdict"] for one in verdicts] == ["accepted"] * 3
    assert scene.ask("GET", "/guard/tasks").json()["items"] == []
    whole = scene.get(scene.supervisor, f"/{task}")
    assert (whole["state"], whole["why"], whole["arrived_by"]) == ("over", "finished", "said")
    # It joined the ticket that was there, and opened no other.
    assert verdicts[1]["ticket_number"] == whole["ticket_number"]
    with scene.database.read() as session:
        [note] = session.scalars(select(TicketNote).where(TicketNote.ticket_id == task))
        assert "The valve is closed" in note.body
        assert session.scalars(select(GuardReport.ticket_id)).all() == [task]
        assert session.scalar(select(JournalEntry.seq).where(JournalEntry.kind == "task")) == 2


@ONE_ENGINE
def test_who_is_asked_on_a_phone_passes_it_on(scene: Scene) -> None:
    task = scene.alarm()
    wrong = scene.ask("POST", f"/guard/tasks/{task}", json={"answer": "pass", "reason": "bored"})
    assert wrong.status_code == 422
    passed = scene.ask("POST", f"/guard/tasks/{task}", json={"answer": "pass", "reason": "busy"})
    assert passed.json()["items"] == []
    late = scene.ask("POST", f"/guard/tasks/{task}", json={"answer": "accept"})
    assert late.status_code == 409
    assert "passed on" in late.json()["advice"]
    scene.sweep()
    assert scene.get(scene.supervisor, f"/{task}")["state"] == "passed_up"


@ONE_ENGINE
def test_what_is_told_of_a_task_that_is_not_theirs_is_refused(scene: Scene) -> None:
    task = scene.alarm()
    for said in (
        {"task": str(task), "what": "arrived"},
        {"task": str(scene.site.id), "what": "arrived"},
        {"task": str(task), "what": "vanished"},
        {"what": "arrived"},
    ):
        scene.phone.note("task", scene.clock.now(), **said)
    scene.phone.note("report", scene.clock.now(), choice="leak", task=str(scene.site.id))
    verdicts = scene.hand_in(2)
    reasons = [one["reason"] for one in verdicts]
    assert reasons == ["task_passed_on", "no_task", "malformed", "malformed", None]
    # What was seen is not lost for it: the report opens a ticket of its own.
    assert verdicts[-1]["marks"] == ["no_task"]
    assert verdicts[-1]["ticket_number"] is not None


@ONE_ENGINE
def test_a_supervisor_sees_who_could_go_sends_them_and_calls_it_off(
    scene: Scene, make_user: MakeUser
) -> None:
    task = scene.alarm(INTRUSION)
    [could] = scene.get(scene.supervisor, f"/{task}/people")["items"]
    assert (could["person_id"], could["why_not"]) == (str(scene.guard.person_id), "away")
    boss = str(scene.supervisor.person_id)
    sent = scene.post(scene.supervisor, f"{task}/send", person_id=boss)
    assert (sent.status_code, sent.json()["person_id"]) == (200, boss)
    assert [one["state"] for one in sent.json()["offers"]] == ["withdrawn", "accepted"]
    assert scene.post(scene.guard, f"{task}/send", person_id=boss).status_code == 403
    assert scene.post(scene.guard, f"{task}/accept").status_code == 409
    assert scene.post(scene.supervisor, f"{task}/call-off", reason=" ").status_code == 422
    off = scene.post(scene.supervisor, f"{task}/call-off", reason="A drill")
    assert (off.json()["state"], off.json()["reason"]) == ("over", "A drill")
    assert scene.post(scene.supervisor, f"{task}/call-off", reason="x").status_code == 409
    listed = scene.get(scene.supervisor)["items"]
    assert [one["id"] for one in listed] == [str(task)]
    assert scene.get(scene.supervisor, "?open_only=true")["items"] == []
    assert {one["near"]["how"] for one in off.json()["offers"]} == {"unknown"}
    other = make_user("guard", scene.site.id)
    shown = scene.get(other, f"/{task}")
    assert shown["may_send"] is False
    # Where a colleague was, and why they did not go, is none of theirs.
    assert {(one["near"], one["reason"]) for one in shown["offers"]} == {(None, "")}
    own = next(
        one
        for one in scene.get(scene.guard, f"/{task}")["offers"]
        if one["person_id"] == str(scene.guard.person_id)
    )
    assert (own["near"]["how"], own["reason"]) == ("unknown", "sent")


@ONE_ENGINE
def test_the_own_routes_of_somebody_without_a_phone_of_ours(scene: Scene) -> None:
    task = scene.alarm()
    assert scene.post(scene.guard, f"{task}/arrive").status_code == 409
    for step, state in (("accept", "accepted"), ("arrive", "arrived"), ("finish", "over")):
        answer = scene.post(scene.guard, f"{task}/{step}")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    figures = scene.client.get(f"{API}/guard-task-figures?days=1", headers=scene.guard.headers)
    said = figures.json()
    # It began at this very moment, which is the end of the span.
    assert said["tasks"] == 0
    scene.later(SECOND)
    path = f"{API}/guard-task-figures?site={scene.site.id}"
    said = scene.client.get(path, headers=scene.supervisor.headers).json()
    assert said | {"tasks": 1, "accepted": 1, "arrived": 1, "proven": 0, "offers": 1} == said
    assert said["accept_s"] == {"n": 1, "median": 0, "p90": 0}
    assert scene.post(scene.guard, f"{task}/pass", reason="busy").json()["state"] == "over"
    assert scene.post(scene.guard, f"{task}/finish").json()["state"] == "over"
