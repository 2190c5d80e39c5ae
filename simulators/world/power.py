"""Electricity and the network: distribution boards, gateways, and machines of no known kind."""

from random import Random

from simulators.world.model import Model, Value, approach
from simulators.world.surroundings import Surroundings


class DistributionBoard(Model):
    """A three-phase board whose load follows the day.

    fouled: °C that a bad contact adds; leakage: mA to earth; added: A of load; sag: V missing.
    """

    _POWER_FACTOR = 0.95

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.fouled = 0.0
        self.leakage = 0.0
        self.added = 0.0
        self.sag = 0.0
        self.current = 0.0
        self.busbar = random.uniform(26, 32)
        self._rated = random.uniform(60, 140)
        self._earth = random.uniform(8, 20)
        self._busy = 0.3

    def step(self, dt: float, around: Surroundings) -> None:
        """Carry the load and warm the bars with its square."""
        self._busy = approach(self._busy, around.busy, dt, 120)
        load = self._rated * (0.25 + 0.45 * self._busy)
        self.current = load + self.added if self.powered else 0.0
        # What is too much for the breaker is not yet much for the bars.
        share = load / self._rated if self.powered else 0.0
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
            volts = 232 - 4 * self._busy - self.sag + self.noise(0.5)
            amperes = max(0.0, self.current + self.noise(0.6))
            electric = {
                "voltage": round(volts, 1),
                "current": round(amperes, 1),
                "power": round(3 * volts * amperes * self._POWER_FACTOR / 1000, 2),
                "residual_current": round(self._earth + self.leakage + self.noise(0.8), 1),
            }
        bars = round(self.busbar + self.noise(0.2), 1)
        return {**electric, "busbar_temperature": bars, "supply": self.powered}


class Transformer(Model):
    """A dry transformer with a fan that starts when it gets warm.

    blocked: °C that blocked ducts add; fan_dead: the fan stands still, and it gets hotter.
    """

    _FAN_ON, _FAN_OFF = 80.0, 65.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.blocked = 0.0
        self.fan_dead = False
        self.fan = False
        self.load = 0.0
        self.winding = random.uniform(55, 65)
        self._full = random.uniform(52, 64)
        self._busy = 0.3

    def step(self, dt: float, around: Surroundings) -> None:
        """Warm up with the square of the load."""
        self._busy = approach(self._busy, around.busy, dt, 300)
        self.load = self._full * (0.45 + 0.55 * self._busy) if around.mains else 0.0
        share = self.load / 100
        heat = 45 + 30 * share * share if around.mains else 0.0
        heat += self.blocked + (44.0 if self.fan_dead else 0.0)
        self.winding = approach(self.winding, around.indoor + heat, dt, 1_800)
        if self.fan_dead or not around.mains:
            self.fan = False
        elif self.winding > self._FAN_ON:
            self.fan = True
        elif self.winding < self._FAN_OFF:
            self.fan = False

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.fan,)

    def values(self) -> dict[str, Value]:
        """Temperature of the winding, load in percent, whether the fan runs."""
        return {
            "winding_temperature": round(self.winding + self.noise(0.3), 1),
            "load": round(max(0.0, self.load + self.noise(0.4)), 1),
            "fan_running": self.fan,
        }


class Gateway(Model):
    """A gateway with its own battery, on a radio link. loss: dB that a loose antenna costs."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.loss = 0.0
        self._signal = random.uniform(-72, -62)

    def step(self, dt: float, around: Surroundings) -> None:
        """Nothing moves: what varies is the signal."""

    def values(self) -> dict[str, Value]:
        """Online, as long as it says so, and its signal."""
        return {"online": True, "rssi": round(self._signal - self.loss + self.noise(1.5), 0)}


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
