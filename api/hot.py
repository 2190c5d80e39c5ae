"""Answers that many ask for at once, made once between two commits."""

import time
from collections.abc import Callable, Hashable
from itertools import count
from typing import NamedTuple

from core.db import Database

# Commits of this process are known at once. Those of others show when this has passed, well
# within the second in which roles follow each other.
LIFETIME = 0.05
AT_MOST = 64


class _Kept(NamedTuple):
    commit: int
    ends: float
    body: bytes


class HotAnswers:
    """Bodies of lists that open pages and programs ask for again and again. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._numbers = count(1)
        self._commit = 0
        self._kept: dict[Hashable, _Kept] = {}
        database.on_commit(self._changed)

    def _changed(self) -> None:
        self._commit = next(self._numbers)

    def kept(self, key: Hashable) -> bytes | None:
        """The body kept under `key`, if it still holds; never waits."""
        kept = self._kept.get(key)
        if kept is None or kept.commit != self._commit or time.monotonic() >= kept.ends:
            return None
        return kept.body

    def body(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The body kept under `key`, or a fresh one.

        key: everything that the body depends on, the caller's rights included. A commit while it
        is being made leaves it outdated from the start, so nobody gets it twice.
        """
        body = self.kept(key)
        if body is not None:
            return body
        commit, now = self._commit, time.monotonic()
        body = make()
        if len(self._kept) >= AT_MOST:
            self._kept = {}
        self._kept[key] = _Kept(commit, now + LIFETIME, body)
        return body
