"""The evidence of a mark as a picture: when scans were made and came, and how long ways took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.patrol.honesty import FASTEST_M_S

# The picture is so wide; a stylesheet makes it as wide as the page.
WIDTH, MARGIN = 1000.0, 20.0
# What came so much later is told in words, or the rest would be one dot.
_FAR_S = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A scan. x: when, by the scanner; received_x: when it came, none where far outside."""

    x: float
    received_x: float | None
    asked: bool
    others: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """Scans along the time from begins to ends."""

    begins: datetime
    ends: datetime
    dots: Sequence[Dot]

    @property
    def has_receipts(self) -> bool:
        """Whether it shows when scans came."""
        return any(dot.received_x is not None for dot in self.dots)


@dataclass(frozen=True, slots=True)
class Way:
    """A way between two scans. riding_s: as fast as nobody is, where nothing is usual yet.

    share, usual_share: of the longest, in percent.
    """

    start: Mapping[str, Any]
    end: Mapping[str, Any]
    seconds: float
    usual_s: int | None
    metres: int | None
    riding_s: float | None
    share: float
    usual_share: float


def strip_of(scans: Sequence[Mapping[str, Any]], *, receipts: bool) -> Strip | None:
    """All scans of a mark on one line of time; none without any. receipts: also when they came."""
    if not scans:
        return None
    told = [scan["occurred_at"] for scan in scans]
    begins, ends = min(told), max(told)
    near = [
        scan["received_at"]
        for scan in scans
        if receipts
        if abs((scan["received_at"] - ends).total_seconds()) <= _FAR_S
        or begins <= scan["received_at"] <= ends
    ]
    begins, ends = min([begins, *near]), max([ends, *near])
    whole = max((ends - begins).total_seconds(), 1.0)

    def place(moment: datetime) -> float:
        share: float = (moment - begins).total_seconds() / whole
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    dots = [
        Dot(
            place(scan["occurred_at"]),
            place(scan["received_at"])
            if receipts and begins <= scan["received_at"] <= ends
            else None,
            scan["asked"],
            scan["others"],
        )
        for scan in scans
    ]
    return Strip(begins, ends, dots)


def ways_of(mark: Mapping[str, Any]) -> list[Way]:
    """The ways that the evidence names, each once."""
    scans = {str(scan["id"]): scan for scan in mark["shown"]}
    legs = {
        (leg["from"], leg["to"]): leg
        for one in mark["evidence"]
        for leg in one.get("legs", ())
        if leg["from"] in scans and leg["to"] in scans
    }
    longest = max((max(leg["seconds"], _held_against(leg)) for leg in legs.values()), default=1.0)
    return [
        Way(
            scans[start],
            scans[end],
            leg["seconds"],
            leg["usual_s"],
            leg["metres"],
            None if leg["metres"] is None else leg["metres"] / FASTEST_M_S,
            _share(leg["seconds"], longest),
            _share(_held_against(leg), longest),
        )
        for (start, end), leg in legs.items()
    ]


def _held_against(leg: Mapping[str, Any]) -> float:
    """The seconds that a way is compared with: the usual ones, else those of the distance."""
    usual, metres = leg["usual_s"], leg["metres"]
    return float(usual if usual is not None else (metres or 0) / FASTEST_M_S)


def _share(seconds: float, longest: float) -> float:
    return round(100 * seconds / max(longest, 1.0), 1)


def facts_of(mark: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What else the evidence says, one line each, by what it is about."""
    for one in mark["evidence"]:
        for tap in one.get("taps", ()):
            moment = datetime.fromisoformat(tap["earlier_received_at"])
            yield "tap", {**tap, "moment": moment}
        for picture in one.get("pictures", ()):
            yield "picture", {**picture, "at": datetime.fromisoformat(picture["earlier_at"])}
        if "how" in one:
            worst = max(one["scans"].values(), key=abs)
            yield "clock", {"how": one["how"], "off_s": worst, "usual_s": one["usual_s"]}
        if "phones" in one:
            yield "phones", {"phones": len(one["phones"]), "changes": one["changes"]}
        if "others" in one:
            yield "others", {"count": len(one["others"])}
        if "spent_s" in one:
            yield "whole", one
