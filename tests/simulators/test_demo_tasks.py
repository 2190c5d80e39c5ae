"""The demo's task for a guard: somebody was sent, came, and can be sent again."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.db import Database
from core.people import Person
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON
from tests.workflows.conftest import facts_of
from watchkeeper import first_run
from watchkeeper.demo_patrol import demo_patrol
from watchkeeper.demo_posts import demo_posts
from watchkeeper.demo_tasks import PATROL, demo_tasks
from workflows.patrol import tasks
from workflows.tickets import Ticket


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_demo_has_sent_a_guard_who_can_be_spared(database: Database, tmp_path: Path) -> None:
    first_run.import_demo(database, NOON)
    first_run.demo_accounts(database, tmp_path, NOON)
    vault = Vault(load(secret_key="a key of the tests of patrols only"))
    demo_patrol(database, vault, "guard", NOON)
    demo_posts(database, vault, "guard", NOON)
    for _ in range(2):
        demo_tasks(database, vault, NOON)
    with database.read() as session:
        task = session.scalars(select(tasks.GuardTask)).one()
        ticket = session.get_one(Ticket, task.id)
        patrol = session.scalars(select(Person.id).where(Person.name == PATROL)).one()
        assert (task.state, task.why, task.arrived_by) == ("over", "finished", "scan")
        assert task.proof is not None
        assert (task.proof["grade"], task.proof["near"]) == ("present", "same_space")
        assert (ticket.state, ticket.doer_id) == ("resolved", patrol)
    assert [fact.learned_at for fact in facts_of(database, "guard_task.finish")] == [
        NOON - timedelta(minutes=35)
    ]
