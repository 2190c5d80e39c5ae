"""The rules that come with the product are sound, complete and told in both languages."""

from importlib.resources import files

import pytest

from rules.catalog import shipped_catalog
from rules.document import Rule, Severity, load_rules

TEXT = files("rules").joinpath("packs/starter.yaml").read_text(encoding="utf-8")
LOADED = load_rules(TEXT, "starter.yaml", shipped_catalog())


def test_the_pack_has_no_problem() -> None:
    assert [str(problem) for problem in LOADED.problems] == []
    assert len(LOADED.rules) >= 20


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.id)
def test_every_rule_tells_people_what_it_is_and_what_to_do(rule: Rule) -> None:
    for text in (rule.title, rule.explanation, rule.response):
        assert text.en
        assert any("一" <= character <= "鿿" for character in text.zh)
    respond, resolve = rule.ticket.respond_within, rule.ticket.resolve_within
    assert respond is not None
    assert resolve is not None
    assert respond < resolve


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.id)
def test_every_limit_names_its_source_or_says_that_it_is_a_starting_value(rule: Rule) -> None:
    if not any(character.isdigit() for character in rule.when.source):
        return
    comments = [line for line in rule.source.split("\n") if line.startswith("# ")]
    known = ("starting value", "ISO", "GB/T", "missed reports")
    named = any(word in line for line in comments for word in known)
    assert named or rule.when.watches_path


def test_life_safety_rules_are_those_that_threaten_people() -> None:
    safety = {rule.id for rule in LOADED.rules if rule.life_safety}
    assert safety == {"lift-entrapment", "smoke-detected", "fire-main-pressure-low"}
    assert all(rule.severity is Severity.CRITICAL for rule in LOADED.rules if rule.life_safety)


def test_every_asset_type_with_a_known_fault_has_a_rule() -> None:
    covered = {rule.asset_type for rule in LOADED.rules}
    # A machine is a bare value: what is wrong with it, only its owner knows.
    assert set(shipped_catalog()) - covered == {"machine"}
    assert "any" in covered
