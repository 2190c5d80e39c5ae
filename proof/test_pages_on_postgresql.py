"""The tests of the pages, which `make test` runs on SQLite, on PostgreSQL."""

import os
import subprocess
import sys

import pytest

from tests.appliance.stage import ROOT

# Reads and writes the file of SQLite itself.
OF_SQLITE = ("tests/web/guard/test_bad_cases.py",)


@pytest.mark.timeout(5400)
def test_the_pages_work_on_postgresql() -> None:
    words = ["-q", "-n", "2", "--dist", "loadfile", "tests/web", "tests/api"]
    words += [f"--ignore={file}" for file in OF_SQLITE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=os.environ | {"STAGE": "postgresql"},
        check=False,
    )
    assert done.returncode == 0
