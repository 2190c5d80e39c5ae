"""What the checker of rules finds wrong is told in Chinese: on pages, over HTTP, in shells."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rules.catalog import Text, shipped_catalog
from rules.document import load_rules
from rules.expression import ExpressionError, compile_expression
from rules.located_yaml import Problem
from rules.wording import Message, in_both, worded
from tests.web.conftest import client_of
from tests.web.stage import ROOT, Stage
from tests.web.test_rules import begun, boss, company, send
from watchkeeper.cli import app
from watchkeeper.speaking import language_of
from web.languages import translations
from workflows.patrol import UnreadableWand

CATALOG = shipped_catalog()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Templates that only put others together.
GLUE = {
    "%(place)s.%(problem)s",
    "%(problem)s %(context)s",
    "%(problem)s (%(assets)s)",
    "%(place)s: %(problem)s",
    "%(one)s; %(more)s",
}
CHECKERS = [
    *(ROOT / "rules").glob("document*.py"),
    *(ROOT / "rules" / "expression").glob("*.py"),
    *(ROOT / "rules" / name for name in ("causes.py", "located_yaml.py", "sampling.py")),
    *(ROOT / "core").glob("rulebook*.py"),
]
# What takes a message, and as which of its arguments.
TAKES = {
    "Fault": 1,
    "Problem": 3,
    "_error": 1,
    "_fault": 1,
    "_refuse": 1,
    "_stop": 1,
    "problem": 1,
    "problem_with_key": 1,
    "refuse": 1,
    "refuse_key": 1,
    "refuse_within": 2,
    "DurationError": 0,
    "UnitError": 0,
}
RULE = """\
id: hot
title: {en: Hot}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""


def zh(text: str) -> str:
    assert isinstance(text, Message), text
    return text.told(translations("zh").gettext)


def called(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield (node.func.id if isinstance(node.func, ast.Name) else name), node


def templates() -> Iterator[str]:
    """Every text that is said below the pages."""
    files = [path for room in ("rules", "core") for path in (ROOT / room).rglob("*.py")]
    for path in files:
        for name, call in called(path):
            if name == "worded":
                first = call.args[0]
                # Or no catalogue would find it.
                assert isinstance(first, ast.Constant), f"{path.name}:{call.lineno}"
                yield str(first.value)


def test_every_text_of_the_checker_has_a_chinese_one_with_the_same_values() -> None:
    every = set(templates())
    assert len(every) > 150
    for text in every - GLUE:
        chinese = translations("zh").gettext(text)
        assert CHINESE.search(chinese), text
        values = re.compile(r"%\(\w+\)s")
        assert sorted(values.findall(chinese)) == sorted(values.findall(text)), text


def test_the_checker_says_nothing_that_is_in_no_catalogue() -> None:
    seen = 0
    for path in CHECKERS:
        for name, call in called(path):
            place = TAKES.get(name)
            if place is None or len(call.args) <= place:
                continue
            seen += 1
            told = call.args[place]
            assert not isinstance(told, ast.JoinedStr | ast.Constant), f"{path.name}:{call.lineno}"
    assert seen > 100


WRONG = [
    "id: x\nid: y\n",
    "id: [1\n",
    "a: b: c\n",
    "\tid: x\n",
    "- 1\n",
    "",
    RULE + "colour: red\n",
    RULE.replace("high", "hihg"),
    RULE.replace("id: hot", "id: Hot Pump"),
    RULE.replace("asset_type: pump", "asset_type: pumps"),
    RULE.replace("when:", "wenn:"),
    RULE + "for: 2 minutes\n",
    RULE + "reopen_within: soon\n",
    RULE + "reopen_within: 400d\n",
    RULE + "latch: maybe\n",
    RULE + "suppress_while: [holidays]\n",
    RULE + "suppress_while: [maintenance]\nlife_safety: true\n",
    RULE + "inhibited_by: [mains-lost]\nlife_safety: true\n",
    RULE + "inhibited_by: []\n",
    RULE + "realarm_standing: 5m\n",
    RULE + "basis: 7\n",
    RULE + "---\n" + RULE,
    RULE.replace("motor_temperature > 75 °C", "avg(flow, 10m) > 3") + "for: 3 readings\n",
    RULE.replace("{en: Hot}", "&a {en: Hot}"),
]


@pytest.mark.parametrize("document", WRONG)
def test_a_document_is_refused_in_chinese(document: str) -> None:
    found = load_rules(document, "规则.yaml", CATALOG, known=()).problems
    assert found
    for problem in found:
        assert CHINESE.search(zh(problem.message)), problem.message
        told = zh(problem.text)
        assert told.startswith(f"规则.yaml:{problem.line}:{problem.column}: ")
        # In English it is what it always was.
        assert problem.text == str(problem)


CONDITIONS = [
    "motor_temprature > 3",
    "outlet_pressure < 2 A",
    "motor_temperature > 75 C",
    "flow > 3 flow",
    "running > 3",
    "running + 1 > 3",
    "flow",
    "flow > current",
    "5 > 3",
    "flow / 0 > 3",
    "motor_temperature - 20 > 5 °F",
    "motor_temperature * flow > 5",
    'running == "on"',
    "averag(flow) > 3",
    "abs(flow, 3) > 3",
    "path_age(3) > 3",
    "age(flow) == 5m",
    "age(flow) > 10 m",
    "overdue(0.5)",
    "flow ＞ 3",
    "flow > 3 且 running",
    "1 < flow < 3",
    "(flow > 3",
    "flow >",
    "rate(running, 5m) > 1",
    "avg(flow, 30d) > 3",
    "during(3)",
    "any(pump.running on floor)",
    "any(pump.running in 3)",
    "any(running in space)",
    "any(pumps.running in space)",
    "count(pump.running in site) > 3 °C",
    "any(any(pump.running in site) in site)",
    "age(flow) > 5m and avg(flow, 5m) > 3",
    "repeats(flow, 5m) > 3",
    "ticket_opened",
    "flow > 1h30m15m",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_is_refused_in_chinese(condition: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(condition, CATALOG["pump"].points, CATALOG)
    for fault in caught.value.faults:
        told = zh(fault.message)
        assert CHINESE.search(told), told
        # Only codes, numbers and what is to be written are left of English.
        assert not re.search(r"\b(is|the|can't|doesn't|has|takes|here)\b", told), told


def test_what_somebody_wrote_is_never_translated() -> None:
    # `this` and `one side` are texts of the checker, and might be names of points.
    message = worded("%(what)s is a number", what=Message("this"))
    assert zh(message) == "this 是数字"
    assert zh(worded("%(what)s is a number", what=worded("this"))) == "此处 是数字"


def test_what_a_file_says_in_both_languages_is_told_in_the_readers() -> None:
    reason = in_both("The tag has no seal.", "标签没有封条。")
    message = worded("the tag proves nothing: %(reason)s", reason=reason)
    assert message == "the tag proves nothing: The tag has no seal."
    assert zh(message) == "标签未通过验证：标签没有封条。"
    assert message.told(translations("en").gettext) == message
    # A file that can't be read at all is told as its lines are.
    [unreadable] = UnreadableWand(Text("No lines.", "没有记录。")).problems
    assert (unreadable, zh(unreadable)) == ("No lines.", "没有记录。")


def test_a_percent_sign_is_no_placeholder() -> None:
    [problem] = load_rules(RULE.replace("75 °C", "80 %"), "r", CATALOG).problems
    assert "80 %" in problem.message
    assert "80 %" in zh(problem.message)


def test_the_editor_tells_it_in_chinese(stage: Stage) -> None:
    writer = boss(stage, locale="zh")
    draft = begun(writer, stage)
    wrong = {"tab": "yaml", "document": RULE + "colour: red\n", "node": str(company(stage))}
    told = send(writer, f"{draft}/check", version="1", **wrong).text
    assert "未知的键 &#39;colour&#39;" in told
    assert "unknown key" not in told


def test_the_api_answers_in_the_language_that_is_asked_for(stage: Stage) -> None:
    client = client_of(stage)
    secret = stage.secret(stage.person("Li Na", "manager"), "token")
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"document": RULE + "colour: red\n"}

    def problems(**more: str) -> list[str]:
        answer = client.post("/api/v1/rule-checks", json=body, headers={**headers, **more})
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.json()["problems"]
        return found

    assert problems() == ["draft.yaml:7:1: unknown key 'colour'"]
    assert problems(**{"Accept-Language": "fr, zh-CN;q=0.8"}) == [
        "draft.yaml:7:1: 未知的键 'colour'"
    ]
    refused = client.post(
        "/api/v1/rules/backtest",
        json={"document": "id: x", "days": 1},
        headers={**headers, "Accept-Language": "zh"},
    )
    assert refused.status_code == 422
    assert any("缺少“title”" in each for each in refused.json()["problems"]), refused.text


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_CN"}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_command_line_speaks_the_language_of_the_terminal(
    variables: dict[str, str], language: str
) -> None:
    assert language_of(variables) == language


def test_rules_check_tells_it_in_chinese(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(RULE + "colour: red\n", encoding="utf-8")
    chinese = CliRunner().invoke(app, ["rules", "check", str(file)], env={"LC_ALL": "zh_CN.UTF-8"})
    assert (chinese.exit_code, chinese.output) == (1, f"{file}:7:1: 未知的键 'colour'\n")
    english = CliRunner().invoke(app, ["rules", "check", str(file)], env={"LC_ALL": "C"})
    assert english.output == f"{file}:7:1: unknown key 'colour'\n"


def test_a_problem_without_other_words_stays_as_it_is() -> None:
    assert zh(Problem("site.yaml", 1, 2, "there is no space 'x'").text).endswith("no space 'x'")
