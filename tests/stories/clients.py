"""Programs of others that speak to the product: started, listened to, and ended."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import bound_to_this_process
from tests.servers.product import Product, until

# Each waits for programs of others on a busy machine.
LIMIT = 120.0


class Client:
    """A program of somebody else, and what it says."""

    def __init__(self, process: subprocess.Popen[str], said: Path) -> None:
        self._process = process
        self._said = said

    @property
    def said(self) -> str:
        """Everything that it has written."""
        return self._said.read_text(errors="replace")

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """What it has written when it has written this."""
        until(lambda: words in self.said, LIMIT, lambda: f"{words!r} not in: {self.said[-3000:]}")
        return self.said


@contextmanager
def client(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Client]:
    """A running client in a folder of its own, which ends with the block."""
    folder.mkdir(exist_ok=True)
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            bound_to_this_process(list(command)),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment,
        )
    try:
        yield Client(process, folder / "said")
    finally:
        process.kill()
        process.communicate()


def has_ticket(product: Product, rule: str, asset: str) -> Callable[[], bool]:
    """Asks whether a rule opened a ticket for an asset, by their codes."""
    return lambda: any((row.rule, row.asset) == (rule, asset) for row in product.tickets())
