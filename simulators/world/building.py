"""The building itself: lifts, doors, smoke detectors, fans, rooms."""

from random import Random

from simulators.world.model import Battery, Model, Value, approach
from simulators.world.surroundings import Surroundings


class Lift(Model):
    """A lift that is called, travels and opens its doors.

    trapped: it stands between two floors with people inside, its control in fault.
    door_blocked: at the next stop something keeps the doors open. heat: °C added to the machine.
    """

    _SECONDS_A_FLOOR = 2.5
    _DOORS_STAND_OPEN = 8.0
    _TOP = 18

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.trapped = False
        self.door_blocked = False
        self.heat = 0.0
        self.mode = "idle"
        self.floor = random.randint(1, self._TOP)
        self.occupied = False
        self.motor = 26 + random.uniform(0, 6)
        self._target = self.floor
        self._left = 0.0

    def step(self, dt: float, around: Surroundings) -> None:
        """Go on with the journey, or answer a call."""
        self.motor = approach(self.motor, self._warmth(around), dt, 900)
        if self.trapped:
            self.mode, self.occupied = "fault", True
        elif not self.powered:
            # Its rescue device brings it level and keeps the doors shut.
            self.mode, self.occupied, self._left = "idle", False, 0.0
        else:
            self._travel(dt, around.busy)

    def _warmth(self, around: Surroundings) -> float:
        return around.indoor + self.heat + (14 if self.mode == "moving" else 4 + 6 * around.busy)

    def _travel(self, dt: float, busy: float) -> None:
        if self.mode == "fault":
            self.mode = "idle"
        if self.door_blocked and self.mode != "moving":
            self.mode = "door_open"
            return
        if self.mode == "idle":
            if self.happens(4 + 36 * busy, dt):
                self._depart()
            return
        self._left -= dt
        if self._left > 0:
            return
        if self.mode == "moving":
            self.floor, self.mode, self._left = self._target, "door_open", self._DOORS_STAND_OPEN
        elif self.occupied:
            self.mode, self.occupied = "idle", False
        else:
            self._depart()
            self.occupied = True

    def _depart(self) -> None:
        others = [floor for floor in range(1, self._TOP + 1) if floor != self.floor]
        self._target = self.random.choice(others)
        self.mode = "moving"
        self._left = abs(self._target - self.floor) * self._SECONDS_A_FLOOR

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.mode,)

    def values(self) -> dict[str, Value]:
        """Mode as text, the floor last passed, doors, load, and the traction motor."""
        moving = self.mode == "moving"
        passed = round(self._left / self._SECONDS_A_FLOOR) if moving else 0
        way = 1 if self._target < self.floor else -1
        return {
            "mode": self.mode,
            "floor": self._target + way * passed if moving else self.floor,
            "door_open": self.mode == "door_open",
            "between_floors": moving or self.trapped,
            "occupied": self.occupied,
            "motor_temperature": round(self.motor + self.noise(0.2), 2),
        }


class Door(Model):
    """A door that people pass. forced: opened without leave. held: it doesn't fall shut."""

    HELD_AFTER = 60.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.forced = False
        self.held = False
        self._was_forced = False
        self.open = False
        self._left = 0.0
        self._stood = 0.0
        self._events = list[str]()
        # A stream of its own, so that badges change nothing of who passes.
        self._badges = Random()
        self._badges.setstate(random.getstate())
        self.battery = Battery(random)

    def step(self, dt: float, around: Surroundings) -> None:
        """Somebody passes, or the door falls shut."""
        self._events.clear()
        was_forced, stood = self._was_forced, self._stood
        self.battery.drain(dt)
        self._left = max(0.0, self._left - dt)
        if self._left == 0 and self.happens(2 + 20 * around.busy, dt):
            self._left = self.random.uniform(4, 12)
        self.open = self.held or self.forced or self._left > 0
        self._stood = stood + dt if self.open else 0.0
        self._was_forced = self.forced
        if stood < self.HELD_AFTER <= self._stood:
            self._events.append("door_held")
        if self.forced and not was_forced:
            self._events.append("door_forced")
        if self._badges.random() < (0.05 + 0.25 * around.busy) * dt / 3600:
            self._events.append("access_denied")

    def happenings(self) -> tuple[str, ...]:
        """Held open, forced, a badge refused."""
        return tuple(self._events)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.open, self.forced)

    def values(self) -> dict[str, Value]:
        """Open, forced, battery."""
        return {"open": self.open, "forced": self.forced, "battery": self.battery.percent}


class SmokeDetector(Model):
    """A detector that alarms above a share of light lost. burning: something smoulders near it."""

    _ALARMS_AT = 12.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.burning = False
        self.obscuration = random.uniform(0.2, 0.6)
        self._clean = self.obscuration
        self.battery = Battery(random)

    def step(self, dt: float, around: Surroundings) -> None:
        """Smoke gathers and clears."""
        self.battery.drain(dt)
        target = 30.0 if self.burning else self._clean
        self.obscuration = approach(self.obscuration, target, dt, 20)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.obscuration >= self._ALARMS_AT,)

    def values(self) -> dict[str, Value]:
        """The alarm contact, the light lost, the battery."""
        return {
            "smoke": self.obscuration >= self._ALARMS_AT,
            "obscuration": round(max(0.0, self.obscuration + self.noise(0.03)), 2),
            "battery": self.battery.percent,
        }


class Fan(Model):
    """A fan that runs in the busy hours. wear: added vibration, mm/s; slips: its belt is off."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.wear = 0.0
        self.slips = False
        self.held_on = False
        self.running = False
        self.speed = 0.0
        self._rated = random.uniform(8, 14)
        self._full = random.uniform(1430, 1470)
        self._smoothness = random.uniform(1.0, 1.6)
        self._starts_at = random.uniform(0.35, 0.6)

    def step(self, dt: float, around: Surroundings) -> None:
        """Run with a margin between starting and stopping, and spin up or down."""
        limit = self._starts_at - (0.1 if self.running else 0.0)
        self.running = self.powered and (self.held_on or around.busy > limit)
        turns = self.running and not self.slips
        self.speed = approach(self.speed, self._full if turns else 0.0, dt, 6)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.running,)

    def values(self) -> dict[str, Value]:
        """Running, speed, vibration, current."""
        share = self.speed / self._full
        vibration = (self._smoothness + self.wear) * share + abs(self.noise(0.05))
        return {
            "running": self.running,
            "speed": round(max(0.0, self.speed + self.noise(2)), 0) if share > 0.01 else 0.0,
            "vibration": round(vibration, 2),
            "current": round(max(0.0, self._rated + self.noise(0.1)), 2) if self.running else 0.0,
        }


class Room(Model):
    """The climate of a room. heat: °C that something adds to it; damp: % of humidity likewise."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.heat = 0.0
        self.damp = 0.0
        self.temperature = random.uniform(21, 24)
        self._offset = random.uniform(-1, 2)
        self._humidity = random.uniform(45, 58)
        self._people = 0.1
        self._wet = 0.0

    def step(self, dt: float, around: Surroundings) -> None:
        """Follow the weather and the people, slowly."""
        target = around.indoor + self._offset + self.heat
        self.temperature = approach(self.temperature, target, dt, 1_200)
        self._people = approach(self._people, around.busy, dt, 900)
        self._wet = approach(self._wet, self.damp, dt, 600)

    def values(self) -> dict[str, Value]:
        """Temperature, humidity, carbon dioxide."""
        humidity = min(99.0, self._humidity + self._wet - 0.5 * (self.temperature - 23))
        return {
            "temperature": round(self.temperature + self.noise(0.05), 2),
            "humidity": round(humidity + self.noise(0.3), 1),
            "co2": round(430 + 260 * self._people + self.noise(6), 0),
        }
