"""Chatter and floods are looked at by the receipt clock, and only as long as there may be any."""

from core.clock import MICROS, from_micros
from ingest.committing import Committed
from ingest.pipeline import Batch
from ingest.quieting import Quieting
from ingest.receipt_clock import ReceiptClock
from workflows.alarms import SETTLE_AFTER

START = 1_800_000_000 * MICROS


def looked(quieting: Quieting, receipt: int) -> Batch:
    batch = Batch()
    quieting.look(batch, receipt)
    return batch


def test_it_looks_until_nothing_is_left_and_again_after_new_findings() -> None:
    clock = ReceiptClock()
    clock.begin(START)
    quieting = Quieting(clock)
    first = looked(quieting, START)
    assert first.quiet_since == from_micros(START - SETTLE_AFTER)
    assert first.decided
    quieting.committed(first, Committed(unsettled=1))
    assert not looked(quieting, START + MICROS).decided
    second = looked(quieting, START + 15 * MICROS)
    assert second.decided
    quieting.committed(second, Committed(unsettled=0))
    assert not looked(quieting, START + 60 * MICROS).decided


def test_quiet_is_not_what_went_by_while_we_did_not_listen() -> None:
    clock = ReceiptClock([(START, START + 3600 * MICROS)])
    clock.begin(START + 3660 * MICROS)
    batch = looked(Quieting(clock), clock.now())
    assert batch.quiet_since == from_micros(START + 60 * MICROS - SETTLE_AFTER)
