"""A rule as a form: read where it fits, put back so that nothing else changes."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.form import COMPARISONS, RuleForm, form_of, put_into

HOT = """\
# Seen in every summer.
id: pump-hot
title: {en: Pump hot, zh: 水泵过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C  # the maker says 80
clear_when: motor_temperature < 70 °C
for: 2m
# Kept by hand.
clear_for: 5m
severity: high
ticket: {kind: repair, category: electrical, team: maintenance, respond_within: 30m}
reopen_within: 3d
explanation:
  en: >-
    A motor that stays this hot
    ages quickly.
"""
PACKS = Path(__file__).resolve().parents[2] / "rules" / "packs"


def read(document: str) -> RuleForm:
    found = form_of(document)
    assert found.form is not None, found.obstacles
    return found.form


def test_a_plain_rule_is_read_as_a_form() -> None:
    form = read(HOT)
    assert (form.point, form.comparison, form.limit, form.unit, form.clear_limit, form.delay) == (
        "motor_temperature",
        ">",
        "75",
        "°C",
        "70",
        "2m",
    )
    assert (form.title_zh, form.team, form.respond_within) == ("水泵过热", "maintenance", "30m")


def test_put_back_unchanged_it_is_the_very_same_document() -> None:
    assert put_into(read(HOT), HOT) == HOT


def test_only_the_lines_of_what_was_changed_are_written_anew() -> None:
    changed = put_into(replace(read(HOT), limit="72", delay="", respond_within=""), HOT)
    assert changed == (
        HOT.replace("when: motor_temperature > 75 °C  # the maker says 80", NEW)
        .replace("for: 2m\n# Kept", "# Kept")
        .replace(", respond_within: 30m", "")
    )


NEW = "when: motor_temperature > 72 °C"


def test_a_new_rule_from_the_form_is_sound() -> None:
    form = RuleForm(
        rule_id="tank-low",
        title_zh="水箱水位低",
        asset_type="fire_main",
        point="tank_level",
        comparison="<",
        limit="2.5",
        unit="m",
        clear_limit="2.6",
        delay="60s",
        category="fire",
        explanation_zh="水位: 低了",
    )
    document = put_into(form, "")
    loaded = load_rules(document, "new.yaml", shipped_catalog())
    assert loaded.problems == ()
    assert loaded.rules[0].when.source == "tank_level < 2.5 m"
    assert read(document) == form


@pytest.mark.parametrize(
    ("document", "obstacle"),
    [
        (HOT.replace("> 75 °C", "> 75 °C and running"), "condition"),
        (HOT.replace("motor_temperature < 70 °C", "not running"), "clear_condition"),
        (HOT.replace("motor_temperature < 70 °C", "motor_temperature > 70 °C"), "clear_condition"),
        ("- " + "  ".join(HOT.splitlines(keepends=True)[1:]), "not_one_rule"),
        ("a: [", "not_yaml"),
    ],
)
def test_what_the_form_cannot_show_is_told(document: str, obstacle: str) -> None:
    assert form_of(document).obstacles == (obstacle,)
    assert form_of(document).form is None


def test_no_shipped_rule_is_changed_by_looking_at_it() -> None:
    shown = 0
    for pack in PACKS.glob("*.yaml"):
        for rule in load_rules(pack.read_text("utf-8"), pack.name, shipped_catalog()).rules:
            form = form_of(rule.source).form
            if form is not None:
                assert put_into(form, rule.source) == rule.source
                shown += 1
    assert shown > 5


WORDS = st.text(st.characters(exclude_categories=["C"]), max_size=40).map(str.strip)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    title=WORDS,
    explanation=WORDS,
    comparison=st.sampled_from(COMPARISONS),
    limit=st.decimals(-999, 999, places=2).map(str),
    document=st.sampled_from(["", HOT]),
)
def test_what_the_form_says_is_what_it_reads_again(
    title: str, explanation: str, comparison: str, limit: str, document: str
) -> None:
    before = read(document)
    numeric = comparison[0] in "<>"
    form = replace(
        before,
        rule_id="x",
        asset_type="pump",
        title_en=title,
        explanation_en=explanation,
        point="flow",
        comparison=comparison,
        limit="" if comparison in ("true", "false") else limit,
        unit="L/s" if numeric else "",
        clear_limit=limit if numeric else "",
        category="c",
    )
    assert read(put_into(form, document)) == form
