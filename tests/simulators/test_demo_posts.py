"""The demo's post: a guard is there who knows its orders; set up again, it stays as it is."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.accounts import holders_of
from core.db import Database
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON
from watchkeeper import first_run
from watchkeeper.demo_posts import demo_posts
from workflows.patrol import posts


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_demo_has_a_post_with_orders_and_somebody_there(
    database: Database, tmp_path: Path
) -> None:
    first_run.import_demo(database, NOON)
    first_run.demo_accounts(database, tmp_path, NOON)
    vault = Vault(load(secret_key="a key of the tests of patrols only"))
    for _ in range(2):
        demo_posts(database, vault, "guard", NOON)
    with database.read() as session:
        post = session.scalars(select(posts.Post)).one()
        guard = holders_of(session, ["guard"])["guard"]
        assert [one.person_id for one in posts.crew(session, post, NOON)] == [guard]
        assert posts.unread_by(session, post.id, guard) is None
        assert posts.missing(session, post, NOON) == 0
        assert posts.unread_entries(session, post.id, guard) == 1
        assert len(posts.items_of(session, post.id)) == 4
        assert posts.missing(session, post, NOON - timedelta(hours=1)) == 1
