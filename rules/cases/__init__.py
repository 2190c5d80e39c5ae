"""Cases that try rules: readings in, decisions out, on the engine that runs live."""

from rules.cases.case import Case, Expected, Step, StepKind
from rules.cases.document import LoadedCases, load_cases, rule_files
from rules.cases.judgement import Failure, failures, history
from rules.cases.run import run

__all__ = [
    "Case",
    "Expected",
    "Failure",
    "LoadedCases",
    "Step",
    "StepKind",
    "failures",
    "history",
    "load_cases",
    "rule_files",
    "run",
]
