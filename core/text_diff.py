"""What differs between two texts: line by line, and within a changed line word by word."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# A Chinese sign is a word of its own: these texts put no blanks between words.
_WORDS = re.compile(r"\s+|[a-zA-Z0-9_.]+|.", re.DOTALL)
CONTEXT = 3
# What is longer is shown as taken out and put in whole: to match thousands of lines, or words of
# one line, that are much alike takes minutes.
MOST_LINES, MOST_WORDS = 600, 400
Opcode = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison. kind: same, removed, added, or skipped (some left out).

    parts: its text in pieces, each with whether just this piece differs.
    old, new: its number in either text, where it stands there.
    """

    kind: str
    parts: tuple[tuple[str, bool], ...]
    old: int | None = None
    new: int | None = None


def compare(old: str, new: str) -> list[Line]:
    """The lines of two texts as one list; empty when they are the same."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    lines: list[Line] = []
    end = 0
    for group in _grouped(_opcodes(before, after, MOST_LINES)):
        if group[0][1] > end:
            lines.append(Line("skipped", ()))
        for tag, low, high, begin, until in group:
            if tag == "equal":
                lines += _same(before, low, high, begin)
            else:
                lines += _changed(before[low:high], after[begin:until], low, begin)
        end = group[-1][2]
    if end < len(before):
        lines.append(Line("skipped", ()))
    return lines


def _opcodes(before: Sequence[str], after: Sequence[str], most: int) -> list[Opcode]:
    """As difflib has them, between what both begin and end with; longer than `most`, as one."""
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    rest = range(1, shorter - head + 1)
    tail = next((at - 1 for at in rest if before[-at] != after[-at]), shorter - head)
    olds, news = before[head : len(before) - tail], after[head : len(after) - tail]
    middle: Iterable[Opcode] = [("replace", 0, len(olds), 0, len(news))]
    if max(len(olds), len(news)) <= most:
        middle = SequenceMatcher(None, olds, news, autojunk=False).get_opcodes()
    found = [
        ("equal", 0, head, 0, head),
        *((tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle),
        ("equal", len(before) - tail, len(before), len(after) - tail, len(after)),
    ]
    return [one for one in found if one[2] > one[1] or one[4] > one[3]]


def _grouped(opcodes: Sequence[Opcode]) -> Iterator[list[Opcode]]:
    """The changes with the lines around them; those that lie close together as one."""
    group: list[Opcode] = []
    for place, (tag, low, high, begin, until) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, low, high, begin, until))
            continue
        after = min(CONTEXT, high - low) if group else 0
        before = min(CONTEXT, high - low) if place + 1 < len(opcodes) else 0
        if group and before and high - low <= 2 * CONTEXT:
            group.append((tag, low, high, begin, until))
            continue
        if group:
            yield [*group, *([("equal", low, low + after, begin, begin + after)] if after else [])]
        group = [("equal", high - before, high, until - before, until)] if before else []
    if group:
        yield group


def _same(before: list[str], low: int, high: int, begin: int) -> list[Line]:
    return [
        Line("same", ((before[low + step], False),), low + step + 1, begin + step + 1)
        for step in range(high - low)
    ]


def _changed(removed: list[str], added: list[str], low: int, begin: int) -> list[Line]:
    olds: list[tuple[tuple[str, bool], ...]] = [((text, True),) for text in removed]
    news: list[tuple[tuple[str, bool], ...]] = [((text, True),) for text in added]
    for place in range(min(len(removed), len(added))):
        olds[place], news[place] = _by_words(removed[place], added[place])
    return [
        *(Line("removed", parts, old=low + at + 1) for at, parts in enumerate(olds)),
        *(Line("added", parts, new=begin + at + 1) for at, parts in enumerate(news)),
    ]


def _by_words(old: str, new: str) -> tuple[tuple[tuple[str, bool], ...], ...]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    olds: list[tuple[str, bool]] = []
    news: list[tuple[str, bool]] = []
    for tag, low, high, begin, until in _opcodes(before, after, MOST_WORDS):
        changed = tag != "equal"
        if high > low:
            olds.append(("".join(before[low:high]), changed))
        if until > begin:
            news.append(("".join(after[begin:until]), changed))
    return tuple(olds), tuple(news)
