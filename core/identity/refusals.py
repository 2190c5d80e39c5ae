"""Why signing in with an identity provider did not work; `reason` is what pages explain it by."""

from typing import Literal

from core.errors import NotAllowed, Unavailable

Reason = Literal["denied", "unknown", "clock", "stale", "untrusted"]


class SignInRefused(NotAllowed):
    """The provider, or what it answered, lets nobody in.

    reason: denied (at the provider), unknown (linked to nobody), clock (its clock and ours
    differ), stale (the attempt is over, or not this browser's), untrusted (not what a provider of
    ours would have answered).
    """

    def __init__(self, reason: Reason, detail: str, *, advice: str = "Sign in again.") -> None:
        super().__init__(detail, advice=advice)
        self.reason = reason


class ProviderAway(Unavailable):
    """The provider does not answer, or not as it should; reason: away or settings."""

    def __init__(self, reason: Literal["away", "settings"], detail: str) -> None:
        advice = "Sign in by password, or try again later."
        if reason == "settings":
            advice = "An administrator compares the settings oidc_… with those of the provider."
        super().__init__(detail, advice=advice)
        self.reason = reason


def refusal_of(error: str) -> SignInRefused | ProviderAway:
    """What an error of the authorization endpoint means (RFC 6749 4.1.2.1, OpenID Connect 3.1.2.6).

    The words are not passed on: whoever can send a browser here chooses them.
    """
    if error in ("access_denied", "login_required", "interaction_required", "consent_required"):
        return SignInRefused("denied", "the identity provider did not let you in")
    if error in ("server_error", "temporarily_unavailable"):
        return ProviderAway("away", "the identity provider does not work at the moment")
    return ProviderAway("settings", "the identity provider does not take our question")
