"""The edge of every page: errors become pages that help, and strict headers leave with all."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.deps import FORMS
from core.db import is_unavailable
from core.errors import Invalid, NotFound, NotSignedIn, Unavailable, WatchkeeperError
from core.idempotency import clash, is_clash
from core.lifecycle import NoSuchMove
from core.second_factor import NeedsSecondFactor
from rules.wording import Message, worded
from web.compression import compress
from web.languages import known, mark
from web.reader import Reader
from web.templating import Templates
from web.visit import LANGUAGE_COOKIE, guest_reader
from web.words import WORDS

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(self)",
}
TITLES: Mapping[int, str] = {
    400: mark("That did not work"),
    403: mark("This is not yours to see or change"),
    404: mark("There is nothing here"),
    409: mark("That is not possible any more"),
    412: mark("Somebody was quicker"),
    422: mark("Something is missing or wrong"),
    429: mark("Too many wrong tries"),
    500: mark("Something went wrong on our side"),
    503: mark("A part of Watchkeeper is away"),
}
# What to do about it, where the error's own words are in another language than the reader's.
ADVICE: Mapping[int, str] = {
    403: mark("Ask an administrator of this site for a role that includes it."),
    404: mark("Start from the live page."),
    409: mark("Load the page again; it shows what is possible now."),
    412: mark("Load the page again and repeat your change."),
    422: mark("Go back, correct what is named here, and send it again."),
    429: mark("Wait a little, then try again."),
    503: mark("Try again in a moment."),
}
# The same, for people without an account, who have no live page and no administrator.
GUEST_TITLES: Mapping[int, str] = {
    403: mark("This did not come from the page itself"),
    404: mark("This code or link does not hold any more"),
    429: mark("That was done very often just now"),
}
GUEST_ADVICE: Mapping[int, str] = {
    403: mark("Open the page again, then send it once more."),
    404: mark("Scan the sticker again, or call the property office."),
    409: mark("Open the page again; it shows how things stand."),
}
# What is wrong with a field of a form of theirs, by the name of the field.
GUEST_PROBLEMS: Mapping[str, str] = {
    "problem": mark("Choose what is wrong."),
    "words": mark("Say what is wrong, in at most 2,000 characters."),
    "phone": mark("Write the phone number in digits, or leave it out."),
    "photo": mark(
        "A photo is a JPEG, PNG, WebP or HEIC picture; there can't be too few or too many."
    ),
    "voice": mark("A voice note is a WebM or M4A recording of at most 2 minutes."),
    "code": mark("Scan the sticker on the spot, or type the code that is printed on it."),
    "reason": mark("Write why."),
    "report": mark("Write what was done."),
    "hours": mark("Hours are a number above zero, such as 1.5; or name a part or a cost."),
    "part": mark("A part needs a name and how many."),
    "cost": mark("Another cost needs what it is for and how much it is."),
    "price": mark("A price is a number with two decimals at most, such as 12.50."),
    "stars": mark("Choose between one and five stars."),
    "place": mark("Choose where it is."),
    "form": mark("Open the page again, then send it once more."),
    "website": mark("Leave the field that is not for you empty."),
}
HOME, LIVE = mark("My home"), mark("To the live page")
REFUSALS = (400, 409, 412, 422)
STATUS = mark("Its present status does not allow it.")
STATUS_NAMED = mark("It is “%(status)s” now, which does not allow it.")
A_YEAR = 365 * 24 * 3600
_log = structlog.get_logger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Answering(APIRoute):
    """Answers people: with pages, also when it fails."""

    guests = False
    # What is wrong with a form is told in the reader's language, field by field.
    plainly = False

    def get_route_handler(self) -> Handler:
        """The handler, with errors turned into pages and the headers set."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                await _require_texts(request)
                response = await handle(request)
            except NotSignedIn:
                response = _elsewhere(request, "/sign-in")
            except NeedsSecondFactor:
                response = _elsewhere(request, "/account/second-factor")
            except WatchkeeperError as error:
                response = error_page(request, error, guest=self.guests, plainly=self.plainly)
            except RequestValidationError:
                missing = NotFound(worded(mark("there is no such address")))
                response = error_page(request, missing, guest=self.guests)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - the edge of a request
                response = error_page(request, _unexpected(error), guest=self.guests)
            return finish(request, response)

        return answer


class PageRoute(_Answering):
    """A route for people who are signed in, or about to be."""


class HomeRoute(PageRoute):
    """A route for people of households, who are told what is wrong as people without an account."""

    plainly = True


class GuestRoute(_Answering):
    """A route for anybody: a secret in its address, or a printed code, is all that opens it."""

    guests = True
    plainly = True


async def _require_texts(request: Request) -> None:
    """Invalid for a form with a NUL character, which PostgreSQL can't keep; nobody types one."""
    if not request.headers.get("Content-Type", "").startswith(FORMS):
        return
    form = await request.form()
    named = dict.fromkeys(
        name
        for name, value in form.multi_items()
        if "\0" in name or (isinstance(value, str) and "\0" in value)
    )
    if named:
        problems = [f"{name}: it holds a NUL character".replace("\0", "") for name in named]
        raise Invalid(worded(mark("nothing was changed")), problems=problems)


def finish(request: Request, response: Response) -> Response:
    """Set the headers that every page carries, remember a chosen language, and compress it.

    A page that states one of them itself needs another: the camera, for one.
    """
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    language = known(request.query_params.get("lang"))
    if language:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=A_YEAR,
            samesite="lax",
            secure=is_secure(request),
            httponly=True,
        )
    compress(request, response)
    return response


def is_secure(request: Request) -> bool:
    """Whether the browser reached us over TLS, so that cookies may insist on it."""
    return request.url.scheme == "https"


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def _unexpected(error: Exception) -> WatchkeeperError:
    if is_unavailable(error):
        return Unavailable(
            worded(mark("the database does not answer")),
            advice=worded(mark("Try again in a moment.")),
        )
    if is_clash(error):
        _log.info("two made the same thing at once")
        return clash()
    wrapped = WatchkeeperError("unexpected")
    wrapped.__cause__ = error
    return wrapped


def _elsewhere(request: Request, address: str) -> Response:
    if is_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def error_page(
    request: Request, error: WatchkeeperError, *, guest: bool = False, plainly: bool = False
) -> Response:
    """What went wrong and what to do about it, in the reader's language.

    plainly: without what only English has; what is wrong with a field by its name.
    """
    if error.status >= 500 and not isinstance(error, Unavailable):
        _log.error("page failed", exc_info=error)
    templates = cast(Templates, request.app.state.templates)
    reader = guest_reader(request)
    name = "notice.html" if is_fragment(request) else "error.html"
    title = TITLES.get(error.status, TITLES[500])
    problems = getattr(error, "problems", ())
    text = templates.render(
        name,
        reader,
        title=reader.translate(GUEST_TITLES.get(error.status, title) if guest else title),
        status=error.status,
        detail=_detail(reader, error, plainly=plainly),
        advice=_advice(reader, error, guest=guest),
        problems=_plain(reader, problems) if plainly else [reader.told(one) for one in problems],
        good=False,
        guest=guest,
        back=("/home", reader.translate(HOME)) if plainly else ("/", reader.translate(LIVE)),
    )
    return HTMLResponse(text, error.status)


def _detail(reader: Reader, error: WatchkeeperError, *, plainly: bool) -> str:
    """The error's own words, unless they are ours alone or only say in English what the title does.

    What was refused is told in any language: it names what to correct.
    """
    if error.status >= 500 and not isinstance(error, Unavailable):
        return ""
    if reader.language == "en" or isinstance(error.detail, Message):
        return reader.told(error.detail)
    if plainly:
        return ""
    if isinstance(error, NoSuchMove):
        return _status_told(reader, error)
    return error.detail if error.status in REFUSALS else ""


def _status_told(reader: Reader, error: NoSuchMove) -> str:
    group = f"{error.lifecycle}_state"
    if error.status_now not in WORDS.get(group, {}):
        return reader.translate(STATUS)
    return reader.translate(STATUS_NAMED, status=reader.word(group, error.status_now))


def _plain(reader: Reader, problems: Sequence[str]) -> list[str]:
    fields = (problem.partition(":")[0] for problem in problems)
    known = (GUEST_PROBLEMS.get(field) for field in fields)
    return [reader.translate(text) for text in known if text]


def _advice(reader: Reader, error: WatchkeeperError, *, guest: bool) -> str:
    """What to do: in the error's own words, which are English, or in the reader's language."""
    if error.advice and (reader.language == "en" or isinstance(error.advice, Message)):
        return reader.told(error.advice)
    general = ADVICE.get(error.status)
    if guest:
        general = GUEST_ADVICE.get(error.status, general)
    return reader.translate(general) if general else ""
