"""What is due, each by itself: one that fails holds no other back."""

from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from core.db import Session, is_unavailable
from core.leases import LeaseLost
from jobs.work import Work

One = TypeVar("One")
Step = Callable[[Session, UUID], int]


def one_by_one(
    work: Work,
    due: Iterable[One],
    do: Callable[[One], int],
    later: Callable[[One], object] = lambda _: None,
) -> int:
    """Do each of what is due; then the first failure is raised. Returns the sum.

    later: puts off one that failed. What ends all (the lease is lost, the database is away) is
    raised at once.
    """
    made, failure = 0, None
    for one in due:
        if work.stopping.is_set():
            break
        try:
            made += do(one)
        except Exception as error:
            if isinstance(error, LeaseLost) or is_unavailable(error):
                raise
            failure = failure or error
            later(one)
    if failure is not None:
        raise failure
    return made


def step_by_step(work: Work, steps: Iterable[tuple[UUID, Step]]) -> int:
    """Take steps, each in a transaction of its own, like `one_by_one`; returns their sum."""

    def take(due: tuple[UUID, Step]) -> int:
        one, step = due
        with work.transaction() as session:
            return step(session, one)

    return one_by_one(work, steps, take)
