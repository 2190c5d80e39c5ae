"""Who may change an appliance: one installer at a time, and no data under a product that runs."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from scripts.appliance.layout import Layout
from scripts.appliance.words import Refusal

# What `watchkeeper up` holds in its data folder.
_PRODUCT = "up.lock"


class Busy(Refusal):
    """Another installer is at work."""


@contextlib.contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Be the one installer of this machine for a while. Busy while another one is at work.

    The lock is the kernel's: however an installer ends, it holds nobody up afterwards.
    """
    with (layout.home / "install.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("another installation is under way; wait until it has ended") from None
        yield


def nobody_runs(layout: Layout) -> None:
    """Refusal while a product runs on the data, such as a trial whose installer was killed."""
    try:
        # The folder belongs to the product: what it put there is never followed elsewhere.
        descriptor = os.open(layout.data / _PRODUCT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(20).strip() or "another one"
            raise Refusal(f"process {holder} runs on {layout.data}; end it first") from None
