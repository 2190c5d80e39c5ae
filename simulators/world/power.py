"""Electricity and the network: distribution boards, gateways, and machines of no known kind."""

from random import Random

from simulators.world.model import Model, Value, approach
from simulators.world.surroundings import Surroundings


class DistributionBoard(Model):
    """A three-phase board whose load follows the day. fouled: °C that a bad contact adds."""

    _POWER_FACTOR = 0.95

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.fouled = 0.0
        self.leakage = 0.0
        self.current = 0.0
        self.busbar = random.uniform(26, 32)
        self._rated = random.uniform(60, 140)
        self._earth = random.uniform(8, 20)
        self._busy = 0.3

    def step(self, dt: float, around: Surroundings) -> None:
        """Carry the load and warm the bars with its square."""
        self._busy = approach(self._busy, around.busy, dt, 120)
        self.current = self._rated * (0.25 + 0.45 * self._busy) if self.powered else 0.0
        share = self.current / self._rated
        target = around.indoor + 22 * share * share + (self.fouled if self.powered else 0.0)
        self.busbar = approach(self.busbar, target, dt, 240)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.powered,)

    def values(self) -> dict[str, Value]:
        """Phase voltage, current, power, bar temperature, residual current, mains present."""
        if not self.powered:
            electric: dict[str, Value] = dict.fromkeys(("voltage", "current", "power"), 0.0)
            electric["residual_current"] = 0.0
        else:
            volts = 232 - 4 * self._busy + self.noise(0.5)
            amperes = max(0.0, self.current + self.noise(0.6))
            electric = {
                "voltage": round(volts, 1),
                "current": round(amperes, 1),
                "power": round(3 * volts * amperes * self._POWER_FACTOR / 1000, 2),
                "residual_current": round(self._earth + self.leakage + self.noise(0.8), 1),
            }
        bars = round(self.busbar + self.noise(0.2), 1)
        return {**electric, "busbar_temperature": bars, "supply": self.powered}


class Gateway(Model):
    """A gateway with its own battery, on a radio link."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._signal = random.uniform(-72, -55)

    def step(self, dt: float, around: Surroundings) -> None:
        """Nothing moves: what varies is the signal."""

    def values(self) -> dict[str, Value]:
        """Online, as long as it says so, and its signal."""
        return {"online": True, "rssi": round(self._signal + self.noise(1.5), 0)}


class Machine(Model):
    """A machine of unknown kind with one number that wanders around a mean."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._mean = random.uniform(70, 90)
        self._value = self._mean

    def step(self, dt: float, around: Surroundings) -> None:
        """Wander."""
        self._value = approach(self._value, self._mean, dt, 600) + self.noise(0.1 * dt**0.5)

    def values(self) -> dict[str, Value]:
        """The number."""
        return {"value": round(self._value, 2)}
