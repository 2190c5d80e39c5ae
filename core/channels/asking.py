"""Asking a provider's HTTP API, with every failure an outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import httpx

from core.channels.message import Outcome

TIMEOUT = 10.0


class Refused(Exception):
    """The provider answered, and the answer is no."""


def ask(method: str, url: str, **content: Any) -> Mapping[str, Any]:
    """The JSON object that a provider answers. Refused when it is none, or no success."""
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
            response = client.request(method, url, **content)
        found = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    except ValueError:
        raise Refused(f"HTTP {response.status_code}, and no JSON") from None
    if not isinstance(found, dict):
        raise Refused(f"HTTP {response.status_code}, and no JSON object")
    return found


def outcome(attempt: Callable[[], Outcome]) -> Outcome:
    """How an attempt ended."""
    try:
        return attempt()
    except Refused as error:
        return Outcome(sent=False, text=str(error)[:300])


@dataclass
class AccessToken:
    """An access token that lasts for a while, asked for again in time or when it is refused.

    fetch: asks the provider; returns the token and for how many seconds it lasts.
    """

    fetch: Callable[[], tuple[str, int]]
    now: Callable[[], datetime]
    _token: str = ""
    _until: datetime | None = None

    def __post_init__(self) -> None:
        self._lock = Lock()

    def get(self, *, fresh: bool = False) -> str:
        """The token; fresh asks for a new one."""
        with self._lock:
            if fresh or self._until is None or self.now() >= self._until:
                self._token, seconds = self.fetch()
                # A minute early, so that none ends on the way.
                self._until = self.now() + timedelta(seconds=max(seconds - 60, 1))
            return self._token
