"""What residents see: a sticker's page with the report, and how far their report has come."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core.channels import tells_outside
from core.db import Session
from core.errors import Invalid, NotFound
from core.limits import Limit
from core.people import Caller, new_secret
from rules.wording import worded
from web.guests import Colleague, OwnForm, address_of, guest_page, jobs_of, limit
from web.languages import mark
from web.page_route import GuestRoute
from web.templating import Templates
from web.visit import guest_reader
from workflows import customers
from workflows.customers import Rater, ResidentReport, Stuck, Wish
from workflows.customers.reports import MOST_PHOTOS, SECRET, already_sent
from workflows.tickets import contractors
from workflows.tickets.followers import RESIDENT
from workflows.tickets.photos import StoredPhoto, store_photo
from workflows.tickets.voices import store_voice

HOUR = timedelta(hours=1)
# Behind one address may stand a whole building; one sticker is seldom reported by so many.
BY_ONE_HERE, BY_ONE, HERE = 6, 30, 40
CODES_TYPED = 30
SAID = 40


def router(templates: Templates) -> APIRouter:
    """The routes of residents."""
    routes = APIRouter(route_class=GuestRoute, include_in_schema=False)
    _add_codes(routes, templates)
    _add_stickers(routes, templates)
    _add_progress(routes, templates)
    _add_answers(routes)
    return routes


def _add_codes(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/s")
    def ask(request: Request) -> Response:
        return guest_page(templates, request, "public/code.html")

    @routes.post("/s", dependencies=[OwnForm])
    def find(request: Request, code: Annotated[str, Form(max_length=40)] = "") -> Response:
        limit(request, Limit("code", (address_of(request),), CODES_TYPED, HOUR))
        with parts_of(request).database.read() as session:
            path = customers.sticker_by_code(session, code).path
        return RedirectResponse(f"/s/{path}", status_code=303)


def _seen_by(caller: Caller | None, stuck: Stuck) -> str | None:
    """Where a colleague who scans a sticker goes; None for anybody else."""
    site = stuck.site.id
    if caller is None or site not in caller.sites_for("places.read"):
        return None
    if stuck.sticker.asset_id is not None:
        return f"/assets/{stuck.sticker.asset_id}"
    if site in caller.sites_for("tickets.create"):
        return f"/new-ticket?space={stuck.sticker.space_id}"
    return f"/?site={stuck.site.code}"


def _awaited(session: Session, request: Request, stuck: Stuck) -> str | None:
    """The page of a contractor's job in this browser who is expected at this sticker."""
    now = parts_of(request).clock.now()
    for secret in jobs_of(request):
        try:
            link = contractors.find_link(session, secret, now=now)
        except NotFound:
            continue
        if customers.waits_here(session, link, stuck.sticker):
            return f"/c/{secret}"
    return None


def _expected(session: Session, caller: Caller | None, stuck: Stuck) -> str | None:
    """The page of a job by which somebody of a hired company is expected at this sticker."""
    if caller is None or not caller.holds_anywhere("jobs.own"):
        return None
    for link in contractors.awaited(session, caller.person_id):
        if customers.waits_here(session, link, stuck.sticker):
            return f"/jobs/{link.id}"
    return None


def _add_stickers(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/s/{path}")
    def show(path: str, request: Request, colleague: Colleague) -> Response:
        with parts_of(request).database.read() as session:
            stuck = customers.read_sticker(session, path)
            job = _awaited(session, request, stuck) or _expected(session, colleague, stuck)
            known = customers.known_here(session, stuck)
            problems = customers.problems_at(session, stuck)
        if job is None and (inside := _seen_by(colleague, stuck)) is not None:
            return RedirectResponse(inside, status_code=303)
        shown: dict[str, Any] = {"stuck": stuck, "site": stuck.site, "zone": stuck.site.time_zone}
        if job is not None:
            own = csrf_token(request.cookies.get(SESSION_COOKIE, "")) if "/jobs/" in job else ""
            return guest_page(
                templates, request, "public/arrive.html", job=job, own_csrf=own, **shown
            )
        return guest_page(
            templates,
            request,
            "public/sticker.html",
            known=[(one, customers.public_title(one)) for one in known],
            problems=[one for one in problems if not one.retired],
            most_photos=MOST_PHOTOS,
            told_by_sms=RESIDENT in tells_outside(parts_of(request).settings),
            secret=new_secret("report"),
            **shown,
        )

    @routes.post("/s/{path}", dependencies=[OwnForm])
    def send(
        path: str,
        request: Request,
        colleague: Colleague,
        secret: Annotated[str, Form()] = "",
        problem: Annotated[str, Form()] = "",
        words: Annotated[str, Form()] = "",
        phone: Annotated[str, Form()] = "",
        join: Annotated[UUID | None, Form()] = None,
        website: Annotated[str, Form()] = "",
        photo: Annotated[list[UploadFile] | None, File()] = None,
        voice: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        if website:
            # People don't see this field; programs that fill in every field do.
            raise Invalid(
                worded(mark("your report was not sent")),
                problems=[worded(mark("website: leave it empty"))],
            )
        said = voice.file.read() if voice else b""
        wish = Wish(secret, problem, words, phone, join, spoken=bool(said))
        _report(request, path, wish, photo or (), said, colleague)
        return RedirectResponse(f"/p/{secret}", status_code=303)


def _report(
    request: Request,
    path: str,
    wish: Wish,
    photos: Sequence[UploadFile],
    said: bytes,
    colleague: Caller | None,
) -> None:
    parts = parts_of(request)
    with parts.database.read() as session:
        stuck = customers.read_sticker(session, path)
        if SECRET.fullmatch(wish.secret) and already_sent(session, wish.secret):
            return
        offered = customers.problems_at(session, stuck)
    address, sticker = address_of(request), str(stuck.sticker.id)
    limit(
        request,
        Limit("report", (sticker, address), BY_ONE_HERE, HOUR),
        Limit("report", (address,), BY_ONE, HOUR),
        Limit("report", (sticker,), HERE, HOUR),
    )
    customers.check_wish(wish, offered)
    taken = read_photos(request, photos, MOST_PHOTOS)
    voice = store_voice(parts.files, said) if said else None
    with parts.database.write() as session:
        whole = replace(wish, photos=taken, voice=voice)
        now = parts.clock.now()
        customers.send(session, stuck, whole, now=now)
        if colleague and customers.lives_at(session, colleague.person_id, stuck.site.id, now=now):
            customers.keep_report(session, wish.secret, colleague.person_id, now=now)
        if RESIDENT in tells_outside(parts.settings):
            language = guest_reader(request).language
            customers.follow(session, parts.vault, wish.secret, language, now=now)


def read_photos(request: Request, photos: Sequence[UploadFile], most: int) -> list[StoredPhoto]:
    """Store what somebody chose. Invalid when one is no picture, or there are too many."""
    files = [content for one in photos if (content := one.file.read())]
    if len(files) > most:
        raise Invalid(
            worded(mark("nothing was sent")),
            problems=[worded(mark("photo: at most %(most)s"), most=most)],
        )
    return [store_photo(parts_of(request).files, content) for content in files]


def _add_progress(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/p/{secret}")
    def show(secret: str, request: Request, colleague: Colleague) -> Response:
        parts = parts_of(request)
        now = parts.clock.now()
        with parts.database.read() as session:
            row = customers.find_report(session, secret, now=now)
            progress = customers.read_progress(session, row, now=now)
        base = parts.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return guest_page(
            templates,
            request,
            "public/progress.html",
            zone=progress.site.time_zone,
            site=progress.site,
            progress=progress,
            link=f"{base}/p/{secret}",
            action=f"/p/{secret}",
            secret=secret,
            keep=_keeps(request, colleague, row),
        )


def _keeps(request: Request, colleague: Caller | None, row: ResidentReport) -> str:
    """The token of the form that puts a report into the reader's account; empty where none may."""
    lives_there = colleague is not None and row.site_id in colleague.sites_for("reports.own")
    if not lives_there or row.person_id is not None:
        return ""
    return csrf_token(request.cookies.get(SESSION_COOKIE, ""))


def _say(
    request: Request, secret: str, what: Callable[[Session, ResidentReport], None]
) -> Response:
    """Let a resident say something by their link; back to its page."""
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.read() as session:
        report_id = customers.find_report(session, secret, now=now).id
    limit(request, Limit("say", (str(report_id),), SAID, HOUR))
    with parts.database.write() as session:
        what(session, customers.find_report(session, secret, now=now, to_change=True))
    return RedirectResponse(f"/p/{secret}", status_code=303)


def _add_answers(routes: APIRouter) -> None:
    @routes.post("/p/{secret}/urge", dependencies=[OwnForm])
    def urge(secret: str, request: Request) -> Response:
        now = parts_of(request).clock.now()
        return _say(request, secret, lambda session, row: customers.urge(session, row, now=now))

    @routes.post("/p/{secret}/confirm", dependencies=[OwnForm])
    def confirm(secret: str, request: Request) -> Response:
        now = parts_of(request).clock.now()
        return _say(request, secret, lambda session, row: customers.confirm(session, row, now=now))

    @routes.post("/p/{secret}/refuse", dependencies=[OwnForm])
    def refuse(secret: str, request: Request, reason: Annotated[str, Form()] = "") -> Response:
        now = parts_of(request).clock.now()
        return _say(
            request, secret, lambda session, row: customers.refuse(session, row, reason, now=now)
        )

    @routes.post("/p/{secret}/rate", dependencies=[OwnForm])
    def rate(
        secret: str,
        request: Request,
        colleague: Colleague,
        stars: Annotated[int, Form()] = 0,
        words: Annotated[str, Form()] = "",
    ) -> Response:
        now = parts_of(request).clock.now()
        rater = Rater(colleague.person_id if colleague else None, jobs_of(request))
        return _say(
            request,
            secret,
            lambda session, row: customers.rate(session, row, stars, words, rater, now=now),
        )
