"""Water: pumps, fire mains, drainage pits, leak sensors."""

from random import Random

from simulators.world.model import Battery, Model, Value, approach
from simulators.world.surroundings import Surroundings


class Pump(Model):
    """A booster pump that starts and stops with demand.

    cooling: 1 when well; towards 0 the motor keeps its heat. wear: added vibration, mm/s.
    dry: it turns, but moves no water.
    """

    _RISE = 28.0
    _WARMS_IN = 420.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.cooling = 1.0
        self.wear = 0.0
        self.dry = False
        self.held_on = False
        self.running = random.random() < 0.5
        self.motor = 24 + random.uniform(0, 8)
        self._rated = random.uniform(14, 22)
        self._smoothness = random.uniform(1.1, 1.7)
        self._load = 0.8

    def step(self, dt: float, around: Surroundings) -> None:
        """Start or stop, and warm up or cool down."""
        self._switch(dt, around.busy)
        self._load = approach(self._load, 0.7 + 0.3 * around.busy, dt, 60)
        heat = self._RISE * self._load / max(0.05, self.cooling) if self.running else 0.0
        # A motor without cooling reaches what a sound one never does, and much sooner.
        time_constant = self._WARMS_IN * max(0.25, self.cooling)
        self.motor = min(180.0, approach(self.motor, around.indoor + heat, dt, time_constant))

    def _switch(self, dt: float, busy: float) -> None:
        if not self.powered:
            self.running = False
        elif self.held_on:
            self.running = True
        elif self.running:
            self.running = not self.happens(6 - 4 * busy, dt)
        else:
            self.running = self.happens(2 + 6 * busy, dt)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.running,)

    def values(self) -> dict[str, Value]:
        """Temperature, vibration, current, pressure and flow, with the noise of the sensors."""
        wet = self.running and not self.dry
        return {
            "running": self.running,
            "motor_temperature": round(self.motor + self.noise(0.15), 2),
            "vibration": round(self._vibration(), 2),
            "current": round(self._current(), 2),
            "outlet_pressure": round(self._pressure() + self.noise(0.002), 3),
            "flow": round(24 * self._load + self.noise(0.4), 2) if wet else 0.0,
        }

    def _vibration(self) -> float:
        if not self.running:
            return 0.04 + abs(self.noise(0.01))
        return max(0.1, self._smoothness + self.wear + self.noise(0.06))

    def _current(self) -> float:
        if not self.running:
            return 0.0
        share = 0.35 if self.dry else self._load
        return max(0.1, self._rated * share + self.noise(0.15))

    def _pressure(self) -> float:
        if not self.running:
            return 0.34
        return 0.03 if self.dry else 0.56 - 0.08 * self._load


class FireMain(Model):
    """A pressurised main that a jockey pump tops up. leak: MPa lost in a second, 0 when sound."""

    _LOW, _HIGH, _FULL = 0.86, 0.95, 4.2

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.leak = 0.0
        self.pressure = random.uniform(self._LOW, self._HIGH)
        self.jockey = False
        self.tank = random.uniform(4.0, self._FULL)

    def step(self, dt: float, around: Surroundings) -> None:
        """Lose a little, top up, refill the tank."""
        if self.pressure < self._LOW:
            self.jockey = self.powered
        elif self.pressure > self._HIGH or not self.powered:
            self.jockey = False
        gain = 0.0012 if self.jockey else -0.00002
        self.pressure = max(0.02, self.pressure + (gain - self.leak) * dt)
        # The float valve of the tank keeps pace even with a broken main.
        self.tank = min(self._FULL, max(3.6, self.tank - self.leak * dt + 0.0004 * dt))

    def values(self) -> dict[str, Value]:
        """Pressure of the main, level of the tank, whether the jockey pump runs."""
        return {
            "pressure": round(max(0.0, self.pressure + self.noise(0.002)), 3),
            "tank_level": round(self.tank + self.noise(0.005), 3),
            "jockey_running": self.jockey,
        }


class DrainagePit(Model):
    """A pit that fills slowly and is pumped down.

    flood: metres a second that a burst adds; broken: the pump doesn't start.
    """

    _START, _STOP, _FLOAT, _RIM = 0.9, 0.3, 1.4, 2.2

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.flood = 0.0
        self.broken = False
        self.level = random.uniform(self._STOP, self._START)
        self.pumping = False
        self._rated = random.uniform(5, 8)
        self._seepage = random.uniform(0.00008, 0.0002)

    def step(self, dt: float, around: Surroundings) -> None:
        """Fill by seepage and flood, empty by the pump between its two floats."""
        able = self.powered and not self.broken
        if self.level >= self._START:
            self.pumping = able
        elif self.level <= self._STOP or not able:
            self.pumping = False
        inflow = self._seepage * (0.5 + around.busy) + self.flood
        outflow = 0.004 if self.pumping else 0.0
        self.level = min(self._RIM, max(0.1, self.level + (inflow - outflow) * dt))

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.level >= self._FLOAT, self.pumping)

    def values(self) -> dict[str, Value]:
        """Level, the high float, and the pump with its current."""
        amperes = self._rated + self.noise(0.1) if self.pumping else 0.0
        return {
            "level": round(self.level + self.noise(0.003), 3),
            "high_float": self.level >= self._FLOAT,
            "pump_running": self.pumping,
            "pump_current": round(amperes, 2),
        }


class LeakSensor(Model):
    """A sensor on the floor. wet: water stands under it."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.wet = False
        self.battery = Battery(random)

    def step(self, dt: float, around: Surroundings) -> None:
        """Only the battery ages."""
        self.battery.drain(dt)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.wet,)

    def values(self) -> dict[str, Value]:
        """Whether it is wet, and its battery."""
        return {"leak": self.wet, "battery": self.battery.percent}
