"""The demo's guard: rounds on the quarter, in order, with a checkpoint left out now and then."""

import json
from collections import defaultdict
from random import Random

from simulators.demo.patrol import CARD, EVERY_S, READERS, Guard

START = 1_795_000_000.0


def test_rounds_are_gone_in_order_and_some_leave_one_out() -> None:
    guard = Guard("riverside", START, Random("one"))
    rounds = defaultdict[int, list[str]](list)
    now = START
    for _ in range(40 * EVERY_S // 10):
        now += 10
        for scan in guard.scans(now):
            body = json.loads(scan.payload)
            assert body["guard"] == CARD
            assert now - 10 < body["ts"] <= now
            assert body["ts"] % EVERY_S < 10 * 60
            rounds[int(body["ts"] // EVERY_S)].append(scan.topic.split("/")[3])
    whole = [reader.code for reader in READERS]
    assert len(rounds) == 40
    assert all(gone == sorted(gone) for gone in rounds.values())
    left_out = [number for number, gone in rounds.items() if gone != whole]
    assert 2 <= len(left_out) <= 16
    assert all(len(rounds[number]) == len(whole) - 1 for number in left_out)


def test_a_guard_who_is_asked_late_tells_what_happened_meanwhile() -> None:
    guard = Guard("riverside", START, Random("two"))
    assert guard.scans(START) == []
    late = guard.scans(START + 3 * EVERY_S)
    assert len(late) >= 8
    assert guard.scans(START + 3 * EVERY_S) == []
