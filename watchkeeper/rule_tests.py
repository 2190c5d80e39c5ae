"""Rule tests from the command line: files found, cases run, what failed told."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Invalid
from rules.cases import Case, failures, history, load_cases, rule_files, run
from rules.catalog import AssetType
from rules.document import Rule, load_rules
from rules.instance import BindError
from rules.located_yaml import Problem

ENDING = "_test.yaml"
# Folders that hold what others wrote.
_FOREIGN = ("node_modules",)


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case that did not hold: where and why, and what its alarm did."""

    rule: str
    name: str
    failures: tuple[Problem, ...]
    happened: tuple[str, ...]


@dataclass(slots=True)
class Tried:
    """What came of one test file. A problem is something that kept a case from being tried."""

    file: str
    cases: int = 0
    failed: list[FailedCase] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every case was tried and held."""
        return not self.failed and not self.problems

    def lines(self) -> Iterator[str]:
        """What a person at a terminal is told: one line, and what failed."""
        held = self.cases - len(self.failed)
        told = f"{self.file}: {held} of {_count(self.cases, 'case')} held"
        if self.problems:
            told += f", {_count(len(self.problems), 'problem')}"
        yield told
        for problem in self.problems:
            yield str(problem)
        for case in self.failed:
            name = f" ({case.name})" if case.name else ""
            for each in case.failures:
                yield f"{each.file}:{each.line}:{each.column}: {case.rule}{name}: {each.message}"
            yield from (f"    {line}" for line in case.happened or ("nothing happened",))

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "file": self.file,
            "holds": self.holds,
            "cases": self.cases,
            "held": self.cases - len(self.failed),
            "problems": [_place(each) for each in self.problems],
            "failed": [
                {
                    "rule": case.rule,
                    "name": case.name,
                    "failures": [_place(each) for each in case.failures],
                    "happened": list(case.happened),
                }
                for case in self.failed
            ],
        }


def find_tests(paths: Sequence[Path]) -> list[Path]:
    """The test files among `paths` and in the folders among them, each once.

    Invalid for a path that is not there, and for a folder without any test.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(_inside(path))
            if not inside:
                advice = f"A rule test is a file whose name ends with {ENDING}."
                raise Invalid(f"there is no rule test in {path}", advice=advice)
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            raise Invalid(f"{path} can't be read: there is no such file")
    return list(found)


def try_file(path: Path, catalog: Mapping[str, AssetType], *, strict: bool) -> Tried:
    """Run every case of a test file. strict: a rule without a case is a problem."""
    tried = Tried(str(path))
    text = _text(path)
    if isinstance(text, Problem):
        tried.problems.append(text)
        return tried
    rules = _rules(path, text, catalog, tried.problems)
    if tried.problems:
        return tried
    loaded = load_cases(text, str(path), rules, catalog)
    tried.problems.extend(loaded.problems)
    if strict:
        message = "no case tries rule {!r}"
        tried.problems.extend(
            Problem(str(path), 1, 1, message.format(rule))
            for rule in rules
            if rule not in loaded.tried
        )
    for case in loaded.cases:
        tried.cases += 1
        failed = _try_case(case, str(path))
        if failed is not None:
            tried.failed.append(failed)
    return tried


def _try_case(case: Case, filename: str) -> FailedCase | None:
    try:
        happened = run(case)
    except BindError as error:
        found: tuple[Problem, ...] = (Problem(filename, case.line, case.column, str(error)),)
        return FailedCase(case.rule.id, case.name, found, ())
    found = tuple(
        Problem(filename, each.line, each.column, each.message) for each in failures(case, happened)
    )
    if not found:
        return None
    return FailedCase(case.rule.id, case.name, found, tuple(history(case, happened)))


def _rules(
    path: Path, text: str, catalog: Mapping[str, AssetType], problems: list[Problem]
) -> dict[str, Rule]:
    named = rule_files(text, str(path))
    if named is None:
        if not path.name.endswith(ENDING):
            message = f"name the rule file under rules, or end the name of this one with {ENDING}"
            problems.append(Problem(str(path), 1, 1, message))
            return {}
        named = [path.name.removesuffix(ENDING) + ".yaml"]
    rules: dict[str, Rule] = {}
    for name in named:
        file = path.parent / name
        written = _text(file)
        if isinstance(written, Problem):
            problems.append(written)
            continue
        loaded = load_rules(written, str(file), catalog)
        problems.extend(loaded.problems)
        for rule in loaded.rules:
            if rule.id in rules:
                message = f"rule {rule.id!r} stands in another of the tested files, too"
                problems.append(Problem(str(file), 1, 1, message))
            rules[rule.id] = rule
    return rules


def _text(path: Path) -> str | Problem:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Problem(str(path), 1, 1, f"can't be read: {reason}")


def _inside(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in _FOREIGN]
        yield from (Path(place, name) for name in files if name.endswith(ENDING))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _place(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }
