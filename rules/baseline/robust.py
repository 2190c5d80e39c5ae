"""Medians and their like over a few numbers: what one wild value can't move."""

from collections.abc import Sequence

# Makes the median absolute deviation of a normal distribution its standard deviation.
MAD_TO_SIGMA = 1.4826


def median(values: Sequence[float]) -> float:
    """The middle of `values`, which must not be empty."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def deviation(values: Sequence[float], centre: float) -> float:
    """The usual distance from `centre`, as a standard deviation."""
    return MAD_TO_SIGMA * median([abs(value - centre) for value in values])


def middle_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and highest quarter."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)


def upper_deviation(values: Sequence[float], centre: float) -> float:
    """The usual distance of the upper half of `values` from `centre`, as a standard deviation.

    Half of them by rank: where most are equal, a single one above says nothing.
    """
    upper = sorted(values)[len(values) // 2 :]
    return MAD_TO_SIGMA * (median(upper) - centre)
