"""What a host application says of itself (chapters 5.8 and 6.4.29 of the specification).

An edge node that was given a primary host waits for that host's STATE before its birth, and ends
its session when the host is gone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.decoding import parse
from ingest.dialects.spoken import ForeignSource

NAMESPACE = "spBv1.0"
HOST = "host"
_ONLINE, _OFFLINE = b"ONLINE", b"OFFLINE"


@dataclass(frozen=True, slots=True)
class HostState:
    """One topic on which a host says that it is there. bare: in the words of version 2.2."""

    topic: str
    bare: bool = False

    @property
    def retained(self) -> bool:
        """Always: who starts later waits for it as well."""
        return True

    def said(self, *, online: bool, at: int) -> bytes:
        """What is published there. at: ms since 1970."""
        if self.bare:
            return _ONLINE if online else _OFFLINE
        return f'{{"online":{str(online).lower()},"timestamp":{at}}}'.encode()

    def offline_since(self, payload: bytes) -> int | None:
        """The time of a message that says this host is gone, ms; 0 where it tells none.

        None for any other message.
        """
        if self.bare:
            return 0 if payload.strip().upper() == _OFFLINE else None
        said = parse(payload)
        if not isinstance(said, Mapping) or said.get("online") is not False:
            return None
        at = said.get("timestamp")
        return at if isinstance(at, int) and not isinstance(at, bool) and 0 < at < 2**62 else 0


def host_states(source: ForeignSource) -> Iterator[HostState]:
    """The topics of the host that a source is by its option `host`; none without.

    Version 3.0 moved the topic into the namespace; nodes of before wait on the old one.
    """
    host: Any = source.options.get(HOST)
    if not isinstance(host, str):
        return
    levels = source.topic_filter.split("/")
    before = levels[: levels.index(NAMESPACE)] if NAMESPACE in levels else []
    if "+" in before or "#" in before:
        before = []
    yield HostState("/".join((*before, NAMESPACE, "STATE", host)))
    yield HostState("/".join((*before, "STATE", host)), bare=True)
