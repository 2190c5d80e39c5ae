"""What the session listens to: the topics that sources name, and on record what it may hold."""

from core import shards
from core.db import Database, is_unavailable
from ingest.committing import Tenure
from ingest.registry import Registry
from ingest.session import EVERYTHING, Session

OWN_TOPICS = "wk/v1/#"


class Subscribing:
    """Brings the session's subscriptions to what a registry asks for. One thread only.

    held: every topic filter that the broker's session may hold, as it stands on record: after a
    restart those no longer wanted are given up.
    """

    def __init__(self, database: Database, tenure: Tenure, held: tuple[str, ...]) -> None:
        self._database = database
        self._tenure = tenure
        self.held = list(held)
        self._followed = False

    def follow(self, registry: Registry, session: Session) -> None:
        """Listen to what the sources say; on record before the broker keeps it for us."""
        wanted = _wanted(registry)
        held = sorted({*self.held, *wanted, *([EVERYTHING] if session.merges(wanted) else [])})
        if held != sorted(self.held):
            try:
                with self._database.write() as transaction:
                    shards.note_filters(transaction, self._tenure.shard, held)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                # With the next batch that is committed. Until then what is on record stands: NATS
                # throws away what waits for a filter that is given up.
                if not self._followed:
                    known = [one for one in self.held if one != EVERYTHING]
                    session.set_subscriptions([OWN_TOPICS, *known])
                registry.follows_anew = True
                return
            self.held = held
        session.set_subscriptions(wanted)
        self._followed = True
        registry.follows_anew = False

    def end(self, registry: Registry, session: Session) -> None:
        """The session ends; what is no longer wanted the broker has given up, if it answered."""
        if session.subscribed:
            self.held = list(session.held)


def _wanted(registry: Registry) -> list[str]:
    return list(dict.fromkeys((OWN_TOPICS, *registry.filters())))
