"""Write docs/rule-library.md, the tables of the shipped rules, from the packs."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.rule import Rule, Severity
from scripts.shell import ROOT, say
from watchkeeper.first_run import packs

PAGE = ROOT / "docs" / "rule-library.md"
_HEAD = """\
# The rules that come with the product

These rules are put in force at the first start, and new ones with each new version; a rule that is there already is never overwritten. A rule applies to every asset of its type that has one of the points it names, so those for equipment that a site doesn't have do nothing. Each has its reason, its response and the basis of its limit in both languages, and cases that show what it decides beside it in `rules/packs/*_test.yaml`; [rules.md](rules.md) tells how to write your own and how to change these.

"A common starting value" under *basis* means what it says: set it from the equipment's data sheet or the building's design before you rely on it. Standards are quoted as the field knows them; check the edition that is in force where you are.

This page is written from the packs by `python -m scripts.rule_library`, and a test keeps it current.
"""  # noqa: E501


def rules_of(pack: Path) -> tuple[Rule, ...]:
    """The rules of a shipped pack, in its order. Raises ValueError when one has a problem."""
    loaded = load_rules(pack.read_text(encoding="utf-8"), pack.name, shipped_catalog())
    if loaded.problems:
        raise ValueError("; ".join(map(str, loaded.problems)))
    return loaded.rules


def page() -> str:
    """The whole page."""
    found = {pack: rules_of(pack) for pack in packs()}
    everything = [rule for rules in found.values() for rule in rules]
    counts = Counter(rule.severity for rule in everything)
    severities = ", ".join(f"{counts[each]} {each}" for each in Severity)
    safety = sum(rule.life_safety for rule in everything)
    parts = [_HEAD, f"{len(everything)} rules: {severities}; {safety} of them for life safety.\n"]
    parts += ["\n".join(_section(pack, rules)) for pack, rules in found.items()]
    return "\n".join(parts)


def _section(pack: Path, rules: tuple[Rule, ...]) -> Iterator[str]:
    about = pack.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    yield f"## {pack.stem}\n"
    yield f"{about} `rules/packs/{pack.name}`\n"
    yield "| rule | for | trips when | severity | basis of the limit |"
    yield "|---|---|---|---|---|"
    yield from map(_row, rules)
    yield ""


def _row(rule: Rule) -> str:
    held = "" if rule.on_delay.immediate else f" for {rule.on_delay}"
    safety = ", life safety" if rule.life_safety else ""
    cells = (
        f"`{rule.id}`<br>{rule.title.en}<br>{rule.title.zh}",
        f"`{rule.asset_type}`",
        f"`{' '.join(rule.when.source.split())}`{held}",
        f"{rule.severity}{safety}",
        f"{rule.basis.en}<br>{rule.basis.zh}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    say(f"{PAGE.relative_to(ROOT)} is written.")
