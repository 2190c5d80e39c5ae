"""The rules that come with the product are sound, complete and told in both languages."""

import re
from collections import Counter

import pytest

from rules.catalog import Text, shipped_catalog
from rules.document import Rule, Severity
from scripts.rule_library import PAGE, page, rules_of
from watchkeeper.first_run import packs

RULES = [rule for pack in packs() for rule in rules_of(pack)]
PACKS = (
    "access", "devices", "drainage", "electrical", "environment", "fire", "hvac", "lifts", "pumps",
)  # fmt: skip
# What endangers people at once: smoke, gas, water at live parts, and who can't get out.
LIFE_SAFETY = {
    "car-park-co-dangerous",
    "carbon-monoxide-detected",
    "fire-main-pressure-low",
    "fire-panel-alarm",
    "gas-alarm-sounded",
    "gas-detected",
    "heat-detected",
    "lift-alarm-button",
    "lift-entrapment",
    "smoke-confirmed",
    "smoke-detected",
    "sos-button-pressed",
    "water-at-electrical-equipment",
}


def is_chinese(text: str) -> bool:
    """Whether a text is written in Chinese, with the full stops and commas of Chinese."""
    return bool(re.search(r"[一-鿿]", text)) and not re.search(r"[一-鿿][,;:?!(]", text)


def test_every_trade_has_its_pack_and_no_id_stands_twice() -> None:
    assert tuple(pack.stem for pack in packs()) == PACKS
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert len(ids) >= 66


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_tells_people_what_why_what_to_do_and_on_what_it_rests(rule: Rule) -> None:
    texts: tuple[Text, ...] = (rule.title, rule.explanation, rule.response, rule.basis)
    assert all(text.en and is_chinese(text.zh) for text in texts)
    assert not any(is_chinese(text.en) for text in texts)
    respond, resolve = rule.ticket.respond_within, rule.ticket.resolve_within
    assert respond is not None
    assert resolve is not None
    assert respond < resolve


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_basis_says_what_kind_of_basis_it_is(rule: Rule) -> None:
    kinds = r"No limit|starting value|missed reports|[Uu]sual|rule that many|\b(ISO|IEC|EN|GBZ?|TSG"
    kinds += r"|NFPA|Law|Rules|Regulations|WHO|tariff)\b"
    assert re.search(kinds, rule.basis.en)
    compared = re.search(r"[<>]", rule.when.source) and not rule.when.watches_path
    assert not (compared and rule.basis.en.startswith("No limit"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_measured_value_has_a_deadband_and_everything_a_delay(rule: Rule) -> None:
    measured = [point for point in rule.when.points if point.kind == "number"]
    if measured and not rule.when.on_receipt_clock:
        assert rule.clear_when is not None or rule.id in WITHOUT_DEADBAND
    assert not (rule.on_delay.immediate and rule.off_delay.immediate) or rule.id in AT_ONCE


# A count has no deadband, nor has a value that doesn't change, and where a running pump moves
# nothing there is nothing in between.
WITHOUT_DEADBAND = {
    "distribution-board-sensor-stuck",
    "fan-running-without-turning",
    "fire-panel-points-isolated",
    "fire-main-sensor-stuck",
    "pit-level-high-pump-off",
    "pump-running-without-flow",
    "pump-sensor-stuck",
    "room-sensor-stuck",
}
# People who are trapped, what judges silence and what counts events: the delay is in the condition.
AT_ONCE = {
    "access-denied-repeatedly",
    "door-held-repeatedly",
    "gateway-silent",
    "lift-entrapment",
    "sensor-silent",
}


def test_most_rules_can_wait_and_few_call_people_at_night() -> None:
    counts = Counter(rule.severity for rule in RULES)
    assert counts[Severity.LOW] > len(RULES) / 2
    assert counts[Severity.HIGH] + counts[Severity.CRITICAL] < len(RULES) / 3
    assert counts[Severity.CRITICAL] < len(RULES) / 8


def test_life_safety_rules_are_those_that_threaten_people() -> None:
    assert {rule.id for rule in RULES if rule.life_safety} == LIFE_SAFETY
    assert all(rule.severity is Severity.CRITICAL for rule in RULES if rule.life_safety)


# What only measures, or does as it is told: whether a value of it is a fault, its place decides.
NO_FAULT_OF_THEIR_OWN = {
    "energy_meter",
    "green_area",
    "motion_sensor",
    "parking_space",
    "people_counter",
    "pipe",
    "push_button",
    "siren",
    "socket",
    "tracker",
    "valve",
    "weather_station",
}


def test_every_asset_type_with_a_known_fault_has_a_rule() -> None:
    covered = {rule.asset_type for rule in RULES}
    # A machine is a bare value: what is wrong with it, only its owner knows. How often a checkpoint
    # is visited is a house's own promise, so its rules lie ready beside the packs.
    assert set(shipped_catalog()) - covered <= NO_FAULT_OF_THEIR_OWN | {"machine", "checkpoint"}
    assert "any" in covered


def test_the_page_of_the_library_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m scripts.rule_library"


def test_what_explains_a_rule_is_shipped_too_and_is_no_milder() -> None:
    by_id = {rule.id: rule for rule in RULES}
    order = list(Severity)
    for rule in RULES:
        for other in rule.inhibited_by:
            stronger = order.index(by_id[other].severity) >= order.index(rule.severity)
            assert stronger or other == "mains-lost", (rule.id, other)
