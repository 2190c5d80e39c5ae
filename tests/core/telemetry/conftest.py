"""What the telemetry tests need around them."""

import gc


def pytest_unconfigure() -> None:
    """Take Hypothesis's callback from the garbage collector before the interpreter ends.

    It keeps DuckDB's module from being collected, which then prints a warning of its own after
    pytest's closing line.
    """
    gc.callbacks[:] = [
        callback
        for callback in gc.callbacks
        if not getattr(callback, "__module__", "").startswith("hypothesis")
    ]
