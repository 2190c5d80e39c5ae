"""What a page knows of the person who asks for it."""

from dataclasses import dataclass, replace
from datetime import UTC
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.context import Parts
from api.deps import SAFE_METHODS, SESSION_COOKIE, anybody_of, caller_of, csrf_token, parts_of
from core.errors import NotAllowed
from core.people import Caller
from rules.wording import worded
from web import languages
from web.languages import mark
from web.reader import Reader

LANGUAGE_COOKIE = "wk_lang"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page by somebody who is signed in. csrf: the token of their forms."""

    parts: Parts
    caller: Caller
    reader: Reader
    csrf: str

    def may(self, permission: str, site_id: UUID) -> bool:
        """Whether they hold a permission on a site: pages show no button that would refuse."""
        return site_id in self.caller.sites_for(permission)

    def at(self, time_zone: str) -> "Visit":
        """The same visit, with times as a site's clocks show them."""
        return replace(self, reader=self.reader.at(time_zone))


def chosen_language(request: Request) -> str | None:
    """The language asked for by the switch: now, or kept in the cookie."""
    asked = request.query_params.get("lang")
    return languages.known(asked) or languages.known(request.cookies.get(LANGUAGE_COOKIE))


def query_of(request: Request) -> tuple[tuple[str, str], ...]:
    """What the address of a page asks for; nothing for a form that was sent."""
    if request.method != "GET":
        return ()
    return tuple(request.query_params.multi_items())


def guest_reader(request: Request) -> Reader:
    """The reader of a page for which nobody needs to be signed in."""
    language = chosen_language(request) or languages.preferred(
        request.headers.get("accept-language", "")
    )
    return Reader(language, parts_of(request).clock.now(), UTC, query_of(request))


async def visit_of(request: Request) -> Visit:
    """The visit behind a request. Raises NotSignedIn, NeedsSecondFactor, or NotAllowed for a form
    that is forged, or sent with a limited token."""
    return _visit(request, await caller_of(request))


async def visit_setting_up(request: Request) -> Visit:
    """As `visit_of`, also for somebody who has to set up a second factor before anything else."""
    return _visit(request, await anybody_of(request))


def _visit(request: Request, caller: Caller) -> Visit:
    # Forms change one's own account as well, for which no scope of a token stands.
    if caller.limited_to is not None and request.method not in SAFE_METHODS:
        raise NotAllowed(
            worded(mark("a limited token sends no forms")),
            advice=worded(mark("Use the API, or a token without limits.")),
        )
    parts = parts_of(request)
    language = chosen_language(request) or languages.known(caller.locale) or "en"
    reader = Reader(language, parts.clock.now(), UTC, query_of(request))
    return Visit(parts, caller, reader, csrf_token(request.cookies.get(SESSION_COOKIE, "")))


def own_address(request: Request) -> str:
    """How browsers reach us, without a slash at its end."""
    public_url = parts_of(request).settings.public_url
    return (public_url or str(request.base_url)).rstrip("/")


SignedInVisit = Annotated[Visit, Depends(visit_of)]
SettingUpVisit = Annotated[Visit, Depends(visit_setting_up)]
