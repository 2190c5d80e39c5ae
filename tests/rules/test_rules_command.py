"""`watchkeeper rules test`: the shipped packs hold, and what fails is told with its place."""

import json
import re
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rules.cases import failures, load_cases, run
from rules.catalog import shipped_catalog
from rules.document import load_rules
from watchkeeper.cli import app
from watchkeeper.first_run import packs

RULE = """\
id: hot
title: {en: Hot}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
for: 2m
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""
CASES = """\
cases:
  - rule: hot
    name: a hot motor
    readings:
      - {at: 0s, values: {motor_temperature: 76 °C}}
    expect:
      - {trip: 2m}
"""


def tried(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["rules", "test", *map(str, arguments)])


def written(folder: Path, cases: str = CASES, rule: str = RULE) -> Path:
    (folder / "hot.yaml").write_text(rule, encoding="utf-8")
    file = folder / "hot_test.yaml"
    file.write_text(cases, encoding="utf-8")
    return file


def test_the_shipped_packs_decide_as_their_cases_say_and_every_rule_has_some() -> None:
    with as_file(files("rules").joinpath("packs")) as folder:
        result = tried(folder, "--strict")
    assert result.exit_code == 0, result.output
    held = re.findall(r"^\S+/(\w+)_test\.yaml: (\d+) of \2 cases held$", result.output, re.M)
    assert [name for name, _ in held] == [pack.stem for pack in packs()]


def test_so_do_the_rules_that_lie_ready_for_a_house_to_choose() -> None:
    with as_file(files("rules").joinpath("extras")) as folder:
        result = tried(folder, "--strict")
    assert result.exit_code == 0, result.output
    held = re.findall(r"^\S+/([\w-]+)_test\.yaml: (\d+) of \2 cases held$", result.output, re.M)
    assert [name for name, _ in held] == sorted(
        file.stem for file in folder.glob("*.yaml") if not file.stem.endswith("_test")
    )
    assert len(held) > 1


@pytest.mark.parametrize("pack", packs(), ids=lambda pack: pack.stem)
def test_the_cases_notice_every_changed_delay_limit_and_severity(pack: Path) -> None:
    rules = load_rules(pack.read_text(encoding="utf-8"), pack.name, shipped_catalog()).rules
    tests = pack.with_name(f"{pack.stem}_test.yaml")
    by_id = {rule.id: rule for rule in rules}
    loaded = load_cases(tests.read_text("utf-8"), tests.name, by_id, shipped_catalog())
    changed = 0
    for rule in rules:
        stories = [case for case in loaded.cases if case.rule is rule]
        for line in re.findall(r"^(?:\w*when|\w*for|severity): .*$", rule.source, re.MULTILINE):
            for other in _changes(line):
                source = rule.source.replace(f"\n{line}\n", f"\n{other}\n")
                (mutant,) = load_rules(source, pack.name, shipped_catalog()).rules
                assert mutant.fingerprint != rule.fingerprint
                noticed = [replace(case, rule=mutant) for case in stories]
                assert any(failures(case, run(case)) for case in noticed), (rule.id, other)
                changed += 1
    assert changed > 3 * len(rules)


_SPAN = re.compile(r", (\d+[smhd])\)")


def _changes(line: str) -> list[str]:
    """The line a little different: severity, a delay or span by one unit, `>` become `>=`."""
    key, _, value = line.partition(": ")
    if key == "severity":
        return [f"severity: {'low' if value != 'low' else 'high'}"]
    if key in ("for", "clear_for"):
        return [f"{key}: {int(number) + step}{rest}" for number, rest, step in _around(value)]
    signs = ((" > ", " >= "), (" < ", " <= "), (" and ", " or "), ("not ", ""), ("(3)", "(4)"))
    changed = [line.replace(sign, other, 1) for sign, other in signs if sign in line]
    if span := _SPAN.search(line):
        for number, rest, step in _around(span[1]):
            if other := int(number) + step:
                changed.append(line.replace(f", {span[1]})", f", {other}{rest})"))
    return changed


def _around(value: str) -> list[tuple[str, str, int]]:
    found = re.fullmatch(r"(\d+)(.*)", value)
    assert found is not None
    return [(found[1], found[2], 1), (found[1], found[2], -1)]


def test_what_fails_is_told_with_its_place_and_what_happened(tmp_path: Path) -> None:
    file = written(tmp_path, CASES.replace("trip: 2m", "trip: 3m"))
    result = tried(file)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{file}: 0 of 1 case held",
        f"{file}:7:9: hot (a hot motor): expected trip at 3m, but it tripped at 2m:"
        " motor_temperature 76 °C > 75 °C held 2m",
        "    0s pending: motor_temperature 76 °C > 75 °C",
        "    2m tripped: motor_temperature 76 °C > 75 °C held 2m",
    ]


def test_json_tells_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, CASES.replace("trip: 2m", "trip: 3m"))
    result = tried(file, "--json")
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert document["holds"] is False
    (told,) = document["files"]
    assert (told["cases"], told["held"], told["problems"]) == (1, 0, [])
    (failed,) = told["failed"]
    assert failed["failures"][0]["line"] == 7
    assert failed["happened"][1].startswith("2m tripped")


def test_a_rule_without_a_case_is_a_problem_when_asked(tmp_path: Path) -> None:
    second = RULE.replace("id: hot", "id: hotter")
    file = written(tmp_path, rule=f"{RULE}---\n{second}")
    assert tried(file).exit_code == 0
    result = tried(file, "--strict")
    assert result.exit_code == 1
    assert f"{file}:1:1: no case tries rule 'hotter'" in result.output


def test_a_case_that_no_rule_matches_and_an_unsound_rule_are_problems(tmp_path: Path) -> None:
    file = written(tmp_path, CASES.replace("rule: hot", "rule: hut"))
    result = tried(file)
    assert result.exit_code == 1
    assert f"{file}:2:11: there is no rule 'hut'" in result.output
    result = tried(written(tmp_path, rule=RULE.replace("> 75", "> > 75")))
    assert result.exit_code == 1
    assert f"{tmp_path / 'hot.yaml'}:4:" in result.output


def test_rule_files_are_named_or_stand_beside(tmp_path: Path) -> None:
    named = written(tmp_path).rename(tmp_path / "elsewhere.yaml")
    assert "name the rule file under rules" in tried(named).output
    named.write_text(f"rules: hot.yaml\n{CASES}", encoding="utf-8")
    assert tried(named).exit_code == 0
    named.write_text(f"rules: [hot.yaml, none.yaml]\n{CASES}", encoding="utf-8")
    assert "none.yaml:1:1: can't be read: No such file" in tried(named).output
    named.write_text(f"rules: [hot.yaml, hot.yaml]\n{CASES}", encoding="utf-8")
    assert "'hot' stands in another of the tested files, too" in tried(named).output


def test_folders_are_searched_but_not_those_of_others(tmp_path: Path) -> None:
    for name in ("one", ".venv", "node_modules"):
        (tmp_path / name).mkdir()
        written(tmp_path / name)
    result = tried(tmp_path)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 1
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert "there is no rule test in" in str(tried(nothing).exception)
    assert "there is no such file" in str(tried(tmp_path / "none.yaml").exception)


def test_points_that_the_rule_does_not_know_are_told(tmp_path: Path) -> None:
    cases = CASES.replace("76 °C", "76 °C, current: 1") + "    points: {current: {}}\n"
    result = tried(written(tmp_path, cases))
    assert result.exit_code == 1
    assert "the asset of this case has no point 'motor_temperature'" in result.output
    lacking = cases.replace("motor_temperature: 76 °C, ", "")
    assert "the asset has none of its points" in tried(written(tmp_path, lacking)).output
