"""Topic filters."""

import pytest

from ingest.session.filters import Topics, covers, is_valid, overlap, without_covered


@pytest.mark.parametrize(
    "good", ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "+/+/#", "$SYS/#", "楼/1"]
)
def test_valid_filters(good: str) -> None:
    assert is_valid(good)


@pytest.mark.parametrize("bad", ["", "a#", "#/a", "a/#/b", "a+", "a/b+/c", "a\0b", "x" * 65_536])
def test_filters_that_are_not_valid(bad: str) -> None:
    assert not is_valid(bad)


@pytest.mark.parametrize(
    ("general", "special"),
    [("#", "a/b"), ("a/#", "a"), ("a/#", "a/b/#"), ("a/+", "a/b"), ("+/+", "a/+"), ("a", "a")],
)
def test_a_wider_filter_covers_a_narrower_one(general: str, special: str) -> None:
    assert covers(general, special)


@pytest.mark.parametrize(
    ("general", "special"),
    [
        ("a/b", "a/+"),
        ("a/+", "a/#"),
        ("a/+", "a"),
        ("#", "$SYS/x"),
        ("+/x", "$SYS/x"),
        ("a", "a/b"),
    ],
)
def test_a_filter_that_leaves_something_out_does_not_cover(general: str, special: str) -> None:
    assert not covers(general, special)


def test_covered_filters_are_left_out_in_order() -> None:
    assert without_covered(["b/+", "a/1", "a/#", "b/2", "a/#", "c"]) == ("b/+", "a/#", "c")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("#", "a/b"),
        ("a/#", "a"),
        ("a/+/c", "a/b/#"),
        ("a/+/c", "+/b/c"),
        ("a", "a"),
        ("$a/#", "$a/b"),
    ],
)
def test_filters_that_have_a_topic_in_common_overlap(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        ("a/+", "a"),
        ("a/+", "a/b/c"),
        ("a/+/c", "a/b/d"),
        ("#", "$SYS/#"),
        ("a/#", "b/#"),
    ],
)
def test_filters_without_a_topic_in_common_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)


def test_filters_take_their_topics_and_no_others() -> None:
    topics = Topics(["a/+/c", "b", "d/#", "楼/1", "not#valid"])
    for _ in range(2):
        for taken in ("a/b/c", "b", "d", "d/e/f", "楼/1"):
            assert topics.take(taken.encode())
        for other in ("a/b", "b/c", "c", "not#valid", "楼"):
            assert not topics.take(other.encode())
    assert not topics.take(b"\xff")
