"""Finding the one message for which a batch fails, so that the rest goes on without it."""

import time
from collections.abc import Callable, Sequence

import structlog

from core.health import Health
from core.leases import LeaseLost
from ingest.decoding import Problem, own_topic, topic_text
from ingest.pipeline import BEAT_SITE, CLOCK_TOPIC, Judge
from ingest.session import Message

log = structlog.get_logger(__name__)

_COMPLAIN_EVERY = 60.0


class Stopped(Exception):
    """We were asked to stop while waiting for a store; what is uncommitted comes again."""


class Isolation:
    """Splits what failed by halves.

    attempt: take messages in and commit them; start_over: take every state from the stores again.
    """

    def __init__(
        self,
        judge: Judge,
        health: Health,
        *,
        attempt: Callable[[list[Message]], None],
        start_over: Callable[[], None],
    ) -> None:
        self._judge = judge
        self._health = health
        self._attempt = attempt
        self._start_over = start_over
        self._next_complaint = 0.0

    def isolate(self, messages: Sequence[Message], now: int) -> None:
        """Take in what failed together, quarantining each message that fails alone. now: µs."""
        self._start_over()
        middle = len(messages) // 2
        for part in (messages[:middle], messages[middle:]):
            if not part:
                continue
            try:
                self._attempt(list(part))
            except (LeaseLost, Stopped):
                raise
            except Exception as error:  # noqa: BLE001 - the edge of one message
                if len(part) > 1:
                    self.isolate(part, now)
                else:
                    self._start_over()
                    self.give_up(part[0], error, now)

    def give_up(self, message: Message, error: Exception, now: int) -> None:
        """Quarantine a message that fails alone. now: µs."""
        self._complain(message, error)
        detail = f"{type(error).__name__}: {error}".replace("\0", "\ufffd")
        topic, payload, mid, _ = message
        name = topic_text(topic)
        own = own_topic(name)
        batch = self._judge.batch
        batch.mids += [mid] if mid else []
        if topic == CLOCK_TOPIC or (own and own.site == BEAT_SITE):
            # Not the heartbeat is bad, but what came due with it; it comes due again.
            self._health.report("ingest timers", ok=False, detail=detail[:300])
        else:
            site = self._judge.registry.sites.get(own.site) if own else None
            code = own.device if own else name
            batch.reject(site, code, name, [Problem("failed", detail)], payload, now)
        self._attempt([])

    def _complain(self, message: Message, error: Exception) -> None:
        """Log where it failed, once a minute at most; quarantine keeps count of the rest."""
        now = time.monotonic()
        if now >= self._next_complaint:
            self._next_complaint = now + _COMPLAIN_EVERY
            log.error("a message fails; it is quarantined", topic=message[0], exc_info=error)
