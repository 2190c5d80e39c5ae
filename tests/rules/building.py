"""Rules and instances made short for tests."""

from rules.catalog import shipped_catalog
from rules.document import Rule, load_rules
from rules.engine import Instance, ReceiptNow, Slot, bind

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
    """One instance on named slots, fed as the pipeline feeds it. Times in seconds."""

    def __init__(self, tested: Rule, *points: str, path: Slot | None = None) -> None:
        self.now = ReceiptNow()
        self.slots = {name: Slot() for name in points}
        self.path = path
        self.instance: Instance = bind(tested, "asset-1", self.slots, self.now, path)
        self.told: list[tuple[str, float]] = []
        self.reasons: list[str] = []

    def note(self, transitions: list) -> list[str]:  # type: ignore[type-arg]
        """Keeps what happened; the kinds of `transitions`."""
        self.told += [(each.kind.value, each.at / SECOND) for each in transitions]
        self.reasons += [each.reason for each in transitions]
        return [each.kind.value for each in transitions]
