"""What every asset of a site feels: the hour, the weather, how busy it is, mains power."""

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

_DAY = 86_400.0
_MEAN_OUTDOOR = 18.0
_DAILY_SWING = 6.0
# Residents leave and come home: (hour, share of the busiest) with straight lines in between.
_BUSYNESS = (
    (0, 0.08),
    (5, 0.05),
    (7.5, 1.0),
    (10, 0.35),
    (12.5, 0.5),
    (16, 0.4),
    (18.5, 1.0),
    (22, 0.45),
    (24, 0.08),
)


@dataclass(slots=True)
class Surroundings:
    """The present moment of a site. now: seconds since the epoch; outdoor, indoor: °C.

    busy: 0 to 1, how much people use the place; mains: whether the grid feeds the site.
    """

    now: float = 0.0
    hour: float = 0.0
    outdoor: float = _MEAN_OUTDOOR
    indoor: float = 22.0
    busy: float = 0.0
    mains: bool = True


class Weather:
    """Moves the surroundings along: a daily rhythm and a slow, seeded wander of the weather."""

    def __init__(self, zone: ZoneInfo, random: Random) -> None:
        self._zone = zone
        self._random = random
        self._wander = random.gauss(0, 2)

    def advance(self, surroundings: Surroundings, now: float, dt: float) -> None:
        """Bring the surroundings to `now`, `dt` seconds after the last time."""
        local = datetime.fromtimestamp(now, self._zone)
        hour = local.hour + local.minute / 60 + local.second / 3600
        # A mean-reverting walk with a memory of about a day and a spread of about 2 °C.
        self._wander += -self._wander * dt / _DAY
        self._wander += self._random.gauss(0, 2 * math.sqrt(2 * dt / _DAY))
        # The warmest moment is mid-afternoon, at three.
        rhythm = _DAILY_SWING * math.cos((hour - 15) / 24 * math.tau)
        surroundings.now = now
        surroundings.hour = hour
        surroundings.outdoor = _MEAN_OUTDOOR + rhythm + self._wander
        surroundings.indoor = 22 + 0.25 * (surroundings.outdoor - _MEAN_OUTDOOR)
        surroundings.busy = busyness(hour)


def busyness(hour: float) -> float:
    """How busy a residential compound is at a local hour (0 to 24), as a share of its peak."""
    for (before, low), (after, high) in pairwise(_BUSYNESS):
        if before <= hour <= after:
            return low + (high - low) * (hour - before) / (after - before)
    return _BUSYNESS[-1][1]
