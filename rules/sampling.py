"""Whether a rule's times fit how often its points are heard.

A delay shorter than the time between two readings is none: the value holds until the next reading,
so one reading decides. A window that holds one reading is none either.
"""

from collections.abc import Iterator, Mapping

from rules.durations import format_duration
from rules.expression import Expression, Group
from rules.expression.nodes import walk
from rules.expression.silence import Silence
from rules.rule import Delay, Rule
from rules.wording import Message, worded

# What can be told of a window that holds a single reading, or none.
_EASY = frozenset({"changes", "since", "max", "min", "count"})


def too_quick(rule: Rule, intervals: Mapping[str, int]) -> list[tuple[str, Message]]:
    """What in a rule is quicker than its points: the key, and what to write instead.

    intervals: µs between two readings, of those that have an expected interval: by point code, and
    of the other assets that it asks about, by `asked_as`, the shortest.
    """
    found: list[tuple[str, Message]] = []
    conditions = {"when": rule.when, "clear_when": rule.clear_when}
    delays = {"for": rule.on_delay, "clear_for": rule.off_delay}
    clear = rule.clear_when or rule.when
    for (key, delay), condition in zip(delays.items(), (rule.when, clear), strict=True):
        found += ((key, text) for text in _delay(delay, condition, intervals))
    for key, each in conditions.items():
        if each is not None:
            found += ((key, text) for text in _windows(each, intervals))
            found += ((key, text) for text in _ages(each, intervals))
    return found


def asked_as(group: Group, code: str) -> str:
    """What a point of other assets is called where a rule asks about them: `pump.running`."""
    return f"{group.branch.asset_type}.{code}"


def _delay(delay: Delay, condition: Expression, intervals: Mapping[str, int]) -> Iterator[Message]:
    others = [asked_as(group, point.code) for group in condition.groups for point in group.points]
    named = [*(point.code for point in condition.points), *others]
    known = [(intervals[name], name) for name in named if intervals.get(name)]
    if not known or not delay.microseconds or condition.on_receipt_clock:
        return
    interval, code = min(known)
    if delay.microseconds >= interval:
        return
    least = format_duration(2 * interval)
    # Readings of a window, or of any other asset, don't tell how often this one was heard.
    write = (
        worded("at least %(least)s", least=least)
        if condition.looks or others
        else worded("2 readings, or at least %(least)s", least=least)
    )
    yield worded(
        "%(delay)s is shorter than the %(interval)s between two readings of %(point)s, so a single"
        " reading would decide; write %(write)s",
        delay=str(delay),
        interval=format_duration(interval),
        point=code,
        write=write,
    )


def _windows(condition: Expression, intervals: Mapping[str, int]) -> Iterator[Message]:
    for look in condition.looks:
        if not look.span:
            # Hours and baselines have none.
            continue
        code = condition.points[look.index].code
        interval = intervals.get(code, 0)
        wanted = interval if look.measure in _EASY else 2 * interval
        if look.measure == "since" or look.span >= wanted:
            continue
        yield worded(
            "%(window)s is too short for a point that is heard every %(interval)s; write at least"
            " %(least)s",
            window=f"{look.measure}({code}, {format_duration(look.span)})",
            interval=format_duration(interval),
            least=format_duration(3 * interval),
        )


def _ages(condition: Expression, intervals: Mapping[str, int]) -> Iterator[Message]:
    for node in walk(condition.root):
        if not isinstance(node, Silence) or node.index is None:
            continue
        code = condition.points[node.index].code
        interval = intervals.get(code, 0)
        if node.limit <= interval:
            yield worded(
                "%(age)s passes %(limit)s before each reading, since %(point)s is heard every"
                " %(interval)s; write at least %(least)s",
                age=node.name,
                limit=format_duration(node.limit),
                point=code,
                interval=format_duration(interval),
                least=format_duration(2 * interval),
            )
