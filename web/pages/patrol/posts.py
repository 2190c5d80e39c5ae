"""Posts: the list of a site's, and one with who is there, who was, and how it is set up."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.colleagues import able_people
from core.db import Session
from core.errors import Conflict, Invalid, NotFound, Stale, WatchkeeperError
from core.paging import LARGEST_PAGE, Wish
from core.teams import teams_at
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import actor_of, chosen_site, one_id
from web.pages.patrol.post_form import PostForm, to_choose
from web.post_problems import AT_ANOTHER, NO_CARD, post_refusal_told
from web.round_problems import CODE_TAKEN, MEANWHILE
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import overview, patrol
from workflows.patrol import posts

STATES = ("active", "retired")
# So many stays at a post stand on its page.
LAST = 20


def router(templates: Templates) -> APIRouter:
    """The routes of posts."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_making(routes, templates)
    _add_changing(routes, templates)
    _add_moves(routes)
    _add_clocking(routes, templates)
    return routes


def _standing(session: Session, visit: Visit, site_id: UUID, view: str) -> dict[str, Any]:
    """The posts of a site with who is there; those where somebody is missing first."""
    wish = Wish(LARGEST_PAGE)
    page = posts.list_posts(session, visit.caller, wish, site_id=site_id, state=view)
    now = visit.parts.clock.now()
    found = [posts.describe_post(session, visit.caller, row["id"], now=now) for row in page.items]
    teams = {team.code: team.name for team in teams_at(session, site_id)}
    return {
        "found": sorted(found, key=lambda one: (-one["missing"], one["code"])),
        "team_names": teams,
        "view": view,
    }


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/posts")
    def show(visit: SignedInVisit, site: UUID | None = None, view: str = "active") -> Response:
        view = view if view in STATES else "active"
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            standing = _standing(session, visit, chosen.site.id, view)
        return templates.page(
            "patrol/posts.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            sites=chosen.sites,
            views=STATES,
            **standing,
        )

    @routes.get("/posts/standing")
    def show_standing(
        visit: SignedInVisit, site: UUID | None = None, view: str = "active"
    ) -> Response:
        view = view if view in STATES else "active"
        with visit.parts.database.read() as session:
            at = chosen_site(session, visit, patrol.READ, site).site
            standing = _standing(session, visit, at.id, view)
        return templates.page(
            "patrol/posts_standing.html", visit.at(at.time_zone), site=at, **standing
        )

    @routes.get("/posts/new")
    def new(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            at = chosen_site(session, visit, patrol.WRITE, site).site
        return _new(templates, visit, at, PostForm(site=str(at.id)))

    @routes.get("/posts/{post_id}")
    def show_one(visit: SignedInVisit, post_id: UUID) -> Response:
        return _one(templates, visit, post_id)


def _new(
    templates: Templates,
    visit: Visit,
    site: overview.NodeView,
    form: PostForm,
    error: WatchkeeperError | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        offered = to_choose(session, visit, site.id)
    local = visit.at(site.time_zone)
    problems = post_refusal_told(local.reader, error, conflict=CODE_TAKEN) if error else []
    return templates.page(
        "patrol/new_post.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        post=None,
        form=form,
        problems=problems,
        **offered,
    )


def _one(
    templates: Templates,
    visit: Visit,
    post_id: UUID,
    form: PostForm | None = None,
    error: WatchkeeperError | None = None,
    conflict: str = MEANWHILE,
) -> Response:
    """The page of a post, with what was typed in its form, if anything."""
    now = visit.parts.clock.now()
    with visit.parts.database.read() as session:
        post = posts.describe_post(session, visit.caller, post_id, now=now)
        site = chosen_site(session, visit, patrol.READ, post["site_id"]).site
        wanted = posts.DutyFilter(post_id=post_id)
        past = posts.list_duties(session, visit.caller, wanted, Wish(LAST)).items
        may_write = visit.may(patrol.WRITE, site.id)
        able = able_people(session, site.id, patrol.SCAN) if may_write else []
        people = posts.at_no_post(session, able)
        teams = {team.code: team.name for team in teams_at(session, site.id)}
        offered = to_choose(session, visit, site.id)
        unread = posts.unread_entries(session, post_id, visit.caller.person_id)
    local = visit.at(site.time_zone)
    shown = form or PostForm.of(post)
    if isinstance(error, Stale):
        # What is sent next replaces what stands now; whoever sends it was told.
        shown = shown.model_copy(update={"version": str(post["version"])})
    return templates.page(
        "patrol/post.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        post=post,
        past=past,
        people=people,
        unread_entries=unread,
        team_names=teams,
        form=shown,
        may_write=may_write,
        problems=post_refusal_told(local.reader, error, conflict=conflict) if error else [],
        **offered,
    )


def _to(post_id: UUID) -> Response:
    return RedirectResponse(f"/posts/{post_id}", status_code=303)


def _found(session: Session, visit: Visit, post_id: UUID) -> posts.Post:
    return posts.find_post(session, visit.caller, post_id, permission=patrol.WRITE)


def _add_making(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/posts")
    def make(visit: SignedInVisit, form: Annotated[PostForm, Form()]) -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        site_id = one_id(form.site, "site", "the post was not saved")
        if site_id is None:
            raise Invalid(
                worded(mark("the post was not saved")), problems=[worded(mark("site: choose one"))]
            )
        visit.caller.require(patrol.WRITE, site_id)
        with visit.parts.database.read() as session:
            site = chosen_site(session, visit, patrol.WRITE, site_id).site
        try:
            with visit.parts.database.write() as session:
                actor, now = actor_of(visit), visit.parts.clock.now()
                row = posts.create_post(session, site_id, form.draft(), actor=actor, now=now)
                made = row.id
        except (Invalid, Conflict) as error:
            return _new(templates, visit, site, form, error)
        return _to(made)


def _add_changing(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/posts/{post_id}")
    def change(visit: SignedInVisit, post_id: UUID, form: Annotated[PostForm, Form()]) -> Response:
        try:
            with visit.parts.database.write() as session:
                posts.change_post(
                    session,
                    _found(session, visit, post_id),
                    form.draft(),
                    actor=actor_of(visit),
                    now=visit.parts.clock.now(),
                    expected_version=version_read(form.version),
                )
        except (Invalid, Conflict, Stale) as error:
            return _one(templates, visit, post_id, form, error)
        return _to(post_id)


def _move(visit: Visit, post_id: UUID, action: str, version: str) -> Response:
    with visit.parts.database.write() as session:
        posts.move_post(
            session,
            _found(session, visit, post_id),
            action,
            actor=actor_of(visit),
            now=visit.parts.clock.now(),
            expected_version=version_read(version),
        )
    return _to(post_id)


def _add_moves(routes: APIRouter) -> None:
    @routes.post("/posts/{post_id}/retire")
    def retire(
        visit: SignedInVisit, post_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, post_id, "retire", version)

    @routes.post("/posts/{post_id}/reactivate")
    def take_up(
        visit: SignedInVisit, post_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, post_id, "reactivate", version)


def _add_clocking(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/posts/{post_id}/clock-in")
    def let_in(
        visit: SignedInVisit,
        post_id: UUID,
        person: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        card: Annotated[str, Form()] = "",
    ) -> Response:
        now, conflict = visit.parts.clock.now(), AT_ANOTHER
        try:
            with visit.parts.database.write() as session:
                post = _found(session, visit, post_id)
                if card.strip():
                    vault = visit.parts.vault
                    _by_card(session, visit, post, card, vault=vault, now=now)
                else:
                    who = one_id(person, "person_id", "nobody was put down")
                    if who is None:
                        problems = [worded(mark("person_id: choose one"))]
                        raise Invalid(worded(mark("nobody was put down")), problems=problems)
                    posts.clock_in(session, visit.caller, post, who, reason=reason, now=now)
        except (Invalid, Conflict) as error:
            return _one(templates, visit, post_id, None, error, conflict)
        return _to(post_id)

    @routes.post("/post-duties/{duty_id}/leave")
    def let_go(
        visit: SignedInVisit, duty_id: UUID, reason: Annotated[str, Form()] = ""
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = posts.clock_out(session, visit.caller, duty_id, reason=reason, now=now)
            post_id = row.post_id
        return _to(post_id)


def _by_card(session: Session, visit: Visit, post: posts.Post, card: str, **more: Any) -> None:
    try:
        posts.clock_in_by_card(session, visit.caller, post, card, **more)
    except NotFound as error:
        raise Invalid(
            worded(mark("nobody was put down")), problems=[visit.reader.translate(NO_CARD)]
        ) from error
