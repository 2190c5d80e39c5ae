"""What time asks of reports: days close, annexes of what came later, links to clients."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.channels.mail import Mail
from core.channels.message import Channel
from core.errors import Conflict
from core.files import FileStore, files_url
from core.settings import Settings
from jobs.one_by_one import one_by_one
from jobs.work import Work
from workflows.patrol.frozen import annexing, audience, closing, sending


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
    close = _unless_quicker(lambda one: closing.close_day(desk, None, one[0], one[1], now=now))
    return one_by_one(work, due, close)


def annex_days(work: Work, now: datetime) -> int:
    """Tell in annexes what came for days that are closed."""
    with work.database.read() as session:
        due, quiet = annexing.reports_to_look_at(session, now=now)
    if quiet:
        with work.transaction() as session:
            annexing.note_quiet(session, quiet, now=now)
    desk = desk_of(work)
    annex = _unless_quicker(lambda one: annexing.annex(desk, None, one, now=now))
    return one_by_one(work, due, annex)


class Sending:
    """Clients are sent links to what was closed, where e-mail and our own address are set."""

    def __init__(self, settings: Settings, channel: Channel | None = None) -> None:
        if channel is None and settings.smtp_url and settings.mail_from:
            channel = Mail(settings.smtp_url, settings.mail_from)
        self._channel = channel
        self._base = settings.public_url.rstrip("/")

    def send(self, work: Work, now: datetime) -> int:
        """Send what is due; what was written down before e-mail was set up goes out then."""
        if self._channel is None or not self._base:
            return 0
        made = 0
        while not work.stopping.is_set():
            with work.transaction() as session:
                letters = sending.begin(session, base=self._base, now=now)
                more = sending.any_due(session, now=now)
            for letter in letters:
                outcome = self._channel.send(letter.address, letter.message)
                with work.transaction() as session:
                    sending.finish(session, letter.sending_id, outcome, now=now)
                made += outcome.sent
            if not more:
                break
        return made


def _unless_quicker(do: Callable[[Any], object]) -> Callable[[Any], int]:
    """Whether it was done here; where a supervisor was quicker it was not."""

    def done(one: Any) -> int:
        try:
            return do(one) is not None
        except Conflict:
            return 0

    return done
