"""Ten minutes of people and sensors on PostgreSQL; SOAK_MINUTES and SOAK_SEED choose others."""

import os
import sys
from pathlib import Path

import pytest

from proof.soak import run, slope, tell

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
# KiB a minute: less than that a run of ten minutes can't tell from how an allocator breathes.
GROWTH_KIB = 512.0
# A shorter run is all warming up, whose slope says nothing.
LONG_ENOUGH = 8.0


@pytest.mark.timeout(int(MINUTES * 60) + 1200)
def test_people_and_sensors_meet_no_error_no_deadlock_and_no_leak(tmp_path: Path) -> None:
    result = run(tmp_path, MINUTES, SEED)
    sys.stdout.write(f"\n{tell(result)}\n")
    assert result.errors == {}
    assert result.deadlocks == 0
    assert result.logged == []
    assert result.requests > 0
    assert result.tickets > 0
    if MINUTES >= LONG_ENOUGH:
        assert {name: kib for name, kib in result.slopes.items() if kib > GROWTH_KIB} == {}


def test_a_slope_is_seen_after_warming_up() -> None:
    warming = [float(mib) for mib in range(40)]
    assert slope([*warming, *[40.0] * 60]) == pytest.approx(0)
    # 1 MiB a second is 60 MiB a minute.
    assert slope([float(mib) for mib in range(100)]) == pytest.approx(60 * 1024)
