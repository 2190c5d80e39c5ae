"""How urgently somebody is told: on which channels, how often, and what may wait for morning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from core.contacts import QuietHours

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one urgency does.

    every: from one try to the next. tries: how many at most. channels: on which tries (from 0)
    each kind of channel is used; a provider takes five calls an hour to one number.
    """

    every: timedelta
    tries: int
    channels: Mapping[str, frozenset[int]]

    def uses(self, channel: str, number: int) -> bool:
        """Whether a channel is used on a try."""
        return number in self.channels.get(channel, frozenset())


def _on(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


_ALL = frozenset(range(30))
# In-app is always: the notice stands in the inbox.
PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "critical": Plan(
            2 * MINUTE,
            30,
            {
                "wecom": _ALL,
                "dingtalk": _ALL,
                "sms": _on(0, 1, 2, 5, 10, 15, 20),
                "voice": _on(0, 2, 6, 12, 20),
                "email": _on(0),
                "push": _ALL,
            },
        ),
        "urgent": Plan(
            10 * MINUTE,
            6,
            {
                "wecom": frozenset(range(6)),
                "dingtalk": frozenset(range(6)),
                "sms": _on(0, 1, 3),
                "voice": _on(2, 4),
                "email": _on(0),
                "push": frozenset(range(6)),
            },
        ),
        "normal": Plan(
            MINUTE, 1, {"wecom": _on(0), "dingtalk": _on(0), "email": _on(0), "push": _on(0)}
        ),
        "info": Plan(MINUTE, 0, {}),
        "test": Plan(
            MINUTE, 1, {name: _on(0) for name in ("wecom", "dingtalk", "sms", "email", "push")}
        ),
    }
)


def quiet_until(hours: QuietHours | None, now: datetime, where: ZoneInfo) -> datetime | None:
    """When a person's quiet hours end, if they are in them now."""
    if hours is None:
        return None
    try:
        starts, ends = time.fromisoformat(hours.starts), time.fromisoformat(hours.ends)
    except ValueError:
        # Versions before kept some that no clock reads. Whoever has them is told, and all others.
        return None
    local = now.astimezone(where)
    inside = (
        starts <= local.time() < ends
        if starts < ends
        else local.time() >= starts or local.time() < ends
    )
    if not inside:
        return None
    day = local.date() + (timedelta(days=1) if local.time() >= ends else timedelta(0))
    return datetime.combine(day, ends, where)
