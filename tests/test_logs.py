"""What the log says of an error, and what it keeps to itself."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from core.settings import load
from watchkeeper.logs import set_up_logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Put logging back as other tests expect it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_holds_no_value_of_a_variable(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(load(log_format=form))

    def sign_in(password: str) -> None:
        raise ValueError(f"{len(password)} letters did not help")

    secret = " ".join(["three", "quiet", "pumps"])
    try:
        sign_in(secret)
    except ValueError:
        structlog.get_logger("test").exception("it failed")
    said = capsys.readouterr().err
    assert "letters did not help" in said
    assert "sign_in" in said
    assert secret not in said
