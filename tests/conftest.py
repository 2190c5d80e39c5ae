"""What every test may ask for; the fixtures themselves stand in the modules named here."""

import gc

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]


def pytest_unconfigure() -> None:
    """Let go of what would keep DuckDB's module alive past the end of the interpreter.

    Its binding (nanobind) then complains on standard error, after pytest's closing line.
    """
    gc.unfreeze()
    gc.callbacks[:] = [
        callback
        for callback in gc.callbacks
        if not getattr(callback, "__module__", "").startswith("hypothesis")
    ]
