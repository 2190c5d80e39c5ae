"""Comparing texts: as difflib does, in no time whatever the texts are."""

import time
from difflib import SequenceMatcher
from random import Random

import pytest

from core.text_diff import CONTEXT, _grouped, _opcodes, compare


@pytest.mark.parametrize("seed", range(30))
def test_changes_are_grouped_as_difflib_groups_them(seed: int) -> None:
    chance = Random(seed)
    before = [str(chance.randrange(1000)) for _ in range(chance.randrange(60))]
    after = [line for line in before if chance.random() > 0.1]
    for _ in range(chance.randrange(4)):
        after.insert(chance.randrange(len(after) + 1), "new")
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    ours = list(_grouped(_opcodes(before, after, 100)))
    if before != after:
        assert ours == list(matcher.get_grouped_opcodes(CONTEXT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#\n" * 10_000, "#\n" * 9_999 + "x\n"),
        ("a b " * 5_000, "a c " * 5_000),
        ("a\nb\n" * 5_000, "b\nb\na\n" * 3_300),
    ],
    ids=["one of many", "one line", "many lines"],
)
def test_texts_that_are_all_alike_are_compared_in_no_time(old: str, new: str) -> None:
    # The time of this thread alone: a busy machine takes none of it away.
    began = time.thread_time()
    lines = compare(old, new)
    assert time.thread_time() - began < 5
    shown = ["".join(text for text, _ in line.parts) for line in lines if line.kind == "added"]
    assert shown
    assert all(each in new for each in shown)


def test_a_changed_line_shows_its_changed_words() -> None:
    [_, old, new] = compare("a\nlimit: 75 °C\n", "a\nlimit: 70 °C\n")
    assert [text for text, changed in old.parts if changed] == ["75"]
    assert [text for text, changed in new.parts if changed] == ["70"]
