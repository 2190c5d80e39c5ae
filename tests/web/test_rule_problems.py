"""What the form of a rule says of what was typed into it, in the reader's language."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.form import RuleForm, put_into
from web.reader import Reader
from web.rule_problems import form_faults, problem_told

SOUND = RuleForm(
    rule_id="shaking",
    title_en="Shaking",
    asset_type="pump",
    point="vibration",
    limit="7.1",
    unit="mm/s",
    delay="3 readings",
    category="mechanical",
)


def test_what_is_sound_has_no_faults() -> None:
    assert list(form_faults(SOUND)) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title_en": ""}, "title"),
        ({"asset_type": ""}, "equipment"),
        ({"point": ""}, "reading"),
        ({"limit": ""}, "limit must be a number"),
        ({"limit": "hot"}, "limit must be a number"),
        ({"clear_limit": "cold"}, "over at"),
        ({"comparison": "is", "limit": ""}, "state"),
        ({"delay": "2"}, "For how long"),
        ({"delay": "0 readings"}, "For how long"),
        ({"category": ""}, "category"),
        ({"respond_within": "30"}, "Respond within"),
        ({"resolve_within": "soon"}, "Resolve within"),
        ({"rule_id": "A b"}, "short name"),
    ],
)
def test_each_fault_is_one_that_the_checker_refuses(fields: dict[str, str], said: str) -> None:
    form = replace(SOUND, **fields)  # type: ignore[arg-type]
    assert [said in fault for fault in form_faults(form)] == [True]
    assert load_rules(put_into(form, ""), "rule", shipped_catalog()).problems


def test_the_checker_is_told_in_chinese_where_a_form_leads_to_it() -> None:
    reader = Reader("zh", datetime(2026, 11, 29, tzinfo=UTC), UTC)
    quick = (
        "5s is shorter than the 10s between two readings of vibration, so a single reading would"
        " decide; write 2 readings, or at least 20s (b1-pump-1 and 8 more)"
    )
    assert "短于两次读数的间隔 10s" in problem_told(reader, quick, in_form=True)
    assert problem_told(reader, quick, in_form=True).endswith("20s。")
    document = put_into(replace(SOUND, unit="°C"), "")
    [problem] = load_rules(document, "rule", shipped_catalog()).problems
    assert "与该读数的单位 mm/s 不符" in problem_told(reader, problem.message, in_form=True)
    assert "mm/s 不相容" in problem_told(reader, problem.message)
    missing = load_rules("title: {en: T}\n", "rule", shipped_catalog()).problems[0]
    assert problem_told(reader, missing.message, in_form=True).startswith("缺少")
