"""Whether the role that runs here is well: what a container's health check asks, quickly.

`python -m watchkeeper.health_check` loads nothing of the product, for it runs every few seconds.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import NamedTuple

PORT = "WATCHKEEPER_MONITOR_PORT"
_SECONDS = 10


class Verdict(NamedTuple):
    """Whether all is well, and what is to be said of it."""

    well: bool
    words: list[str]


def ask(port: int, path: str = "/readyz") -> Verdict:
    """Ask the role on this machine that tells its health on a port."""
    # Never through a proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=_SECONDS) as answer:
            body = json.loads(answer.read())
            return Verdict(True, _lines(body))
    except urllib.error.HTTPError as error:
        with error:
            return Verdict(False, _lines(json.loads(error.read())))
    except (OSError, ValueError) as error:
        return Verdict(False, [f"nothing answers on port {port}: {error}"])


def _lines(body: dict[str, object]) -> list[str]:
    parts = body.get("parts", [])
    assert isinstance(parts, list)
    return [str(body.get("status")), *(_line(part) for part in parts)]


def _line(part: dict[str, object]) -> str:
    state = "well" if part["ok"] else "ILL"
    return ", ".join(filter(None, (f"{part['part']}: {state}", str(part["detail"]))))


def main() -> None:
    """Print what the role says; exit status 0 when all is well, 1 otherwise."""
    port = os.environ.get(PORT, "")
    if not port.isdigit():
        sys.stderr.write(f"{PORT} is not set, so no role tells its health\n")
        sys.exit(1)
    verdict = ask(int(port))
    sys.stdout.write("\n".join(verdict.words) + "\n")
    sys.exit(0 if verdict.well else 1)


if __name__ == "__main__":
    main()
