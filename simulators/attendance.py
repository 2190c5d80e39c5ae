"""People during a run: each acts at their moment of the site's time, when the product is there."""

import time
from collections import deque
from collections.abc import Sequence

from simulators.faults.plan import Fault, FaultPlan
from simulators.operator import Done, Operator
from simulators.product import Product
from simulators.simulate import Moment
from simulators.world.site import SimulatedDevice, SimulatedSite

_GLANCE = 0.05


class Pulse:
    """How far the product has read, told by some devices that speak often."""

    def __init__(self, product: Product, site: str, markers: Sequence[SimulatedDevice]) -> None:
        self._product = product
        self._assets = [product.asset_id(site, one.asset) for one in markers]
        self._slack = max(one.interval for one in markers) + 1

    def heard(self) -> float:
        """The time of the newest reading, seconds since the epoch; 0 for none."""
        return max(self._product.heard(asset) for asset in self._assets)

    def reached(self, moment: float) -> bool:
        """Whether the product has read what was said until a moment."""
        return any(self._product.heard(asset) >= moment - self._slack for asset in self._assets)

    def wait(self, moment: float, patience: float) -> bool:
        """Wait, at most `patience` seconds, until it has; whether it has."""
        deadline = time.monotonic() + patience
        while not self.reached(moment):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_GLANCE)
        return True


class Attendance:
    """The people of a plan, at work during a run. left_out: faults whose need was not met."""

    def __init__(
        self,
        product: Product,
        site: SimulatedSite,
        plan: FaultPlan,
        pulse: Pulse,
        *,
        patience: float,
    ) -> None:
        self.done = list[Done]()
        self.left_out = list[Fault]()
        self._product = product
        self._site = site
        self._plan = plan
        self._pulse = pulse
        self._patience = patience
        self._ahead = deque(plan.actions)
        self._operator: Operator | None = None

    def attend(self, moment: Moment) -> None:
        """Do what is due. The site's time stands still until the product has caught up with it."""
        start = moment.world.start
        if not self._ahead or start + self._ahead[0].at > moment.now:
            return
        if self._operator is None:
            self._operator = Operator(self._product, self._site, self._plan, start)
        moment.publisher.flush()
        there = self._pulse.wait(moment.now, self._patience)
        while self._ahead and start + self._ahead[0].at <= moment.now:
            action = self._ahead.popleft()
            late = Done(action.id, action.do.value, "the product had not read so far in time")
            done = self._operator.do(action) if there else late
            self.done.append(done)
            if not done.ok:
                self._call_off(action.id, moment)

    def _call_off(self, action: str, moment: Moment) -> None:
        for fault in self._plan.faults:
            if action in fault.needs and fault.id in moment.scheduled.disturbances:
                moment.world.cancel(moment.scheduled.disturbances[fault.id])
                self.left_out.append(fault)
