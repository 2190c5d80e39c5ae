"""Credentials that are used by two at once: judged from who is connected."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.device_credentials import Connection, by_username
from core.device_credentials.usage import MOST_SHOWN

# So many take-overs within so long are two that throw each other out, and no bad network: who
# comes back after one is not thrown out again at once.
TAKEN_OVER = 4
WITHIN = timedelta(minutes=2)
# So long nobody else must have used it until all is well again.
QUIET = timedelta(minutes=10)


def used_twice(
    connections: Sequence[Connection], now: datetime
) -> Mapping[str, list[dict[str, Any]]]:
    """By user name: who uses one credential at the same time, as pages show them.

    A connection that only looks alive, because its device lost the network, is none: it has said
    nothing since the other came, or the broker may not have noticed yet.
    """
    found = dict[str, list[dict[str, Any]]]()
    for username, several in by_username(connections).items():
        lively = [
            one
            for one, newer in zip(several, [*several[1:], None], strict=True)
            if newer is None or _outlives(one, newer, now)
        ]
        if len(lively) > 1:
            found[username] = [one.shown for one in lively][:MOST_SHOWN]
    for username, thrown_out in _thrown_out(connections, now).items():
        found.setdefault(username, [one.shown for one in thrown_out][-MOST_SHOWN:])
    return found


def _outlives(older: Connection, newer: Connection, now: datetime) -> bool:
    if older.active is not None:
        return older.active > newer.since
    return now - newer.since > older.patience


def _thrown_out(connections: Sequence[Connection], now: datetime) -> Mapping[str, list[Connection]]:
    recent = defaultdict[str, list[Connection]](list)
    for one in connections:
        if one.taken_over and one.active is not None and now - one.active <= WITHIN:
            recent[one.username].append(one)
    return {name: several for name, several in recent.items() if len(several) >= TAKEN_OVER}
