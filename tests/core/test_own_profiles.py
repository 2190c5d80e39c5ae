"""Profiles of one's own: of two who save one at once, the second is told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Stale
from core.profiles.own import own_document, put_profile
from tests.fixtures import SmallSite

TEXT = "{name: %s, asset: room, points: {temperature: {keys: [t]}}}"


def test_two_who_save_a_profile_at_once_do_not_overwrite_each_other(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    del site
    written, goes_on = threading.Event(), threading.Event()

    def save(name: str, expected: int | None, *, waits: bool = False) -> None:
        with database.write() as session:
            put_profile(
                session,
                "mine",
                TEXT % name,
                expected_version=expected,
                actor=events.SYSTEM,
                now=clock.now(),
            )
            if waits:
                written.set()
                goes_on.wait(10)

    save("Original", None)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(save, "First", 1, waits=True)
        assert written.wait(10)
        second = pool.submit(save, "Second", 1)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        goes_on.set()
        first.result(10)
        with pytest.raises(Stale):
            second.result(10)
    with database.read() as session:
        document, version = own_document(session, "mine")
    assert (document["name"], version) == ("First", 2)
