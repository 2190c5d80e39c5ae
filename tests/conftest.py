"""What every test may ask for; the fixtures themselves stand in the modules named here."""

import gc
import os
import sys

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]


def pytest_unconfigure() -> None:
    """Leave the garbage collector as Python gave it, and pytest's closing line the last one.

    What hypothesis hangs into the collector and what ingest has set aside keep DuckDB's module
    alive past the end of the interpreter, and in a run of everything something else does too. Its
    binding (nanobind) then complains, long after everything of the tests was said.
    """
    gc.unfreeze()
    gc.callbacks[:] = [
        callback
        for callback in gc.callbacks
        if not getattr(callback, "__module__", "").startswith("hypothesis")
    ]
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
