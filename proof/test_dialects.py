"""A million broken messages for every decoder: none lets an exception escape, all can be used.

DIALECT_INPUTS says how many; DIALECT_SEED where the seeds begin.
"""

import os
import sys
import time

import pytest

from ingest.dialects import DECODERS
from tests.ingest.dialects.fuzzing import feed

INPUTS = int(os.environ.get("DIALECT_INPUTS", "1000000"))
SEED = int(os.environ.get("DIALECT_SEED", "0"))
_EACH = 20_000


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dialect", sorted(DECODERS))
def test_a_million_broken_messages_stop_nothing(
    dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.perf_counter()
    ends: dict[str, int] = {}
    done = 0
    for seed in range(SEED, SEED + -(-INPUTS // _EACH)):
        count = min(_EACH, INPUTS - done)
        for end, found in feed(dialect, count, seed).items():
            ends[end] = ends.get(end, 0) + found
        done += count
    took = time.perf_counter() - begin
    words = ", ".join(f"{found} {end}" for end, found in ends.items())
    with capsys.disabled():
        sys.stdout.write(f"\n{dialect}: {done} inputs in {took:.0f} s ({words})\n")
    assert sum(ends.values()) == done == INPUTS
    # Broken as they are, many still tell something: the decoder was reached.
    assert ends["told"] > INPUTS // 50
