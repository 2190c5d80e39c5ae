"""Which filters a broker is asked for, and when one is given up."""

from typing import Any, cast

from ingest.session.subscriptions import Subscriptions


class Asked:
    """Notes what a client is told to ask for."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def subscribe(self, filters: list[tuple[str, int]]) -> tuple[int, None]:
        self._said += [f"+{one} {qos}" for one, qos in filters]
        return 0, None

    def unsubscribe(self, filters: list[str]) -> tuple[int, None]:
        self._said += [f"-{one}" for one in filters]
        return 0, None

    def by(
        self, subscriptions: Subscriptions, wanted: list[str] | None, *, calm: bool
    ) -> list[str]:
        """What is asked for now."""
        if wanted is not None:
            subscriptions.want(wanted)
        self._said = []
        subscriptions.renew(cast(Any, self), calm=calm)
        return self._said


def test_several_filters_become_one_that_stays() -> None:
    asked, ours = Asked(), Subscriptions(["a/#"], together=True)
    assert asked.by(ours, None, calm=False) == ["+a/# 1"]
    assert asked.by(ours, ["a/#", "b/#", "$c/#"], calm=False) == ["+b/# 1", "+$c/# 1"]
    assert asked.by(ours, None, calm=False) == []
    assert asked.by(ours, None, calm=True) == ["+# 1"]
    # What waits for them would be lost; and "b/#" keeps its queue until then, wanted or not.
    assert asked.by(ours, ["a/#", "$c/#"], calm=False) == []
    assert asked.by(ours, ["a/#", "b/#", "d", "$c/#"], calm=False) == ["+d 0", "-d"]
    assert asked.by(ours, None, calm=True) == ["-a/#", "-b/#"]
    assert asked.by(ours, ["a/#"], calm=True) == ["-$c/#"]
    ours.restart()
    assert asked.by(ours, None, calm=False) == ["+# 1"]


def test_filters_that_are_not_taken_together_come_and_go_by_themselves() -> None:
    asked, ours = Asked(), Subscriptions(["a/#"], ["a/1", "old"])
    assert asked.by(ours, None, calm=False) == ["+a/# 1", "-a/1", "-old"]
    assert asked.by(ours, ["a/#", "b"], calm=True) == ["+b 1"]
    assert asked.by(ours, ["b"], calm=False) == ["-a/#"]


def test_filters_of_earlier_runs_stand_until_nothing_waits_for_them() -> None:
    asked, ours = Asked(), Subscriptions(["a/#", "b/#"], ["a/#", "b/#"], together=True)
    assert asked.by(ours, None, calm=False) == ["+a/# 1", "+b/# 1"]
    merged = Subscriptions(["a/#", "b/#"], ["#", "a/#", "b/#", "gone"], together=True)
    assert asked.by(merged, None, calm=False) == ["+# 1"]
    assert set(merged.held) == {"#", "a/#", "b/#", "gone"}
    assert asked.by(merged, None, calm=True) == ["-a/#", "-b/#", "-gone"]
    assert set(merged.held) == {"#"}


def test_a_filter_that_another_one_covers_is_none_to_merge() -> None:
    ours = Subscriptions([], together=True)
    assert not ours.merges(["wk/v1/#", "wk/v1/works/#", "no#filter", "$SYS/#"])
    assert ours.merges(["wk/v1/#", "tele/#"])
    assert not Subscriptions([]).merges(["wk/v1/#", "tele/#"])
