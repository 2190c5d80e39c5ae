"""The rule reference tells what the rules room does, and its examples are rules."""

import re
from pathlib import Path

import pytest

from rules.cases import failures, load_cases, run
from rules.cases.case_fields import STEP_KEYS
from rules.cases.document import CASE_KEYS, EXPECT_KEYS
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.expression import FUNCTIONS
from rules.expression.parser import DEEPEST, LONGEST_TEXT
from watchkeeper.first_run import packs

TEXT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
_RULES, _, _TESTING = TEXT.partition("## Testing rules")
_EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
EXAMPLES, CASES = _EXAMPLE.findall(_RULES), _EXAMPLE.findall(_TESTING)


def test_there_are_examples_of_every_kind() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_sound_rule(example: str) -> None:
    loaded = load_rules(example, "docs/rules.md", shipped_catalog())
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.rules


def test_the_example_of_cases_holds_for_the_shipped_rules_and_shows_every_key() -> None:
    (example,) = CASES
    by_id = {
        rule.id: rule
        for pack in packs()
        for rule in load_rules(pack.read_text("utf-8"), pack.name, shipped_catalog()).rules
    }
    loaded = load_cases(example, "docs/rules.md", by_id, shipped_catalog())
    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.cases) == 4
    assert [failures(case, run(case)) for case in loaded.cases] == [[], [], [], []]
    documented = re.findall(r"^\| `(\w+)` \|", _TESTING, re.MULTILINE)
    assert documented == list(CASE_KEYS)
    assert all(
        re.search(rf"^ +(?:- )?{key}:", example, re.MULTILINE)
        for key in CASE_KEYS
        if key not in ("hours", "zone")
    )
    assert all(f"`{key}" in _TESTING for key in (*STEP_KEYS, *EXPECT_KEYS))


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
