"""Rules and instances made short for tests."""

from rules.catalog import shipped_catalog
from rules.document import Rule, load_rules
from rules.engine import (
    AlarmState,
    Instance,
    ReceiptNow,
    Slot,
    Transition,
    bind,
    fire,
    next_wake,
    restore,
    step,
)

SECOND = 1_000_000


def rule(asset_type: str = "pump", **settings: str) -> Rule:
    """A sound rule: `when`, `clear_when`, `for_`, `clear_for`, … as a document would have them."""
    lines = [
        "id: tested",
        "title: {en: Tested, zh: 受测}",
        f"applies_to: {{asset_type: {asset_type}}}",
        "severity: high",
        "ticket: {kind: repair, category: electrical, team: maintenance}",
        *(f"{key.rstrip('_')}: {value}" for key, value in settings.items()),
    ]
    loaded = load_rules("\n".join(lines), "tested.yaml", shipped_catalog())
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return loaded.rules[0]


class Bench:
    """One instance on named points, fed as the pipeline feeds it. Times in seconds."""

    def __init__(self, tested: Rule, *points: str, path: Slot | None = None) -> None:
        self.now = ReceiptNow()
        self.slots = {name: Slot() for name in points}
        self.path = path
        self.instance: Instance = bind(tested, "asset-1", self.slots, self.now, path)
        self.transitions: list[Transition] = []

    @property
    def told(self) -> list[tuple[str, float]]:
        """What happened so far, and when."""
        return [(each.kind.value, each.at / SECOND) for each in self.transitions]

    def read(self, at: float, receipt: float | None = None, **values: float) -> list[str]:
        """Values for event time `at`; the kinds of transition that they caused."""
        heard = round((at if receipt is None else receipt) * SECOND)
        self.now.now = heard
        for name, value in values.items():
            slot = self.slots[name]
            slot.value, slot.at, slot.heard = value, round(at * SECOND), heard
        try:
            wanted = self.instance.test()
        except ArithmeticError:
            wanted = True
        return self._note(step(self.instance, round(at * SECOND), heard) if wanted else [])

    def wait(self, receipt: float) -> list[str]:
        """The receipt clock moves to `receipt`; every wake on the way is kept."""
        last = round(receipt * SECOND)
        happened = []
        while (wake := next_wake(self.instance)) is not None and wake <= last:
            self.now.now = max(wake, self.now.now)
            happened += self._note(fire(self.instance, self.now.now))
            if next_wake(self.instance) == wake:
                break
        self.now.now = last
        return happened

    def fire(self, receipt: float) -> list[str]:
        """One call of the engine's `fire`."""
        self.now.now = round(receipt * SECOND)
        return self._note(fire(self.instance, self.now.now))

    def restart(self, tested: Rule) -> None:
        """A new process, with the persisted state and the last values."""
        state: AlarmState = self.instance.state
        self.instance = bind(tested, "asset-1", self.slots, self.now, self.path)
        restore(self.instance, state)

    def _note(self, transitions: list[Transition]) -> list[str]:
        self.transitions += transitions
        return [each.kind.value for each in transitions]
