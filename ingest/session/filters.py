"""Topic filters: which are valid (MQTT 3.1.1, section 4.7) and which another one already covers."""

from collections.abc import Iterable
from itertools import zip_longest

_LONGEST = 65_535
# So many topics are kept with the answer whether they are wanted.
_MOST_KNOWN = 200_000


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
    wide = [one for one in kept if "+" in one or "#" in one]
    return tuple(
        one for one in kept if not any(other != one and covers(other, one) for other in wide)
    )


def overlap(one: str, other: str) -> bool:
    """Whether there is a topic that both filters match."""
    if one.startswith("$") != other.startswith("$"):
        return False
    for level, beside in zip_longest(one.split("/"), other.split("/")):
        if "#" in (level, beside):
            return True
        if level != beside and (None in (level, beside) or "+" not in (level, beside)):
            return False
    return True


class Topics:
    """The topics that some filters take. taken: those of them that were asked for already."""

    def __init__(self, filters: Iterable[str]) -> None:
        every = [one for one in filters if is_valid(one)]
        # What is discovered names thousands of single topics, and few patterns.
        self._single = frozenset(one.encode() for one in every)
        self._patterns = [one for one in every if "+" in one or "#" in one]
        self.taken = set[bytes]()
        self._left = set[bytes]()

    def take(self, topic: bytes) -> bool:
        """Whether one of the filters takes it."""
        if topic in self.taken:
            return True
        if topic in self._left:
            return False
        name = topic.decode("utf-8", "replace")
        takes = topic in self._single or any(covers(one, name) for one in self._patterns)
        known = self.taken if takes else self._left
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known.add(topic)
        return takes
