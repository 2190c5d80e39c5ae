"""Two workers that a platform's repetition reaches at the same moment."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.devices import Source
from core.http_ingest import Accepted, HttpMessage, NewKey, Pushed, accept, set_key
from core.http_ingest import accepting as box
from core.ids import new_id
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads

VAULT = Vault(load(secret_key="the key of the box, of 32 characters or more"))


@pytest.fixture
def source(postgres_database: Database, postgres_site: SmallSite) -> UUID:
    """A source for what is pushed."""
    source = Source(
        id=new_id(),
        site_id=postgres_site.id,
        code="cloud",
        topic_filter="http/riverside/cloud/#",
        options={},
        dialect="onenet",
    )
    with postgres_database.write() as session:
        session.add(source)
        session.flush()
        new = NewKey("token", "the secret of a platform")
        set_key(session, VAULT, source, new, actor=events.SYSTEM, now=NOON)
    return source.id


def test_a_delivery_that_reaches_two_workers_at_once_is_noted_as_one(
    postgres_database: Database, source: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    is_new = box._is_new

    def at_once(*words: object) -> bool:
        # Neither has noted anything when both have looked and found nothing.
        both.wait(30)
        return is_new(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(box, "_is_new", at_once)
    headers = {"authorization": "Bearer the secret of a platform"}
    pushed = Pushed(headers, {}, b'{"temperature": 41.5}')
    done: dict[int, Accepted] = {}

    def worker(number: int) -> None:
        with postgres_database.write() as session:
            done[number] = accept(session, VAULT, source, "", pushed, most=100, now=NOON)

    in_threads(2, worker)
    assert len(done) == 2
    with postgres_database.read() as session:
        marks = sorted(row.again for row in session.scalars(select(HttpMessage)))
    # The second is kept, as what comes again is, and marked as such.
    assert marks == [False, True]
