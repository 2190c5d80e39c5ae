"""Honesty, with fairness: what speaks against a round is marked, answered and decided."""

from workflows.patrol.honesty.answering import (
    DECISIONS,
    LONGEST_WORDS,
    answer_mark,
    decide_mark,
)
from workflows.patrol.honesty.marking import (
    check_later,
    check_round,
    look_into,
    rounds_to_check,
)
from workflows.patrol.honesty.model import KINDS, MARK, PatrolMark
from workflows.patrol.honesty.reading import KEY, STATES, MarkFilter, describe_mark, list_marks
from workflows.patrol.honesty.walking import FASTEST_M_S

__all__ = [
    "DECISIONS",
    "FASTEST_M_S",
    "KEY",
    "KINDS",
    "LONGEST_WORDS",
    "MARK",
    "STATES",
    "MarkFilter",
    "PatrolMark",
    "answer_mark",
    "check_later",
    "check_round",
    "decide_mark",
    "describe_mark",
    "list_marks",
    "look_into",
    "rounds_to_check",
]
