"""What windows tell of a point's past, at many instants at once; see `rules.windows`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rules.replay.columns import Integers, Numbers
from rules.replay.masks import About, Unlike

_EPSILON = 4e-16


@dataclass(frozen=True)
class Taken:
    """The readings of a point that were judged, oldest first: time, value, number of message."""

    at: Integers
    value: Numbers
    message: Integers

    @cached_property
    def _sums(self) -> tuple[Numbers, Numbers]:
        return _added(self.value), _added(self.value * self.value)

    @cached_property
    def _middle(self) -> float:
        return float(np.median(self.value)) if len(self.value) else 0.0

    @cached_property
    def _centred(self) -> "Taken":
        return Taken(self.at, self.value - self._middle, self.message)

    @cached_property
    def _changes(self) -> Integers:
        changed = np.append(False, self.value[1:] != self.value[:-1])[: len(self.value)]
        return np.append(0, np.cumsum(changed)).astype(np.int64)

    @cached_property
    def _error(self) -> tuple[float, float]:
        """How far a difference of two sums of values, or of squares, may be off."""
        many = len(self.value) * _EPSILON + _EPSILON
        return many * float(np.abs(self.value).sum()), many * float((self.value**2).sum())

    def tell(
        self, measure: str, span: int, now: Integers, end: Integers, *, events: bool = False
    ) -> About:
        """A measurement at instants `now`, when `end` readings had come; NaN = unknown.

        events: the readings are moments of an event.
        """
        end = np.asarray(end)
        first = np.minimum(np.searchsorted(self.at, now - span, side="right"), end)
        if events:
            return self._told_of_events(measure, first, end), 0.0
        known = first >= 1
        if measure == "since":
            # What has changed within the span did so however short the history is.
            known |= self._changed(first, end) > 0
        value, off = self._told(measure, span, first, end)
        if not isinstance(off, float):
            # Sums that left the range of numbers on the way say nothing; the engine's do not.
            lost = ~(np.isfinite(value) & np.isfinite(off)) & ((end > first) | (measure == "sum"))
            value, off = np.where(lost, 0.0, value), np.where(lost, np.inf, off)
        return np.where(known, value, np.nan), off

    def _told_of_events(self, measure: str, first: Integers, end: Integers) -> Numbers:
        number = (end - first).astype(np.float64)
        if measure == "count":
            return number
        if measure == "since":
            return np.where(number > 0, 0.0, np.where(first >= 1, 1.0, np.nan))
        raise Unlike(measure)

    def _told(self, measure: str, span: int, first: Integers, end: Integers) -> About:
        number = (end - first).astype(np.float64)
        match measure:
            case "count":
                return number, 0.0
            case "changes":
                return self._changed(first, end), 0.0
            case "since":
                return np.where(self._changed(first, end) > 0, 0.0, 1.0), 0.0
            case "stuck":
                changed = self._changed(first, end) > 0
                return np.where(changed, 0.0, np.where(number >= 2, 1.0, np.nan)), 0.0
            case "delta" | "rate":
                delta = np.where(number > 0, self._at(end - 1) - self._at(first - 1), 0.0)
                return (delta, 0.0) if measure == "delta" else (delta * 1e6 / span, 0.0)
            case "min" | "max":
                return self._extreme(measure == "min", first, end), 0.0
            case "avg" | "sum" | "stddev":
                return self._summed(measure, number, first, end)
        raise Unlike(measure)

    def _at(self, place: Integers) -> Numbers:
        values: Numbers = np.append(self.value, np.nan)[np.maximum(place, -1)]
        return values

    def _changed(self, first: Integers, end: Integers) -> Numbers:
        changed: Numbers = (self._changes[end] - self._changes[first]).astype(np.float64)
        return changed

    def _summed(self, measure: str, number: Numbers, first: Integers, end: Integers) -> About:
        if measure == "stddev":
            return self._centred._deviation(number, first, end)
        total = self._sums[0][end] - self._sums[0][first]
        off = np.full(len(total), self._error[0]) + np.abs(total) * _EPSILON
        if measure == "sum":
            return total, off
        number = np.where(number > 0, number, np.nan)
        return total / number, off / number + np.abs(total / number) * _EPSILON

    def _deviation(self, number: Numbers, first: Integers, end: Integers) -> About:
        number = np.where(number > 0, number, np.nan)
        mean = (self._sums[0][end] - self._sums[0][first]) / number
        squares = (self._sums[1][end] - self._sums[1][first]) / number
        spread = np.maximum(squares - mean * mean, 0.0)
        off = (self._error[1] + 2 * np.abs(mean) * self._error[0]) / number
        off = off + (self._error[0] / number) ** 2 + squares * 4 * _EPSILON
        deviation = np.sqrt(spread)
        # Of a root, whichever bound is the closer one.
        root = np.sqrt(off)
        with np.errstate(divide="ignore", invalid="ignore"):
            closer = np.fmin(root, off / deviation)
        return deviation, closer + deviation * _EPSILON

    def _extreme(self, lowest: bool, first: Integers, end: Integers) -> Numbers:
        """Over the readings of the window and the one before, which holds at its beginning."""
        first = np.maximum(first - 1, 0)
        length = np.maximum(end - first, 1)
        level = np.frexp(length.astype(np.float64))[1] - 1
        pick = np.minimum if lowest else np.maximum
        found = np.full(len(first), np.nan)
        table = np.append(self.value, np.nan)
        for step in range(int(level.max(initial=0)) + 1):
            here = level == step
            starts = first[here]
            other = np.maximum(end[here] - (1 << step), starts)
            found[here] = pick(table[starts], table[np.minimum(other, len(table) - 1)])
            wide = 1 << step
            if len(table) > wide:
                table = np.append(pick(table[:-wide], table[wide:]), np.full(wide, np.nan))
        return found


def _added(values: Numbers) -> Numbers:
    total: Numbers = np.append(0.0, np.cumsum(values))
    return total
