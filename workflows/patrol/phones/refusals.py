"""Why a phone is refused, in a word that its app decides by."""

from datetime import datetime

from core.errors import NotAllowed, NotSignedIn
from core.wire import rfc3339


class PhoneUnproved(NotSignedIn):
    """The request is not proved to come from a phone that we know."""

    def __init__(self, detail: str, *, code: str = "proof", now: datetime | None = None) -> None:
        """now: told to a phone whose clock is off."""
        super().__init__(detail, advice="Sign each request anew; set the phone up again if lost.")
        self.members = {"code": code}
        if now is not None:
            self.members["server_time"] = rfc3339(now)


class PhoneRefused(NotAllowed):
    """The phone is known, and may not do this. code: what its app decides by."""

    def __init__(self, detail: str, *, code: str, advice: str) -> None:
        super().__init__(detail, advice=advice)
        self.members = {"code": code}


class WrongPin(NotSignedIn):
    """The name is unknown or the PIN is wrong."""

    def __init__(self) -> None:
        super().__init__("name or PIN are wrong", advice="Try again, digit by digit.")
        self.members = {"code": "wrong"}
