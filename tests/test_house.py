"""The house is in order: locks, targets, README, compose file and image say what is true."""

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from core.settings import FILE_VARIABLE, PREFIX, Settings
from tests.conftest import LONG
from watchkeeper import cli

ROOT = Path(__file__).resolve().parent.parent
LOCKS = [
    "requirements.txt",
    "requirements-test.txt",
    "requirements-node.txt",
    "requirements-lock.txt",
    "requirements-tags.txt",
]
NPM_LOCKS = [
    "proof/node_red/package-lock.json",
    "web/assets/package-lock.json",
    "tests/servers/flux/package-lock.json",
    "tests/servers/oidc/package-lock.json",
    "tests/web/quality/package-lock.json",
]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# The production stack is looked at in test_deployment.py.
COMPOSE: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy/compose-single.yml").read_text(encoding="utf-8")
)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TARGETS = ["demo", "test", "proof", "lint", "bench"]


def locked(lock: str) -> dict[str, list[str]]:
    """The requirement lines of a lock by normalised name; their hashes stand in the same line."""
    joined = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    found = dict[str, list[str]]()
    for line in lines:
        found.setdefault(normalised(re.split(r"==", line)[0]), []).append(line)
    return found


def normalised(name: str) -> str:
    """A package name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def unmet(requirements: list[str], lock: str) -> list[str]:
    """The requirements that no line of the lock fulfils."""
    lines = locked(lock)
    missing = list[str]()
    for requirement in map(Requirement, requirements):
        versions = [
            Version(line.split("==")[1].split()[0])
            for line in lines.get(normalised(requirement.name), [])
        ]
        if not versions or not all(version in requirement.specifier for version in versions):
            missing.append(str(requirement))
    return missing


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(lock: str) -> None:
    lines = [line for group in locked(lock).values() for line in group]
    assert lines
    pattern = r"[a-z0-9-]+==\S+ (; .+ )?( *--hash=sha256:[0-9a-f]{64} *)+"
    assert [line for line in lines if not re.fullmatch(pattern, line)] == []


@pytest.mark.parametrize("lock", [*LOCKS, *NPM_LOCKS])
def test_no_lock_names_an_address_or_a_folder(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    # npm notes where a package asks for donations; that is no place it is fetched from.
    text = re.sub(r'"funding": (\{[^}]*\}|\[[^\]]*\]|"[^"]*")', "", text)
    assert re.findall(r"\w+://\S+|--[a-z-]*(?:index|find-links)[a-z-]*|file:\S+", text) == []


def test_the_locks_hold_everything_that_the_project_asks_for() -> None:
    build, project = PROJECT["build-system"]["requires"], PROJECT["project"]
    extras = project["optional-dependencies"]
    assert unmet([*build, *project["dependencies"]], "requirements.txt") == []
    assert unmet([*project["dependencies"], *extras["test"]], "requirements-test.txt") == []
    assert unmet(extras["node"], "requirements-node.txt") == []
    assert unmet(extras["lock"], "requirements-lock.txt") == []
    assert unmet(extras["tags"], "requirements-tags.txt") == []


def test_a_requirement_outside_the_lock_is_seen() -> None:
    requirements = ["no-such-package", "typer>999", "Typer"]
    assert unmet(requirements, "requirements.txt") == ["no-such-package", "typer>999"]


def test_the_test_lock_holds_the_demo_lock() -> None:
    tests = locked("requirements-test.txt")
    assert {name: lines for name, lines in locked("requirements.txt").items()}.items() <= (
        tests.items()
    )


def bringer(name: str) -> str:
    """The package in whose archive another one comes, by their places in node_modules."""
    return name.partition("/node_modules/")[0]


@pytest.mark.parametrize("path", NPM_LOCKS)
def test_every_npm_package_has_its_integrity_and_no_address(path: str) -> None:
    lock = json.loads((ROOT / path).read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    # What a package brings along in its own archive is under that one's integrity.
    fetched = {name: entry for name, entry in packages.items() if not entry.get("inBundle")}
    assert [name for name, entry in fetched.items() if "integrity" not in entry] == []
    assert [name for name in packages.keys() - fetched.keys() if bringer(name) not in fetched] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target_and_sets_up_first(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "-m scripts.set_up" in done.stdout.splitlines()[0]
    assert len(done.stdout.splitlines()) > 1


def test_the_ci_script_ends_with_the_tests() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").strip().splitlines()
    assert "set -euo pipefail" in lines
    assert [line.split()[-1] for line in lines if line.startswith("make")] == ["lint", "test"]
    assert lines[-1].startswith("make")


@pytest.mark.parametrize("file", LONG)
def test_a_file_that_is_begun_first_exists(file: str) -> None:
    assert (ROOT / file).is_file()


def test_the_licence_is_the_one_that_the_project_names() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text


def commands(text: str) -> list[str]:
    """The `make` and `watchkeeper` commands in the fenced blocks of a Markdown text."""
    blocks = re.findall(r"^```(?:sh|console|bash)\n(.*?)^```", text, flags=re.M | re.S)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.split(" ")[0] in {"make", "watchkeeper"}]


def is_known(command: str) -> bool:
    """Whether make has the target, or the command line the command and its sub-command."""
    program, *arguments = shlex.split(command, comments=True)
    if program == "make":
        asked = ["make", "--dry-run", *arguments]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    known: Any = typer.main.get_command(cli.app)
    for argument in [part for part in arguments if not part.startswith("-")]:
        if not getattr(known, "commands", None):
            return True
        if argument not in known.commands:
            return False
        known = known.commands[argument]
    return not getattr(known, "commands", None)


def test_commands_are_found_in_a_text_and_unknown_ones_are_seen() -> None:
    text = "```sh\n$ make demo  # first\nwatchkeeper up --demo\nls\n```\n`make no`\n"
    assert commands(text) == ["make demo  # first", "watchkeeper up --demo"]
    assert [is_known(command) for command in commands(text)] == [True, True]
    assert is_known("make test PYTEST_ARGS='tests/rules -k unit'")
    assert not is_known("make no-such-target")
    assert not is_known("watchkeeper no-such-command")


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_every_command_in_the_documents_exists() -> None:
    found = {
        f"{document.relative_to(ROOT)}: {command}"
        for document in documents()
        for command in commands(document.read_text(encoding="utf-8"))
        if not is_known(command)
    }
    assert found == set()


def test_the_compose_file_runs_a_command_that_exists() -> None:
    service = COMPOSE["services"]["watchkeeper"]
    assert is_known(" ".join(["watchkeeper", *service["command"]]))


def test_the_containers_variables_are_settings_with_valid_values() -> None:
    variables = COMPOSE["services"]["watchkeeper"]["environment"]
    values = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items()}
    assert all(name.startswith(PREFIX) and name != FILE_VARIABLE for name in variables)
    assert values.keys() <= Settings.model_fields.keys()
    assert Settings(**values).http_port == 8080
    image = re.findall(rf"{PREFIX}[A-Z_]+", DOCKERFILE)
    assert {name.removeprefix(PREFIX).lower() for name in image} <= Settings.model_fields.keys()


def test_the_compose_file_publishes_the_ports_that_it_sets_and_keeps_the_data() -> None:
    service = COMPOSE["services"]["watchkeeper"]
    environment = service["environment"]
    inside = {port.rsplit(":", 1)[1] for port in service["ports"]}
    assert inside == {environment[PREFIX + "HTTP_PORT"], environment[PREFIX + "BROKER_PORT"]}
    mounts = dict(mount.split(":")[:2] for mount in service["volumes"])
    assert mounts["data"] == environment[PREFIX + "DATA_DIR"]
    assert "data" in COMPOSE["volumes"]


def test_the_image_starts_the_product_as_an_ordinary_user() -> None:
    steps = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line[:1].isalpha()]
    last = {name: argument for name, argument in steps}
    uid, gid = last["USER"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert json.loads(last["ENTRYPOINT"])[0] in PROJECT["project"]["scripts"]
    assert is_known(" ".join([*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])]))
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, flags=re.M))
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) <= stages


def test_every_image_has_its_registry_as_one_setting() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.M)
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, flags=re.M))
    assert all(base.startswith("${IMAGE_PREFIX}") or base in stages for base in bases)
