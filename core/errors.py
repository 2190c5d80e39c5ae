"""The error tree; every error knows its HTTP status and tells the reader what to do.

WatchkeeperError (500)
├── Refused (400)          what was asked makes no sense as it stands
│   └── Invalid (422)      fields are wrong; `problems` lists all of them
├── NotSignedIn (401)
├── NotAllowed (403)
├── NotFound (404)
├── Conflict (409)         the present status does not allow it
├── Stale (412)            somebody changed it since you read it
├── TooManyTries (429)     guessed too often; `until` says when to try again
└── Unavailable (503)      a part that we need is away
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class WatchkeeperError(Exception):
    """Root of every error we raise on purpose. `advice` says what the reader can do.

    members: what a program decides by, beside the status; extension members of RFC 9457.
    """

    status = 500
    title = "Internal error"

    def __init__(self, detail: str, *, advice: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice
        self.members: dict[str, Any] = {}


class Refused(WatchkeeperError):
    """The request makes no sense as it stands."""

    status = 400
    title = "Bad request"


class Invalid(Refused):
    """Some fields are wrong; `problems` holds all of them, not just the first."""

    status = 422
    title = "Invalid input"

    def __init__(self, detail: str, *, problems: Sequence[str] = (), advice: str = "") -> None:
        super().__init__(detail, advice=advice)
        self.problems = tuple(problems)


class NotSignedIn(WatchkeeperError):
    """Nobody is known to be asking."""

    status = 401
    title = "Not signed in"


class NotAllowed(WatchkeeperError):
    """Somebody is asking who may not."""

    status = 403
    title = "Not allowed"


class NotFound(WatchkeeperError):
    """It does not exist, or the caller may not know that it does."""

    status = 404
    title = "Not found"


class Conflict(WatchkeeperError):
    """The present status does not allow it."""

    status = 409
    title = "Conflict"


class Stale(WatchkeeperError):
    """Somebody changed it since the caller read it."""

    status = 412
    title = "Changed meanwhile"


class TooManyTries(WatchkeeperError):
    """Too many wrong tries; nothing is looked at before `until`."""

    status = 429
    title = "Too many tries"

    def __init__(self, detail: str, *, until: datetime, advice: str = "") -> None:
        super().__init__(detail, advice=advice)
        self.until = until
        self.members = {"until": until.isoformat()}


class Unavailable(WatchkeeperError):
    """A part that we need is away; trying again later may work."""

    status = 503
    title = "Unavailable"
