"""Signing in with an identity provider: OpenID Connect, authorization code flow with PKCE."""

from core.identity.attempts import ATTEMPT_LIFETIME, Begun, begin, forget_attempts, take
from core.identity.links import (
    Identity,
    find_link,
    forget_identities,
    join,
    link,
    sign_in,
    unlink,
)
from core.identity.provider import Provider, Subject
from core.identity.refusals import ProviderAway, SignInRefused, refusal_of

__all__ = [
    "ATTEMPT_LIFETIME",
    "Begun",
    "Identity",
    "Provider",
    "ProviderAway",
    "SignInRefused",
    "Subject",
    "begin",
    "find_link",
    "forget_attempts",
    "forget_identities",
    "join",
    "link",
    "refusal_of",
    "sign_in",
    "take",
    "unlink",
]
