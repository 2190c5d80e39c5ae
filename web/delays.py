"""How long something must last, as people say it."""

from babel.units import format_unit

from rules.durations import DAY, HOUR, MINUTE, SECOND, format_duration, parse_duration
from web.languages import locale_of, mark
from web.reader import Reader

_LENGTHS = {"day": DAY, "hour": HOUR, "minute": MINUTE, "second": SECOND}


def delay_told(reader: Reader, delay: str) -> str:
    """A delay as rules write it (`2m`, `3 readings`) in the reader's language."""
    count, _, word = delay.partition(" ")
    if word:
        return reader.translate(mark("%(count)s readings in a row"), count=count)
    return duration_told(reader, delay)


def duration_told(reader: Reader, text: str) -> str:
    """`1h30m` in words, to the second: what is beside it doesn't need the microseconds."""
    rest = parse_duration(text)
    if rest < SECOND:
        return format_duration(rest)
    rest = round(rest / SECOND) * SECOND
    parts = []
    for unit, length in _LENGTHS.items():
        count, rest = divmod(rest, length)
        if count:
            locale = locale_of(reader.language)
            parts.append(format_unit(count, f"duration-{unit}", "short", locale=locale))
    return " ".join(parts)
