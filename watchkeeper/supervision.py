"""Word to the service manager: ready, alive, stopping; systemd's sd_notify(3), without its library.

Without a manager (no $NOTIFY_SOCKET) nothing is said.
"""

import os
import socket

import structlog

log = structlog.get_logger(__name__)

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


def tell(*words: str) -> None:
    """Send assignments such as READY=1 or STATUS=…; a manager that is away is no reason to end."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ is in the abstract namespace: a zero byte instead.
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
            speaking.settimeout(1)
            speaking.connect(name)
            speaking.sendall("\n".join(words).encode())
    except OSError as error:
        log.warning("the service manager was not told", error=str(error))
