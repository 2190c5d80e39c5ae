"""Judging a round: every detector, each for itself."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from workflows.patrol.honesty import clocks, counters, pace, phones
from workflows.patrol.honesty.touches import Case, Finding

Detector = Callable[[Case], Iterator[Finding]]
DETECTORS: Final[Sequence[Detector]] = (
    pace.impossible_speed,
    pace.burst,
    pace.flown_through,
    counters.harvest,
    counters.replay,
    phones.one_phone_as_two,
    phones.two_phones,
    clocks.set_clock,
    counters.copied_photo,
)


def judge(case: Case) -> list[Finding]:
    """Everything that speaks against a round as it is told. Pure: the same case, the same marks."""
    return [finding for detector in DETECTORS for finding in detector(case)]
