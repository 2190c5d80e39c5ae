"""What is due, each by itself: one that fails holds no other back."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from core.db import is_unavailable
from core.leases import LeaseLost
from jobs.work import Work

One = TypeVar("One")


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
