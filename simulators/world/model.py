"""What every simulated asset is: seeded, moved in small steps of time, read by point code."""

import math
from random import Random

from simulators.world.surroundings import Surroundings

Value = float | bool | str


class Model:
    """One asset. `powered` False: the mains that feed it are away."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.powered = True

    def step(self, dt: float, around: Surroundings) -> None:
        """Move `dt` seconds on."""
        raise NotImplementedError

    def values(self) -> dict[str, Value]:
        """The present value of every point, in the units of the catalogue of asset types."""
        raise NotImplementedError

    def contacts(self) -> tuple[Value, ...]:
        """What makes a device publish at once when it changes, as an input contact does."""
        return ()

    def happenings(self) -> tuple[str, ...]:
        """The events of the last step, by point code; told by devices that list them."""
        return ()

    def noise(self, spread: float) -> float:
        """A disturbance around zero that stays within three times its spread."""
        return max(-3.0, min(3.0, self.random.gauss(0, 1))) * spread

    def happens(self, per_hour: float, dt: float) -> bool:
        """Whether something that happens so often on average happens in the next `dt` seconds."""
        return self.random.random() < per_hour * dt / 3600


def approach(value: float, target: float, dt: float, time_constant: float) -> float:
    """First-order lag: `value` after `dt` seconds on its way to `target`."""
    return target + (value - target) * math.exp(-dt / time_constant)


class Battery:
    """A battery that lasts about two years."""

    _LASTS = 2 * 365 * 86_400.0

    def __init__(self, random: Random) -> None:
        # Never so low at the start that a battery alarm would be nobody's fault.
        self.level = random.uniform(60, 98)

    def drain(self, dt: float) -> None:
        """Use it for `dt` seconds."""
        self.level = max(0.0, self.level - 100 * dt / self._LASTS)

    @property
    def percent(self) -> float:
        """What it shows, in whole percent."""
        return float(round(self.level))
