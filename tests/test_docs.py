"""What the documents tell people to type exists, and what they link to is there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from core.secret_files import variable
from core.settings import FILE_VARIABLE, PREFIX, SECRETS, Settings
from tests.servers.product import ROOT
from watchkeeper.cli import app
from workflows.alarms import ALARM

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)
INDENTED = re.compile(r"(?:^(?: {4}|\t).*\n?)+", re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHELLS = {"sh", "console", "bash", "shell"}


class Command(NamedTuple):
    """A command line in a document."""

    document: str
    line: str


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def shell_lines(text: str) -> Iterator[str]:
    """Every line of the shell blocks; one that goes on below is joined."""
    blocks = [body for language, body in FENCE.findall(text) if language in SHELLS]
    blocks += INDENTED.findall(FENCE.sub("", text))
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")


def commands_in(text: str) -> list[str]:
    """Calls of `watchkeeper` and `make` in shell blocks and between backquotes."""
    quoted = re.findall(r"`((?:\.venv/bin/)?(?:watchkeeper|make) [^`\n]+)`", FENCE.sub("", text))
    found = []
    for line in [*shell_lines(text), *quoted]:
        words = re.match(r"(?:\S+=\S+ )*(?:exec )?(?:\.venv/bin/)?(watchkeeper|make)\b.*", line)
        if words is not None:
            found.append(line[words.start(1) :])
    return found


def all_commands() -> list[Command]:
    return [
        Command(str(document.relative_to(ROOT)), line)
        for document in documents()
        for line in commands_in(document.read_text(encoding="utf-8"))
    ]


def problem_of(line: str) -> str | None:
    """What is wrong with a command line; None when it would be understood."""
    # In prose optional parts stand in brackets, and "…" for the rest.
    words = shlex.split(line.replace("[", "").replace("]", "").replace("…", ""), comments=True)
    if words[0] == "make":
        return _problem_of_make(words[1:])
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while getattr(command, "commands", None):
        if not rest:
            return None
        if rest[0].startswith("-"):
            break
        if rest[0] not in command.commands:
            return f"there is no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    options |= {name for parameter in command.params for name in parameter.secondary_opts}
    for word in rest:
        if word.startswith("--") and word.split("=")[0] not in options:
            return f"{command.name} has no option {word}"
    return None


def _problem_of_make(words: list[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    variables = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.M))
    variables |= {"PIP_INDEX_URL", "NPM_CONFIG_REGISTRY", "IMAGE_PREFIX"}
    for word in words:
        name, is_setting, _ = word.partition("=")
        if name not in (variables if is_setting else targets):
            return f"make knows no {name}"
    return None


def headings(text: str) -> set[str]:
    """The anchors that a page offers, as the usual renderers make them."""
    titles = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(document: Path) -> Iterator[str]:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        place = document.parent / path if path else document
        if not re.match(r"[a-z]+:", target) and not leads_somewhere(place, anchor):
            yield target


def leads_somewhere(place: Path, anchor: str) -> bool:
    if not place.exists():
        return False
    checked = bool(anchor) and place.suffix == ".md"
    return not checked or anchor in headings(place.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("watchkeeper up --demo", None),
        ("watchkeeper rules check my-rules.yaml --site=site.yaml", None),
        ("watchkeeper up [--demo]", None),
        ("watchkeeper up --demonstration", "up has no option --demonstration"),
        ("watchkeeper rules chek a.yaml", "there is no command 'chek'"),
        ("make test PYTEST_ARGS='tests/rules -k unit'", None),
        ("make tests", "make knows no tests"),
        ("make test PYTESTARGS=x", "make knows no PYTESTARGS"),
    ],
)
def test_a_wrong_command_is_seen(line: str, trouble: str | None) -> None:
    assert problem_of(line) == trouble


def test_commands_are_found_wherever_they_stand() -> None:
    text = (
        "Say `watchkeeper config` or `config`.\n```sh\nX=1 .venv/bin/watchkeeper up \\\n"
        "  --demo\nls\n```\nor\n\n    make demo\n\n```python\nwatchkeeper = 1\n```\n"
    )
    found = [" ".join(line.split()) for line in commands_in(text)]
    assert found == ["watchkeeper up --demo", "make demo", "watchkeeper config"]


def test_every_command_in_the_documents_would_be_understood() -> None:
    commands = all_commands()
    assert len(commands) > 10
    assert [(*each, problem_of(each.line)) for each in commands if problem_of(each.line)] == []


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = {str(d.relative_to(ROOT)): list(broken_links(d)) for d in documents()}
    assert {name: links for name, links in broken.items() if links} == {}


def test_every_setting_that_the_documents_name_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {FILE_VARIABLE}
    known |= {variable(PREFIX, name) for name in SECRETS}
    named = {
        (str(document.relative_to(ROOT)), name)
        for document in [*documents(), ROOT / "docker-compose.yml"]
        for name in re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", document.read_text(encoding="utf-8"))
    }
    assert {(document, name) for document, name in named if name not in known} == set()


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## Commands") :]
    command: Any = typer.main.get_command(app)
    missing = [
        name
        for name, inner in command.commands.items()
        if not inner.hidden and not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", table)
    ]
    assert missing == []


def test_the_moves_of_alarms_are_those_of_the_product() -> None:
    document = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    told: dict[str, dict[str, str]] = {action: {} for action in ALARM.moves}
    for line in document.partition("## Moves")[2].partition("## Withheld")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4 or not cells[0].startswith("`"):
            continue
        named = re.findall(r"`(\w+)`", cells[1])
        if cells[1].startswith("every state"):
            named = [state for state in ALARM.statuses if state not in named]
        for state in named:
            told[cells[0].strip("`")][state] = state if cells[2] == "the same" else cells[2][1:-1]
    assert told == {action: dict(moves) for action, moves in ALARM.moves.items()}
