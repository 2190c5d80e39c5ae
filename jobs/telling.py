"""Telling people: facts become notices, and notices go out until somebody answers."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from core import events
from core.channels import Channel, channels_of, outside_channel, tells_outside
from core.channels.groups import Groups
from core.channels.message import Outcome
from core.clock import Clock
from core.db import is_unavailable
from core.leases import LeaseLost
from core.settings import Settings
from core.vault import Vault
from jobs.work import Work
from workflows import notifications
from workflows.notifications import Outside
from workflows.notifications.telling import Call

log = structlog.get_logger(__name__)

SET_ASIDE = Counter(
    "wk_jobs_facts_set_aside_total", "Facts that nobody could be told of at the first try."
)
NOTICES_PUT_OFF = Counter(
    "wk_jobs_notices_put_off_total", "Times that a notice could not be told and was put off."
)

CURSOR, GROUP_CURSOR = "notices", "groups"
# So few are taken up in one transaction that ingest, which may wait to write, waits little.
TAKEN_UP_AT_ONCE = 20
READ_AT_ONCE = 500
AT_THE_SAME_TIME = 8
# A notice that could not be told, for a mistake of ours, is tried again so much later.
PUT_OFF = timedelta(minutes=1)
# What happened shortly before anybody began to tell is told all the same.
JUST_NOW = timedelta(minutes=10)
# Groups hear once a minute at most, and of so many tickets by name.
GROUP_EVERY = timedelta(minutes=1)
NAMED_IN_A_GROUP = 10


class Telling:
    """The channels of an installation, and the sweep that uses them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._channels: list[Channel] = channels_of(settings, clock.now)
        own = f"http://{settings.http_host}:{settings.http_port}"
        self._base = (settings.public_url or own).rstrip("/")
        self._outside = Outside(
            channel=outside_channel(settings, clock.now),
            vault=Vault(settings),
            kinds=tells_outside(settings),
            daily=settings.sms_outside_daily,
            base=self._base,
        )
        self._clock = clock
        self._told_before = False
        # Notices whose attempts could not be begun: until when they wait, and why.
        self._put_off: dict[UUID, tuple[datetime, str]] = {}

    def tell(self, work: Work, now: datetime) -> int:
        """Take up new facts and make every attempt that is due; returns how many.

        Facts are taken up between the attempts too: a fire must not wait until a mail server that
        hangs was tried for all who are told of other things. Raises RuntimeError, after all else
        was told, while a fact is set aside that could not be taken up, or a notice put off.
        """
        with work.transaction() as session:
            # What is under way before this process told anything, was begun by one that died.
            after = {} if self._told_before else {"after": timedelta(0)}
            notifications.give_up_unknown(session, now=now, **after)
            again = notifications.begin_due(session, CURSOR, now=now, limit=TAKEN_UP_AT_ONCE)
        self._told_before = True
        made = 0
        _take_up_again(work, again, now)
        while not work.stopping.is_set():
            _take_up(work, now)
            calls = self._begin(work, now)
            with work.database.read() as session:
                # Those who are reached on no channel must not hold up the others.
                more = bool(calls) or notifications.any_due(session, now=now)
            self._make(work, calls)
            made += len(calls)
            if not more:
                break
        _require_all_taken_up(work)
        self._require_all_begun()
        return made

    def _begin(self, work: Work, now: datetime) -> list[Call]:
        """Everything that is due, or, where that fails, each notice by itself."""
        try:
            calls = self._begin_some(work, now)
        except Exception as error:
            if _ends_all(error):
                raise
            with work.database.read() as session:
                due = notifications.all_due(session, now=now)
            return [call for one in due for call in self._begin_one(work, one, now)]
        self._put_off = {one: it for one, it in self._put_off.items() if it[0] > now}
        return calls

    def _begin_some(self, work: Work, now: datetime, only: UUID | None = None) -> list[Call]:
        with work.transaction() as session:
            calls = notifications.begin(
                session, self._channels, base=self._base, now=now, only=only
            )
            calls += notifications.begin_outside(session, self._outside, now=now, only=only)
        return calls

    def _begin_one(self, work: Work, notice_id: UUID, now: datetime) -> list[Call]:
        """One that fails is put off: it must not keep everybody else from being told."""
        try:
            calls = self._begin_some(work, now, notice_id)
        except Exception as error:
            if _ends_all(error):
                raise
            log.exception("a notice could not be told; it is put off", notice=str(notice_id))
            until = now + PUT_OFF
            with work.transaction() as session:
                notifications.put_off(session, notice_id, until)
            NOTICES_PUT_OFF.inc()
            self._put_off[notice_id] = until, f"{notice_id}: {type(error).__name__}: {error}"[:200]
            return []
        self._put_off.pop(notice_id, None)
        return calls

    def _require_all_begun(self) -> None:
        """RuntimeError while a notice is put off, so that health and metrics say so."""
        if self._put_off:
            *_, (_, why) = self._put_off.values()
            raise RuntimeError(f"notices put off: {len(self._put_off)}, the last {why}")

    def _make(self, work: Work, calls: list[Call]) -> None:
        if not calls:
            return
        with ThreadPoolExecutor(AT_THE_SAME_TIME, thread_name_prefix="tell") as pool:
            outcomes = list(pool.map(_attempt, calls))
        with work.transaction() as session:
            for call, outcome in zip(calls, outcomes, strict=True):
                notifications.finish_attempt(
                    session, call.attempt_id, outcome, now=self._clock.now()
                )


def _attempt(call: Call) -> Outcome:
    try:
        return call.channel.send(call.address, call.message)
    except Exception as error:  # noqa: BLE001 - one channel's fault must not silence the others
        return Outcome(sent=False, text=f"{type(error).__name__}: {error}"[:300])


def _take_up(work: Work, now: datetime) -> None:
    with work.database.read() as session:
        cursor = notifications.cursor_of(session, CURSOR)
    if cursor is None:
        # The first time people hear what has just happened, not the whole past.
        cursor = events.newest_before(work.database, now - JUST_NOW)
    while not work.stopping.is_set():
        facts = events.read_after(work.database, cursor, TAKEN_UP_AT_ONCE)
        if not facts:
            return
        cursor = (facts[-1].txid, facts[-1].seq)
        try:
            _take_up_together(work, facts, now)
        except Exception as error:
            if _ends_all(error):
                raise
            # One by one, so that what fails stands alone.
            for fact in facts:
                _take_up_alone(work, fact, now)


def _take_up_together(work: Work, facts: Sequence[events.Event], now: datetime) -> None:
    with work.transaction() as session:
        notifications.take_up(session, facts, now=now)
        notifications.set_cursor(session, CURSOR, (facts[-1].txid, facts[-1].seq))


def _take_up_alone(work: Work, fact: events.Event, now: datetime) -> None:
    """One that fails is set aside: it must not keep people from all that came after it."""
    try:
        _take_up_together(work, [fact], now)
    except Exception as error:
        if _ends_all(error):
            raise
        log.exception(
            "nobody could be told of a fact; it is tried again", fact=fact.seq, kind=fact.kind
        )
        with work.transaction() as session:
            notifications.set_aside(session, CURSOR, fact, _why(fact, error), now=now)
            notifications.set_cursor(session, CURSOR, (fact.txid, fact.seq))
        SET_ASIDE.inc()


def _take_up_again(
    work: Work, due: Sequence[tuple[notifications.Delivery, events.Event]], now: datetime
) -> None:
    """Facts that were set aside, once more."""
    for row, fact in due:
        try:
            with work.transaction() as session:
                notifications.take_up(session, [fact], now=now)
                notifications.finish(session, row.id, delivered=True, result="", now=now)
        except Exception as error:
            if _ends_all(error):
                raise
            _note_failure(work, row.id, fact, _why(fact, error), now)


def _note_failure(work: Work, row_id: UUID, fact: events.Event, why: str, now: datetime) -> None:
    with work.transaction() as session:
        state = notifications.finish(session, row_id, delivered=False, result=why, now=now)
    if state == "given_up":
        log.error("nobody will be told of a fact", fact=fact.seq, kind=fact.kind, why=why)


def _require_all_taken_up(work: Work) -> None:
    """RuntimeError while something is set aside, so that health and metrics say so."""
    with work.database.read() as session:
        count, why = notifications.set_aside_of(session, CURSOR)
    if count:
        raise RuntimeError(f"facts that nobody could be told of: {count}, the newest {why}")


def _ends_all(error: Exception) -> bool:
    return isinstance(error, LeaseLost) or is_unavailable(error)


def _why(fact: events.Event, error: Exception) -> str:
    return f"{fact.kind} ({fact.seq}): {type(error).__name__}: {error}"[:300]


class TellingGroups:
    """Chat groups hear of new tickets, merged, once a minute.

    Each has its own place in the log, so that one that takes nothing does not let the others hear
    the same again and again. A new one begins where the last look ended.
    """

    def __init__(self, settings: Settings) -> None:
        addresses = dict.fromkeys(settings.group_urls.split())
        self._groups = {_cursor_of(address): Groups([address]) for address in addresses}

    def tell(self, work: Work, now: datetime) -> int:
        """Tell the groups what was opened since the last time; returns how many tickets, counted
        once for each group. Raises RuntimeError when all were tried and one did not take it."""
        del now
        newest = events.newest(work.database)
        with work.database.read() as session:
            looked = notifications.cursor_of(session, GROUP_CURSOR) or newest
        told, failures = 0, []
        for name, group in self._groups.items():
            found, outcome = self._tell_one(work, name, group, looked, newest)
            told += found if outcome.sent else 0
            failures += [] if outcome.sent else [outcome.text]
        with work.transaction() as session:
            notifications.set_cursor(session, GROUP_CURSOR, newest)
        if failures:
            raise RuntimeError(f"groups: {'; '.join(dict.fromkeys(failures))}")
        return told

    def _tell_one(
        self, work: Work, name: str, group: Groups, looked: events.Cursor, newest: events.Cursor
    ) -> tuple[int, Outcome]:
        with work.database.read() as session:
            cursor = notifications.cursor_of(session, name) or looked
            facts = events.kinds_after(session, cursor, ("ticket.open",), READ_AT_ONCE)
            lines = notifications.group_lines(session, facts, NAMED_IN_A_GROUP)
        outcome = Outcome(sent=True, text="nothing to tell")
        if lines:
            outcome = group.tell(lines[0], "\n".join(lines[1:]))
        # One that took nothing has its place on record all the same: a new one it is no more.
        reached = cursor
        if outcome.sent:
            reached = (facts[-1].txid, facts[-1].seq) if facts else newest
        with work.transaction() as session:
            notifications.set_cursor(session, name, reached)
        return len(facts), outcome


def _cursor_of(address: str) -> str:
    """Under which name a group has its place in the log; the address may hold a secret."""
    return f"group:{hashlib.sha256(address.encode()).hexdigest()[:12]}"
