"""Lists made once between two commits: never an outdated one, never somebody else's."""

import time

import pytest

from api import hot
from api.hot import HotAnswers
from core.db import Database


class Maker:
    """Makes a new body at each call."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> bytes:
        self.made += 1
        return str(self.made).encode()


def commit(database: Database) -> None:
    with database.write():
        pass


def test_a_body_is_made_once_between_two_commits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "LIFETIME", 60.0)
    answers, make = HotAnswers(database), Maker()
    assert [answers.body("a", make) for _ in range(3)] == [b"1", b"1", b"1"]
    commit(database)
    assert answers.body("a", make) == b"2"


def test_what_another_process_commits_shows_after_a_moment(database: Database) -> None:
    answers, make = HotAnswers(database), Maker()
    answers.body("a", make)
    time.sleep(hot.LIFETIME + 0.01)
    assert answers.body("a", make) == b"2"


def test_a_body_during_whose_making_somebody_commits_is_not_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "LIFETIME", 60.0)
    answers, make = HotAnswers(database), Maker()

    def interrupted() -> bytes:
        commit(database)
        return make()

    assert answers.body("a", interrupted) == b"1"
    assert answers.body("a", make) == b"2"


def test_each_key_has_its_own_body_and_their_number_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "LIFETIME", 60.0)
    answers, make = HotAnswers(database), Maker()
    for number in range(3 * hot.AT_MOST):
        assert answers.body(number, make) == str(number + 1).encode()
        assert len(answers._kept) <= hot.AT_MOST
