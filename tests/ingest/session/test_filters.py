"""Topic filters."""

import pytest

from ingest.session.filters import covers, is_valid, without_covered


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
