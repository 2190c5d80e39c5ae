"""The quick replay: the engine is asked only where something may happen, and decides the same."""

from dataclasses import dataclass

import numpy as np

from rules.engine import bind, fire, step
from rules.expression import UNKNOWN
from rules.legs import TRIPPING
from rules.replay.columns import Columns, Integers, Numbers, Truths, message_ends
from rules.replay.episodes import Outcome
from rules.replay.masks import Unlike, where
from rules.replay.replaying import Replay
from rules.replay.scene import Scene
from rules.replay.skipping import skip
from rules.slots import ReceiptNow, Slot


def replay(scene: Scene, columns: Columns, begin: int, until: int) -> list[Outcome]:
    """What the rules of a scene do with these readings; times on the receipt clock, in µs.

    Where one rule on one asset is judged by present values alone, its condition is looked for in
    whole columns; the engine is stepped where it may hold, and as long as a delay runs.
    """
    alone = len(scene.rules) == 1 and not scene.paths and not scene.rules[0].rule.groups
    if alone and not scene.rules[0].rule.on_receipt_clock:
        try:
            if scene.rules[0].rule.learned:
                raise Unlike("baselines, which learn from each reading")
            if _has_windows(scene):
                return skip(scene, columns, begin, until)
            return [_Quick(scene, columns, begin).run(until)]
        except Unlike:
            pass
    plain = Replay(scene, begin)
    plain.feed(columns)
    plain.wait(until)
    return list(plain.outcomes())


def _has_windows(scene: Scene) -> bool:
    """Whether the asset has a point of whose past the rule asks."""
    placed = scene.rules[0]
    codes = {point.code for point in scene.points if point.asset == placed.asset}
    return any(code in codes for code, _ in placed.rule.windows)


@dataclass(frozen=True, slots=True)
class _Messages:
    """What the messages of an asset's devices come to, one row each that is judged.

    values, times: of each point that the rule judges, after the message; NaN = unknown.
    """

    at: Integers
    receipt: Integers
    values: dict[str, Numbers]
    times: dict[str, Integers]


class _Quick:
    """One rule on one asset."""

    def __init__(self, scene: Scene, columns: Columns, begin: int) -> None:
        placed = scene.rules[0]
        self._rule = placed.rule
        if self._rule.hours:
            raise Unlike("hours, which change between readings")
        self._now = ReceiptNow(begin)
        codes = {each.code: i for i, each in enumerate(scene.points) if each.asset == placed.asset}
        self._slots = {code: Slot(interval=scene.points[i].interval) for code, i in codes.items()}
        self._instance = bind(self._rule, placed.asset, self._slots, self._now)
        wanted = {code: codes[code] for code in self._rule.points if code in codes}
        self._messages = _messages(scene, columns, wanted)
        self._outcome = Outcome(placed.asset)
        self._found = dict[bool, Integers]()

    def _candidates(self) -> Integers:
        """The messages at which the present leg may begin its delay, or end."""
        tripping = self._instance.leg is TRIPPING
        if tripping not in self._found:
            self._found[tripping] = np.flatnonzero(self._mask(tripping))
        return self._found[tripping]

    def _mask(self, tripping: bool) -> Truths:
        rule, messages = self._rule, self._messages
        condition = rule.when if tripping else rule.clear_when or rule.when
        # Bound, it is without what can't be told of this asset.
        expression = condition.bind(self._slots, self._now, UNKNOWN).expression
        unknown = np.full(len(messages.at), np.nan)
        columns = [messages.values.get(each.code, unknown) for each in expression.points]
        return where(expression, columns, tripping or rule.clear_when is not None)

    def run(self, until: int) -> Outcome:
        """Everything up to receipt `until`."""
        instance, receipts = self._instance, self._messages.receipt
        at = 0
        while (at := self._next(at)) < len(receipts):
            receipt = int(receipts[at])
            if self._fire(receipt):
                # What came due may have changed what is waited for.
                continue
            self._judge(at, receipt)
            at += 1
        self._fire(until)
        self._outcome.phase = instance.state.phase
        return self._outcome

    def _next(self, at: int) -> int:
        """The first message from `at` on at which the engine must be asked."""
        instance = self._instance
        if instance.running or instance.state.failing is not None:
            return at
        found = self._candidates()
        place = int(np.searchsorted(found, at))
        return int(found[place]) if place < len(found) else len(self._messages.at)

    def _fire(self, receipt: int) -> bool:
        due = self._instance.state.due_receipt
        if due is None or due > receipt:
            return False
        self._now.now = receipt
        self._outcome.add(fire(self._instance, receipt))
        return True

    def _judge(self, row: int, receipt: int) -> None:
        self._now.now = receipt
        messages, instance = self._messages, self._instance
        for code, values in messages.values.items():
            slot, value = self._slots[code], float(values[row])
            slot.value = None if value != value else value
            slot.at = int(messages.times[code][row])
        try:
            something = instance.test()
        except ArithmeticError:
            something = True
        when = instance.time_of(int(messages.at[row])) if something else None
        if when is not None:
            self._outcome.add(step(instance, when, receipt))


def _messages(scene: Scene, columns: Columns, wanted: dict[str, int]) -> _Messages:
    """Raises Unlike where a reading replaces another of the same time."""
    device_of = np.array([each.device for each in scene.points], np.int64)
    feeding = np.unique(device_of[list(wanted.values())])
    heard = np.isin(device_of[columns.which], feeding)
    if not heard.all():
        columns = columns.where(heard)
    device = device_of[columns.which]
    ends = message_ends(columns, device)
    count = len(ends)
    first = np.concatenate([np.zeros(min(1, count), np.int64), ends[:-1]])
    number = np.repeat(np.arange(count), ends - first)
    at, receipt = columns.at[first], columns.receipt[first]
    judged = _newer(at, device[first])
    values, times = dict[str, Numbers](), dict[str, Integers]()
    codes = {point: code for code, point in wanted.items()}
    for point in np.unique(columns.which).tolist():
        rows = np.flatnonzero(columns.which == point)
        taken = rows[_in_order(columns.at[rows])]
        judged[number[taken]] = True
        if point in codes:
            held = np.zeros(count, np.int64)
            held[number[taken]] = np.arange(1, len(taken) + 1)
            held = np.maximum.accumulate(held)
            values[codes[point]] = np.append(np.nan, columns.value[taken])[held]
            times[codes[point]] = np.append(0, columns.at[taken])[held]
    return _Messages(
        at[judged],
        receipt[judged],
        {code: column[judged] for code, column in values.items()},
        {code: column[judged] for code, column in times.items()},
    )


def _in_order(at: Integers) -> Truths:
    """Which readings of a point are newer than all before them."""
    before = np.concatenate([np.zeros(1, np.int64), np.maximum.accumulate(at)[:-1]])
    if bool((at == before).any()):
        raise Unlike("a replaced reading")
    return at > before


def _newer(at: Integers, device: Integers) -> Truths:
    """Which messages are newer than all before them of the same device."""
    newer = np.zeros(len(at), np.bool_)
    for number in np.unique(device).tolist():
        rows = np.flatnonzero(device == number)
        newest = np.maximum.accumulate(at[rows])
        newer[rows] = np.concatenate([[True], newest[1:] > newest[:-1]])
    return newer
