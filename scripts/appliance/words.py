"""What the installer says, and how it refuses."""

import contextlib
import sys
from collections.abc import Sequence


class Refusal(Exception):
    """The installer does not go on; `problems` lists each reason, and what to do."""

    def __init__(self, text: str, problems: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.problems = list(problems)


def say(line: str) -> None:
    """Print one line at once, also into a pipe; a terminal that is gone is no reason to stop."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
