"""Strips: what lasted, as bars along a stretch of time. Times in µs."""

# A strip is drawn in so many units from its beginning to its end.
WIDTH = 1000
_LEAST = 3


def bar(tripped: int, cleared: int | None, begin: int, end: int) -> tuple[float, float]:
    """Where a bar begins and how long it is; as wide as can be seen, however short it was."""
    length = max(end - begin, 1)
    first = max(0, tripped - begin) / length * WIDTH
    last = (min(cleared or end, end) - begin) / length * WIDTH
    return round(min(first, WIDTH - _LEAST), 1), round(max(last - first, _LEAST), 1)
