"""The plain replay: the engine fed reading by reading, just as ingest feeds it."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

import numpy as np

from rules.engine import Member, bind, fire, next_wake, step
from rules.instance import Instance
from rules.replay.columns import Columns, message_ends
from rules.replay.episodes import Outcome
from rules.replay.scene import PlacedRule, Scene
from rules.slots import ReceiptNow, Slot
from rules.states import Phase, Transition

# As in live judgement: how soon a silent point is looked at again while its path is under
# suspicion, and when a path is under suspicion whose devices have no expected interval.
LOOK_AGAIN = 1_000_000
USUAL_SUSPICION = 30_000_000
_STANDING = (Phase.ACTIVE, Phase.CLEARING)

Watcher = Callable[["Seat", Sequence[Transition]], None]


class Point(Slot):
    """A point and the ways to it."""

    __slots__ = ("device",)

    def __init__(self, interval: int, device: "Device") -> None:
        super().__init__(interval=interval)
        self.device = device


class Path(Slot):
    """A gateway; see ingest's own for what its fields mean."""

    __slots__ = ("alert", "devices", "fresh", "quickest", "seats")

    def __init__(self) -> None:
        super().__init__()
        self.alert = False
        self.fresh = 0
        self.quickest = 0
        self.devices: list[Device] = []
        self.seats: list[Seat] = []


class Device:
    """A device: its points, and the rules that look at any of them."""

    __slots__ = ("at", "number", "paths", "points", "seats")

    def __init__(self, number: int) -> None:
        self.number = number
        self.at = 0
        self.paths: tuple[Path, ...] = ()
        self.points: list[Point] = []
        self.seats: tuple[Seat, ...] = ()


class Seat:
    """A rule on its asset, and what it did."""

    __slots__ = ("instance", "outcome", "path", "placed", "points", "windowed")

    def __init__(
        self, placed: PlacedRule, instance: Instance, points: list[Point], path: Path | None
    ) -> None:
        self.placed = placed
        self.instance = instance
        self.points = points
        self.path = path
        self.outcome = Outcome(placed.asset)
        # Whether a reading can make it necessary to look again earlier than was planned.
        self.windowed = getattr(instance, "past", None) is not None


class Replay:
    """A scene through which readings are led in order of receipt."""

    def __init__(self, scene: Scene, begin: int, watcher: Watcher | None = None) -> None:
        """begin: when listening began on the receipt clock; every point counts as heard then, so
        that a sensor that never speaks is found out. watcher: told of everything that the rules
        do, as it happens.
        """
        self._scene = scene
        self._watcher = watcher
        self.now = ReceiptNow(begin)
        self.devices = [Device(number) for number in range(len(scene.devices))]
        self._paths = [Path() for _ in range(scene.paths)]
        self.points = [Point(each.interval, self.devices[each.device]) for each in scene.points]
        self._device_of = np.array([each.device for each in scene.points], np.int64)
        self._assets: dict[str, dict[str, Point]] = {}
        for each, point in zip(scene.points, self.points, strict=True):
            self._assets.setdefault(each.asset, {})[each.code] = point
            point.device.points.append(point)
            point.heard = begin
        for path in self._paths:
            path.heard = begin
        self._learned_from = {(each.asset, each.code): each.learned_from for each in scene.points}
        self._link_paths()
        self._wakes: list[tuple[int, int, Seat]] = []
        self._planned: dict[Seat, int] = {}
        self._order = count()
        self.seats = [self._seat(placed) for placed in scene.rules]
        self.plan(self.seats)

    def _link_paths(self) -> None:
        for device, placed in zip(self.devices, self._scene.devices, strict=True):
            device.paths = tuple(self._paths[number] for number in placed.paths)
            intervals = [point.interval for point in device.points if point.interval]
            for path in device.paths:
                path.devices.append(device)
                known = [path.quickest] if path.quickest else []
                path.quickest = min([*intervals, *known], default=0)

    def _seat(self, placed: PlacedRule) -> Seat:
        rule, asset = placed.rule, self._assets.get(placed.asset, {})
        path = None if placed.path is None else self._paths[placed.path]
        others = {
            branch: [Member(each, name, self._assets.get(each, {})) for each, name in standing]
            for branch, standing in placed.others.items()
        }
        instance = bind(
            rule, placed.asset, asset, self.now, path, placed.hours, others, placed.zone
        )
        for code in rule.learned & asset.keys():
            learned, first = asset[code].learned, self._learned_from[placed.asset, code]
            if learned is not None and first and not learned.last:
                learned.begin_at(first)
        codes = list(asset) if rule.watches_every_point else [c for c in rule.points if c in asset]
        points = [asset[code] for code in codes]
        if instance.members is not None:
            watched = instance.members.watched.values()
            points += [each for each in watched if isinstance(each, Point) and each not in points]
        seat = Seat(placed, instance, points, path if rule.when.watches_path else None)
        if seat.path is not None:
            seat.path.seats.append(seat)
        for point in points:
            if seat not in point.device.seats:
                point.device.seats += (seat,)
        return seat

    # Readings.

    def feed(self, columns: Columns) -> None:
        """Lead readings through, in order; a message must not be cut in two."""
        ends = message_ends(columns, self._device_of[columns.which]).tolist()
        points = list(map(self.points.__getitem__, columns.which.tolist()))
        ats, values, receipts = (
            columns.at.tolist(),
            columns.value.tolist(),
            columns.receipt.tolist(),
        )
        wakes, now = self._wakes, self.now
        first = 0
        for end in ends:
            at, receipt = ats[first], receipts[first]
            if wakes and wakes[0][0] <= receipt:
                self.wait(receipt)
            now.now = receipt
            device = points[first].device
            judged = at > device.at
            while first < end:
                point = points[first]
                point.heard = receipt
                if at > point.at:
                    point.value = values[first]
                    point.at = at
                    judged = True
                elif at == point.at and values[first] != point.value:
                    point.value = values[first]
                    judged = True
                first += 1
            for path in device.paths:
                path.heard = receipt
                if path.alert:
                    self._heard(path)
            if judged:
                if at > device.at:
                    device.at = at
                self._judge(device, at, receipt)

    def _judge(self, device: Device, at: int, receipt: int) -> None:
        for seat in device.seats:
            instance = seat.instance
            try:
                something = instance.test()
            except ArithmeticError:
                something = True
            if something:
                when = instance.time_of(at)
                if when is not None:
                    self._step(seat, when, receipt)

    def _step(self, seat: Seat, at: int, receipt: int) -> None:
        transitions = step(seat.instance, at, receipt)
        if transitions:
            self._happened(seat, transitions)
        if transitions or seat.windowed:
            self.plan((seat,))

    def _happened(self, seat: Seat, transitions: Sequence[Transition]) -> None:
        seat.outcome.add(transitions)
        if self._watcher is not None:
            self._watcher(seat, transitions)

    # Time.

    def plan(self, seats: Iterable[Seat]) -> None:
        """Note when each must next be looked at although nothing is heard."""
        for seat in seats:
            wake = next_wake(seat.instance)
            if wake is not None:
                self._plan(seat, wake)

    def _plan(self, seat: Seat, wake: int) -> None:
        planned = self._planned.get(seat)
        if planned is None or wake < planned:
            self._planned[seat] = wake
            heapq.heappush(self._wakes, (wake, next(self._order), seat))

    def resume(self, seat: Seat, receipt: int) -> None:
        """The points were put somewhere else: go on from there at `receipt`."""
        self.now.now = max(self.now.now, receipt)
        self._planned.pop(seat, None)
        seat.instance.retest()
        self.plan((seat,))

    def wait(self, until: int) -> None:
        """The receipt clock moves on to `until`; what comes due on the way is judged."""
        wakes = self._wakes
        while wakes and wakes[0][0] <= until:
            wake, _, seat = heapq.heappop(wakes)
            if self._planned.get(seat) != wake:
                continue
            del self._planned[seat]
            self.now.now = max(self.now.now, wake)
            self._turn(seat, self.now.now)
        self.now.now = max(self.now.now, until)

    def _turn(self, seat: Seat, receipt: int) -> None:
        due = next_wake(seat.instance)
        if due is not None and due <= receipt:
            self._fire(seat, receipt)
            due = next_wake(seat.instance)
        if due is not None:
            self._plan(seat, max(due, receipt + LOOK_AGAIN) if due <= receipt else due)

    def _fire(self, seat: Seat, receipt: int) -> None:
        if seat.placed.rule.on_receipt_clock:
            self._excuse(seat, receipt)
        transitions = fire(seat.instance, receipt)
        if transitions:
            self._happened(seat, transitions)
        if seat.path is not None and seat.instance.state.phase is not Phase.NORMAL:
            seat.path.alert = True

    # Silence, and whose fault it is.

    def _excuse(self, seat: Seat, receipt: int) -> None:
        for point in seat.points:
            for path in point.device.paths:
                if path.seats and _suspicious(path, point, receipt):
                    point.excused = True
                    path.alert = True

    def _heard(self, path: Path) -> None:
        receipt = self.now.now
        path.alert = False
        path.fresh = receipt - 1
        for device in path.devices:
            blamed = _blamed(device)
            for point in device.points:
                point.excused = False
                if point not in blamed:
                    point.heard = max(point.heard, path.fresh)
            self.plan(device.seats)
        for seat in path.seats:
            self._step(seat, receipt, receipt)
            if seat.instance.state.phase is not Phase.NORMAL:
                path.alert = True

    # What came of it.

    def outcomes(self) -> Iterator[Outcome]:
        """What the rules did that were asked about."""
        return (seat.outcome for seat in self.seats if seat.placed.told)


def _blamed(device: Device) -> set[Point]:
    return {
        point
        for seat in device.seats
        if seat.placed.rule.on_receipt_clock and seat.instance.state.phase in _STANDING
        for point in seat.points
    }


def _suspicious(path: Path, point: Point, receipt: int) -> bool:
    quickest = path.quickest
    if point.heard == path.fresh:
        heard_since = (
            each.interval
            for device in path.devices
            for each in device.points
            if each.interval and each.heard > path.fresh
        )
        quickest = min(heard_since, default=0)
    return receipt - path.heard > (2 * quickest or USUAL_SUSPICION)
