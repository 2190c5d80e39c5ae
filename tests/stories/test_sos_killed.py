"""A call for help while the server is killed: pressed on, it is one call, and its chain goes on."""

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, Session, sqlite_url
from core.ids import new_id
from core.leases import Lease
from core.people import Grant, Person, issue
from core.places import Node
from core.schema import migrate
from core.site_file import import_site, read_site_file
from tests.guard_phone import GuardPhone
from tests.servers.product import Product, until
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.tickets.promises import STANDARD, ServiceTerms, SosTerms, service_grades

SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
"""
PATIENCE_S = 90
PATH = "/api/v1/guard/sos"
FIRST_S, SECOND_S = 2, 4


@dataclass
class Pressing:
    """A phone that sends its press until it is told to stop, as the app does without an answer."""

    phone: GuardPhone
    person: UUID
    url: str
    press: str = field(default_factory=lambda: str(new_id()))
    answers: list[Any] = field(default_factory=list)
    _over: Event = field(default_factory=Event)

    def begin(self) -> None:
        """Send it again and again."""
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Send it no more."""
        self._over.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        while not self._over.wait(0.2):
            with contextlib.suppress(OSError, HTTPException):
                self.answers.append(self.ask("POST", PATH, self.body))

    @property
    def body(self) -> dict[str, str]:
        """What is sent, the same each time."""
        return {"id": self.press, "person_id": str(self.person)}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the server answers to the phone."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Phone-Proof", self.phone.proof(method, path, datetime.now(UTC)))
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


@dataclass
class Scene:
    """The product, not started, with a guard on a known phone, and a supervisor who can answer.

    product: what answers phones and people. jobs: what passes calls on.
    """

    product: Product
    jobs: Product
    phone: GuardPhone
    guard: UUID
    token: str

    def start(self) -> None:
        """Both, side by side."""
        for one in (self.product, self.jobs):
            one.launch()
        for one in (self.product, self.jobs):
            one.wait_until_up()

    def kill(self) -> None:
        """SIGKILL to both."""
        for one in (self.product, self.jobs):
            one.kill(broker_too=False)
        # Whoever is next waits until its lease runs out, which tests/jobs/test_runner.py sees to.
        database = Database(sqlite_url(self.product.folder / "watchkeeper.sqlite"))
        with database.write() as session:
            for lease in session.scalars(select(Lease)):
                lease.ends_at = datetime.now(UTC)
        database.close()


def _lay(session: Session, phone: GuardPhone) -> tuple[UUID, str]:
    """The guard's id, and a token of the supervisor."""
    now = datetime.now(UTC)
    site = session.scalars(select(Node).where(Node.kind == "site")).one()
    ids = {}
    for role in ("guard", "supervisor", "manager"):
        person = Person(id=new_id(), name=role.title(), locale="en")
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=site.id, role=role))
        ids[role] = person.id
    kept = {"enrolled_at": now, "heard_at": now, "head_hash": "0" * 64, "browser": "", "app": ""}
    key = {name: phone.key[name] for name in ("x", "y")}
    session.add(Phone(id=phone.id, site_id=site.id, kind="post", label="Gate", key=key, **kept))
    session.flush()
    # Signed in long ago: no token of theirs counts any more.
    user = {"site_id": site.id, "online_at": now, "offline_until": now}
    session.add(PhoneUser(phone_id=phone.id, person_id=ids["guard"], **user))
    rungs = [
        {"after": f"{FIRST_S}s", "to": "supervisor"},
        {"after": f"{SECOND_S}s", "to": "manager"},
    ]
    own = service_grades()[STANDARD].terms.model_copy(
        update={"sos": SosTerms.model_validate({"escalation": rungs})}
    )
    text = own.model_dump_json()
    session.add(ServiceTerms(node_id=site.id, grade=STANDARD, own=text, version=1))
    return ids["guard"], issue(session, ids["supervisor"], "token", now=now)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A site, its people, and a chain of some seconds."""
    product = Product(tmp_path / "data", "api", {"require_second_factor": "nobody"})
    jobs = Product(tmp_path / "data", "jobs")
    database = Database(sqlite_url(product.folder / "watchkeeper.sqlite"))
    migrate(database)
    phone = GuardPhone()
    with database.write() as session:
        site = read_site_file(SITE_TEXT, "site.yaml")
        import_site(session, site, actor=events.SYSTEM, now=datetime.now(UTC))
        guard, token = _lay(session, phone)
    database.close()
    yield Scene(product, jobs, phone, guard, token)
    for one in (product, jobs):
        one.end()


def answer(product: Product, token: str, path: str) -> Any:
    """The supervisor does something about the call."""
    request = urllib.request.Request(product.url + path, b"", method="POST")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as got:
        return json.loads(got.read())


def climbed(product: Product) -> list[list[str]]:
    """Whom each step up the chain named, in order."""
    rows = product.rows("SELECT after FROM event WHERE kind = 'sos.escalate' ORDER BY seq")
    names = dict(product.rows("SELECT id, name FROM person"))
    named = {UUID(str(person)): str(name) for person, name in names.items()}
    told = [json.loads(row[0])["people"] for row in rows]
    return [sorted(named[UUID(one)] for one in people) for people in told]


def test_a_press_outlives_the_server_that_is_killed_while_it_answers(scene: Scene) -> None:
    product = scene.product
    scene.start()
    pressing = Pressing(scene.phone, scene.guard, product.url)
    pressing.begin()
    until(lambda: bool(product.rows("SELECT id FROM sos")), PATIENCE_S, "no call", pause=0.01)
    scene.kill()
    [(state, rung)] = product.rows("SELECT state, rung FROM sos")
    assert state in ("received", "seen")
    [(opened,)] = product.rows("SELECT opened_at FROM sos")
    began = datetime.fromisoformat(opened).replace(tzinfo=UTC)

    def is_over() -> bool:
        return (datetime.now(UTC) - began).total_seconds() > SECOND_S

    until(is_over, PATIENCE_S, "the chain did not run out")
    assert product.rows("SELECT rung FROM sos") == [(rung,)]
    before = len(pressing.answers)
    scene.start()
    until(lambda: len(pressing.answers) > before, PATIENCE_S, "no answer to the phone")
    pressing.end()
    assert {one["id"] for one in pressing.answers} == {pressing.press}
    # What was due while nobody ran is told in one step, and the chain is not begun anew.
    until(lambda: product.rows("SELECT rung FROM sos") == [(2,)], PATIENCE_S, "no chain")
    steps = climbed(product)
    assert steps[-1] == ["Manager", "Supervisor"]
    assert len(steps) <= 2
    done_by = answer(product, scene.token, f"/api/v1/sos/{pressing.press}/acknowledge")
    assert done_by["state"] == "acknowledged"
    told = pressing.ask("GET", f"{PATH}/{pressing.press}")
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "Supervisor")
    counts = "SELECT (SELECT count(*) FROM sos), (SELECT count(*) FROM ticket), "
    raised = "(SELECT count(*) FROM event WHERE kind = 'sos.raise')"
    assert product.rows(counts + raised) == [(1, 1, 1)]
    assert product.rows("SELECT due_at, presses FROM sos") == [(None, 1)]
