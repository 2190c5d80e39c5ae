"""The drawn tests over histories that nobody has tried: `make test` draws the same ones always."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEARCH = ("-m", "hypothesis", "--hypothesis-profile=search", "--hypothesis-show-statistics")


def test_histories_drawn_anew_hold_as_well() -> None:
    # In a process of its own: this one has the fixtures of the campaigns.
    command = [sys.executable, "-m", "pytest", "-q", "tests", "-n", "4", *SEARCH]
    subprocess.run(command, cwd=ROOT, check=True)
