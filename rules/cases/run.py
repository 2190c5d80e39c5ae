"""One case on the engine, in the order in which ingest has things happen."""

from rules.cases.case import Case, Step, StepKind
from rules.engine import Member, bind, fire, next_wake, restore, step
from rules.instance import Instance
from rules.members import asset_of, key_of
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
        own = {code: Slot(interval=interval) for code, interval in case.points.items()}
        self._own = own
        self._members = {
            name: Member(name, name, {code: Slot() for code in each.points})
            for name, each in case.around.items()
        }
        self._around = case.around
        # Every point, those of other assets as a reading calls them.
        self._slots = own | {
            key_of(name, code): slot
            for name, member in self._members.items()
            for code, slot in member.slots.items()
        }
        self._hours, self._zone = case.hours, case.zone
        self._path = Slot() if case.rule.when.watches_path else None
        self._now = ReceiptNow()
        # The event time of each device's newest message; every asset has one.
        self._newest = dict[str, int]()
        self._instance = self._bound()
        # What a store would have of each point, for windows that are built again.
        self._stored: dict[str, dict[int, float]] = {code: {} for code in self._slots}
        self.transitions: list[Transition] = []

    def _bound(self) -> Instance:
        others = {
            group.branch: [
                self._members[name]
                for name, each in self._around.items()
                if each.stands_on(group.branch)
            ]
            for group in self._rule.groups
        }
        return bind(
            self._rule, "asset", self._own, self._now, self._path, self._hours, others, self._zone
        )

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
        # What happens in quiet is known a little later than the time that it bears.
        while (wake := next_wake(self._instance)) is not None and self._is_due(until):
            self._fire(wake)

    def _is_due(self, until: int) -> bool:
        past, due = self._instance.past, self._instance.state.due
        leaving = past.next_leaving if past else None
        return any(at is not None and at <= until for at in (due, leaving))

    def take(self, taken: Step) -> None:
        """One step happens now."""
        if taken.kind is StepKind.RESTART:
            state = self._instance.state
            self._instance = self._bound()
            if self._instance.past is not None:
                self._instance.past.rebuild({c: [*r.items()] for c, r in self._stored.items()})
            restore(self._instance, state)
            return
        fresh = self._apply(taken)
        self._heard(taken.received)
        owner = asset_of(next(iter(taken.values), ""))
        newer = taken.at > self._newest.get(owner, 0)
        self._newest[owner] = max(self._newest.get(owner, 0), taken.at)
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
                self._stored[code][taken.at] = value
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
