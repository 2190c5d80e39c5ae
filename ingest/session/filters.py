"""Topic filters: which are valid (MQTT 3.1.1, section 4.7) and which another one already covers."""

from collections.abc import Iterable

_LONGEST = 65_535


def is_valid(topic_filter: str) -> bool:
    """Whether a broker has to accept this filter; some brokers hang up on one that isn't valid."""
    if not 0 < len(topic_filter.encode("utf-8", "replace")) <= _LONGEST or "\0" in topic_filter:
        return False
    *leading, last = topic_filter.split("/")
    return (last == "#" or _is_level(last)) and all(map(_is_level, leading))


def _is_level(level: str) -> bool:
    return level == "+" or not ("+" in level or "#" in level)


def covers(general: str, special: str) -> bool:
    """Whether every topic that `special` matches is matched by `general` too."""
    if special.startswith("$") != general.startswith("$"):
        return False
    wide, narrow = general.split("/"), special.split("/")
    for index, level in enumerate(wide):
        if level == "#":
            return True
        if index >= len(narrow) or narrow[index] == "#":
            return False
        if level != "+" and level != narrow[index]:
            return False
    return len(wide) == len(narrow)


def without_covered(filters: Iterable[str]) -> tuple[str, ...]:
    """The same topics by fewer filters, in order: NATS delivers a message once a filter."""
    kept = tuple(dict.fromkeys(filters))
    return tuple(
        one for one in kept if not any(other != one and covers(other, one) for other in kept)
    )
