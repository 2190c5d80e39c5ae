"""The rule reference tells what the rules room does, and its examples are rules."""

import re
from pathlib import Path

import pytest

from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.expression import FUNCTIONS
from rules.expression.parser import DEEPEST, LONGEST_TEXT

TEXT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_examples_of_every_kind() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_sound_rule(example: str) -> None:
    loaded = load_rules(example, "docs/rules.md", shipped_catalog())
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.rules


def test_the_documented_functions_are_those_that_exist() -> None:
    documented = dict(re.findall(r"^\| `(\w+\([\w, ]*\))` \| (.+) \|$", TEXT, re.MULTILINE))
    assert documented == {each.signature: each.summary for each in FUNCTIONS.values()}


def test_the_documented_keys_are_those_that_are_read() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:yes|no) \|", TEXT, re.MULTILINE)
    documented = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    unknown = "x: 1\n" + "".join(f"{key}: 1\n" for key in sorted(documented))
    told = [p.message for p in load_rules(unknown, "r.yaml", shipped_catalog()).problems]
    assert [message for message in told if message.startswith("unknown key")] == ["unknown key 'x'"]
    full = load_rules(EXAMPLES[0], "r.yaml", shipped_catalog())
    written = set(re.findall(r"^(\w+):", full.rules[0].source, re.MULTILINE))
    assert written == documented


def test_the_documented_limits_are_those_that_hold() -> None:
    assert f"{LONGEST_TEXT:,} characters" in TEXT
    assert f"{DEEPEST} deep" in TEXT
