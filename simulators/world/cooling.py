"""Cooling: chillers."""

from random import Random

from simulators.world.model import Model, Value, approach
from simulators.world.surroundings import Surroundings


class Chiller(Model):
    """A chiller that runs in the warm half of the day.

    tripped: its protection has stopped it. fouled: K that dirt adds to the condenser approach.
    """

    _SET_POINT = 7.0
    _STARTS_AT = 17.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.tripped = False
        self.fouled = 0.0
        self.running = False
        self.supply = random.uniform(9, 12)
        self._approach = random.uniform(1.2, 2.0)
        self._lift = random.uniform(4.2, 5.2)

    def step(self, dt: float, around: Surroundings) -> None:
        """Run while it is warm outside, and bring the water to its temperature."""
        limit = self._STARTS_AT - (1.5 if self.running else 0.0)
        wanted = around.outdoor > limit or self.fouled > 0
        self.running = self.powered and not self.tripped and wanted
        target = self._SET_POINT if self.running else 14.0
        self.supply = approach(self.supply, target, dt, 240 if self.running else 7_200)

    def contacts(self) -> tuple[Value, ...]:
        """What is announced at once."""
        return (self.running, self.tripped)

    def values(self) -> dict[str, Value]:
        """Running, both temperatures of the water, the condenser approach, the fault contact."""
        condenser = self._approach + self.fouled + self.noise(0.1) if self.running else 0.3
        lift = self._lift if self.running else 0.2
        return {
            "running": self.running,
            "supply_temperature": round(self.supply + self.noise(0.1), 2),
            "return_temperature": round(self.supply + lift + self.noise(0.1), 2),
            "condenser_approach": round(condenser, 2),
            "fault": self.tripped,
        }
