"""Rule documents are read whole, or refused with everything that is wrong with them."""

from importlib.resources import files

import pytest

from rules.catalog import AssetType, PointType, Text, shipped_catalog
from rules.document import Delay, Severity, TicketTemplate, load_rules
from rules.durations import DAY, HOUR, MINUTE

CATALOG = shipped_catalog()
LONG = "respond_within: 30m, resolve_within: 4h"
OVERHEATING = f"""\
# Set from the data sheet.
id: pump-motor-overheating
title: {{en: Pump motor overheating, zh: 水泵电机过热}}
applies_to: {{asset_type: pump}}
when: motor_temperature > 75 °C
clear_when: motor_temperature < 70 °C
for: 2m
clear_for: 3 readings
severity: high
life_safety: false
ticket: {{kind: repair, category: electrical, team: maintenance, {LONG}}}
reopen_within: 3d
realarm_after: 20m
suppress_while: [outage, maintenance]
latch: true
realarm_standing: 4h
explanation: {{en: It ages., zh: 会老化。}}
response: Stop it.
basis: {{en: Data sheet., zh: 说明书。}}
"""
SOUND = "title: T\nseverity: low\nticket: {kind: repair, category: c, team: t}\n"


def problems(text: str) -> list[str]:
    loaded = load_rules(text, "r.yaml", CATALOG)
    return [str(problem).removeprefix("r.yaml:") for problem in loaded.problems]


def test_a_rule_is_read_whole() -> None:
    loaded = load_rules(OVERHEATING, "r.yaml", CATALOG)
    assert loaded.problems == ()
    (rule,) = loaded.rules
    assert rule.id == "pump-motor-overheating"
    assert rule.title == Text("Pump motor overheating", "水泵电机过热")
    assert rule.asset_type == "pump"
    assert rule.when.source == "motor_temperature > 75 °C"
    assert rule.clear_when is not None
    assert rule.on_delay == Delay(microseconds=2 * MINUTE)
    assert rule.off_delay == Delay(readings=3)
    assert rule.severity is Severity.HIGH
    assert rule.life_safety is False
    limits = (30 * MINUTE, 4 * HOUR)
    assert rule.ticket == TicketTemplate("repair", "electrical", "maintenance", *limits)
    assert rule.reopen_within == 3 * DAY
    assert rule.realarm_after == 20 * MINUTE
    assert rule.suppress_while == ("maintenance", "outage")
    assert rule.latch is True
    assert rule.realarm_standing == 4 * HOUR
    assert rule.explanation.get("zh-CN") == "会老化。"
    assert rule.response.get("zh") == "Stop it."
    assert rule.basis.get("zh") == "说明书。"
    assert rule.points == ("motor_temperature",)


def test_a_title_is_one_line_and_no_text_holds_what_a_database_refuses() -> None:
    written = OVERHEATING.replace(
        "title: {en: Pump motor overheating,", r'title: {en: "Pump\n hot\0",'
    )
    written = written.replace("response: Stop it.", r'response: "Stop\n it.\0"')
    (rule,) = load_rules(written, "r.yaml", CATALOG).rules
    assert (rule.title.en, rule.response.en) == ("Pump hot", "Stop\n it.")


def test_defaults_are_those_of_the_reference() -> None:
    text = f"id: a\napplies_to: {{asset_type: pump}}\nwhen: running\n{SOUND}"
    (rule,) = load_rules(text, "r.yaml", CATALOG).rules
    assert rule.clear_when is None
    assert rule.on_delay.immediate
    assert rule.off_delay.immediate
    assert rule.life_safety is False
    assert rule.reopen_within == 7 * DAY
    assert rule.realarm_after == HOUR
    assert (rule.suppress_while, rule.latch, rule.realarm_standing) == ((), False, None)
    assert rule.ticket.respond_within is None
    assert rule.explanation == Text()


def test_the_source_of_a_rule_makes_the_same_rule_again() -> None:
    pack = files("rules").joinpath("packs/pumps.yaml").read_text(encoding="utf-8")
    as_list = "".join(
        "- " + "\n  ".join(rule.source.strip().split("\n")) + "\n"
        for rule in load_rules(pack, "p.yaml", CATALOG).rules
    )
    for text in (OVERHEATING, pack, as_list):
        loaded = load_rules(text, "r.yaml", CATALOG)
        assert loaded.rules
        for rule in loaded.rules:
            again = load_rules(rule.source, "r.yaml", CATALOG)
            assert again.problems == ()
            assert again.rules[0].fingerprint == rule.fingerprint
    assert load_rules(OVERHEATING, "r.yaml", CATALOG).rules[0].source == OVERHEATING


def test_the_fingerprint_follows_the_content_and_not_its_layout() -> None:
    (rule,) = load_rules(OVERHEATING, "r.yaml", CATALOG).rules
    (same,) = load_rules("# other\n\n" + OVERHEATING + "# end\n", "r.yaml", CATALOG).rules
    (other,) = load_rules(OVERHEATING.replace("75", "76"), "r.yaml", CATALOG).rules
    assert rule.fingerprint == same.fingerprint
    assert rule.fingerprint != other.fingerprint


def test_every_problem_of_every_rule_is_told_at_once_and_the_sound_rules_are_kept() -> None:
    text = f"""\
id: A b
titel: x
applies_to: {{asset_type: pmup}}
when: foo > 3
---
- id: ok-1
  title: t
  applies_to: {{asset_type: lift}}
  when: >-
     mode == "fault" and
     flor > 3
  for: 3 reading
  suppress_while: [x]
  severity: hihg
  1: 2
  ticket: {{kind: repair, category: c, team: t}}
- 5
- id: ok-1
  title: t
  applies_to: {{asset_type: any}}
  when: overdue(3)
  for: 3 readings
  severity: low
  ticket: {{kind: repair, category: c, tem: t}}
---
id: sound
applies_to: {{asset_type: pump}}
when: running
{SOUND}"""
    assert problems(text) == [
        "1:1: 'severity' is missing",
        "1:1: 'ticket' is missing",
        "1:1: 'title' is missing",
        "1:5: id must be lower-case words joined by hyphens, up to 80 characters",
        "2:1: unknown key 'titel'; did you mean 'title'?",
        "3:26: no asset type 'pmup' here; did you mean 'pump'?",
        "11:6: no point 'flor' here; did you mean 'floor'?",
        "13:19: suppress_while holds maintenance, outage only, not 'x'",
        "14:13: severity must be one of low, medium, high, critical, not 'hihg'; "
        "did you mean 'high'?",
        "15:3: unknown key 1",
        "17:3: a rule is expected here, as a mapping",
        "18:7: rule 'ok-1' stands twice; first on line 6",
        "22:8: a rule on silence can't count readings; give a duration such as 5m",
        "24:11: 'team' is missing",
        "24:39: unknown key 'tem'; did you mean 'team'?",
    ]
    assert [rule.id for rule in load_rules(text, "r.yaml", CATALOG).rules] == ["sound"]


def test_a_kind_of_ticket_that_nobody_works_is_refused() -> None:
    text = "id: a\napplies_to: {asset_type: pump}\nwhen: running\ntitle: T\nseverity: low\n"
    (found,) = problems(f"{text}ticket: {{kind: repairs, category: c, team: t}}\n")
    assert found.startswith("6:16: ")
    assert "repair, hazard, complaint" in found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("for: 2x", "4:6: for must be a duration such as 2m, or readings such as 3 readings"),
        ("for: 120", "4:6: for must be a duration"),
        ("for: 0 readings", "4:6: count at least 1 reading"),
        ("for: 9999d", "4:6: for must be a duration"),
        ("clear_for: soon", "4:12: clear_for must be a duration"),
        ("realarm_after: soon", "4:16: 'soon' is not a duration"),
        ("reopen_within: 7", "4:16: '7' is not a duration"),
        ("suppress_while: [works]", "4:17: suppress_while holds maintenance, outage only"),
        ("suppress_while: [{a: b}]", "4:17: suppress_while holds maintenance, outage only"),
        ("suppress_while: []", "4:17: suppress_while is empty"),
        (
            "suppress_while: outage\nlife_safety: true",
            "4:17: an alarm about lives is never suppressed; take suppress_while out",
        ),
        ("latch: 1", "4:8: latch must be true or false"),
        ("realarm_standing: 5m", "4:19: realarm_standing must be 10m or longer"),
        ("realarm_standing: often", "4:19: 'often' is not a duration"),
        ("life_safety: maybe", "4:14: life_safety must be true or false"),
        ("clear_when: true", "4:13: clear_when must be a condition"),
        ("clear_when: flow < 1 A", "4:20: 1 A doesn't fit m³/h"),
        ("explanation: [x]", "4:14: explanation must be a text"),
        ("explanation: {de: x}", "4:15: unknown key 'de'"),
        ("explanation: {en: 5}", "4:19: en must be text"),
        ("inhibited_by: []", "4:15: inhibited_by must be a list of 1 to 20 rule ids"),
        ("family: watr", "4:9: family must be one of water, power, smoke, network, not 'watr'"),
        ("anchor: &a x", "4:9: anchors are not used here"),
        ("id: b", "4:1: 'id' stands twice; first on line 1"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_place(line: str, told: str) -> None:
    text = f"id: a\napplies_to: {{asset_type: pump}}\nwhen: running\n{line}\n{SOUND}"
    found = problems(text)
    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_rule_about_lives_is_never_inhibited() -> None:
    text = f"id: a\napplies_to: {{asset_type: pump}}\nwhen: running\n{SOUND}"
    (found,) = problems(f"{text}life_safety: true\ninhibited_by: [mains-lost]\n")
    assert "an alarm about lives is never inhibited" in found


def test_a_rule_names_what_inhibits_it_and_its_family() -> None:
    text = f"id: a\napplies_to: {{asset_type: pump}}\nwhen: running\n{SOUND}"
    text += "family: water\ninhibited_by: [mains-lost, b]\n"
    [rule] = load_rules(text, "r.yaml", CATALOG).rules
    assert (rule.family, rule.inhibited_by) == ("water", ("mains-lost", "b"))
    loaded = load_rules(text, "r.yaml", CATALOG, {"mains-lost", "bb"})
    assert loaded.rules == ()
    assert [str(each) for each in loaded.problems] == [
        f"r.yaml:{text.count(chr(10))}:15: there is no rule 'b'; did you mean 'bb'?"
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "5", "[1]", "a: [", "\ufeff", "- - a"])
def test_what_is_no_rule_is_a_problem_and_never_an_exception(text: str) -> None:
    assert problems(text)


def test_points_of_a_site_are_known_to_its_rules() -> None:
    boiler = AssetType(
        "boiler", Text("Boiler"), {"锅炉温度": PointType("锅炉温度", Text(), unit="°C")}
    )
    text = f"id: a\napplies_to: {{asset_type: boiler}}\nwhen: 锅炉温度 > 200 °F\n{SOUND}"
    loaded = load_rules(text, "r.yaml", {"boiler": boiler})
    assert loaded.problems == ()
    assert loaded.rules[0].points == ("锅炉温度",)
