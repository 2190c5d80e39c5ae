"""What time asks of reports: days that close by themselves, and annexes of what came later."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from core.db import is_unavailable
from core.errors import Conflict
from core.files import FileStore, files_url
from core.leases import LeaseLost
from jobs.work import Work
from workflows.patrol.frozen import annexing, audience, closing

One = TypeVar("One")


def desk_of(work: Work) -> closing.Desk:
    """Where reports are made; a runner that lost its lease keeps none."""
    files = FileStore(files_url(work.settings))
    base = work.settings.public_url.rstrip("/")
    return closing.Desk(work.database, files, base, work.guard)


def close_days(work: Work, now: datetime) -> int:
    """Close every day whose time has come; each by itself, and nobody waits to write meanwhile."""
    with work.database.read() as session:
        due = audience.days_to_close(session, now=now)
    desk = desk_of(work)
    return _each_by_itself(
        work, due, lambda one: closing.close_day(desk, None, one[0], one[1], now=now)
    )


def annex_days(work: Work, now: datetime) -> int:
    """Tell in annexes what came for days that are closed."""
    with work.database.read() as session:
        due = annexing.reports_to_look_at(session, now=now)
    desk = desk_of(work)
    return _each_by_itself(work, due, lambda one: annexing.annex(desk, None, one, now=now))


def _each_by_itself(work: Work, due: Iterable[One], do: Callable[[One], object]) -> int:
    """One that fails holds no other back; then the first failure is raised. Returns how many."""
    made, failure = 0, None
    for one in due:
        if work.stopping.is_set():
            break
        try:
            made += do(one) is not None
        except Conflict:
            # A supervisor was quicker.
            continue
        except Exception as error:
            if isinstance(error, LeaseLost) or is_unavailable(error):
                raise
            failure = failure or error
    if failure is not None:
        raise failure
    return made
