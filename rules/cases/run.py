"""One case on the engine, in the order in which ingest has things happen."""

from rules.cases.case import Case, Step, StepKind
from rules.engine import bind, fire, next_wake, restore, step
from rules.instance import Instance
from rules.slots import ReceiptNow, Slot
from rules.states import Transition


def run(case: Case) -> list[Transition]:
    """Everything that the alarm did up to `case.until`, in order. Raises BindError."""
    asset = _Asset(case)
    for each in case.steps:
        asset.wait(each.received)
        asset.take(each)
    asset.end(case.until)
    return [each for each in asset.transitions if each.at <= case.until]


class _Asset:
    """The asset of a case: its points, its alarm, and the receipt clock."""

    def __init__(self, case: Case) -> None:
        self._rule = case.rule
        self._slots = {code: Slot(interval=interval) for code, interval in case.points.items()}
        self._path = Slot() if case.rule.when.watches_path else None
        self._now = ReceiptNow()
        # The event time of the device's newest message.
        self._newest = 0
        self._instance = self._bound()
        self.transitions: list[Transition] = []

    def _bound(self) -> Instance:
        return bind(self._rule, "asset", self._slots, self._now, self._path)

    def wait(self, receipt: int) -> None:
        """The receipt clock moves to `receipt`; what comes due on the way is judged."""
        while (wake := next_wake(self._instance)) is not None and wake <= receipt:
            self._fire(wake)
            if next_wake(self._instance) == wake:
                break
        self._now.now = receipt

    def end(self, until: int) -> None:
        """Nothing more is heard; whatever is decided for a time up to `until` still is."""
        if self._rule.on_receipt_clock:
            self.wait(until)
            return
        # A delay that ends in quiet is known a little later than the time that it bears.
        while (due := self._instance.state.due) is not None and due <= until:
            self._fire(self._instance.state.due_receipt or due)

    def take(self, taken: Step) -> None:
        """One step happens now."""
        if taken.kind is StepKind.RESTART:
            state = self._instance.state
            self._instance = self._bound()
            restore(self._instance, state)
            return
        fresh = self._apply(taken)
        self._heard(taken.received)
        newer = taken.at > self._newest
        self._newest = max(self._newest, taken.at)
        if taken.kind is StepKind.MESSAGE and (fresh or newer):
            self._judge(taken)

    def _apply(self, taken: Step) -> bool:
        """The values are put in place as ingest does it; whether any is to be judged."""
        fresh = False
        for code, value in taken.values.items():
            slot = self._slots[code]
            slot.heard = taken.received
            if taken.at > slot.at or (taken.at == slot.at and value != slot.value):
                slot.value, slot.at = value, taken.at
                fresh = True
        return fresh

    def _heard(self, receipt: int) -> None:
        if self._path is not None:
            self._path.heard = receipt
            self.transitions += step(self._instance, receipt, receipt)

    def _judge(self, taken: Step) -> None:
        try:
            something = self._instance.test()
        except ArithmeticError:
            something = True
        at = self._instance.time_of(taken.at) if something else None
        if at is not None:
            self.transitions += step(self._instance, at, taken.received)

    def _fire(self, receipt: int) -> None:
        self._now.now = max(receipt, self._now.now)
        self.transitions += fire(self._instance, self._now.now)
