"""The steps of a contractor's job, the same by a link of its own and in a company's account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.params import Depends as Dependency
from fastapi.responses import RedirectResponse

from api.context import Parts
from api.deps import parts_of
from core.db import Session
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.limits import Limit
from core.places import Asset, Node, Space
from rules.wording import worded
from web.guests import limit
from web.languages import mark
from web.pages.claims import PARTS, UsedForm
from web.pages.public import HOUR, read_photos
from workflows import customers
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import ContractorLink
from workflows.tickets.contractors.coming import MOST_PHOTOS

SAID = 40


class Find(Protocol):
    """Finds the job that a request names. NotFound for any but whoever it was given to."""

    def __call__(self, session: Session, *, to_change: bool = False) -> ContractorLink: ...


@dataclass(frozen=True, slots=True)
class Comer:
    """Whoever comes for a job. address: of its page; person: who they are, where we know.

    remember: what their browser shall keep once they took a step.
    """

    request: Request
    address: str
    find: Find
    person: UUID | None = None
    remember: Callable[[Response], None] | None = None

    @property
    def parts(self) -> Parts:
        """The parts of the product that answers them."""
        return parts_of(self.request)

    def take(self, step: Callable[[Session, ContractorLink], None]) -> Response:
        """Let them take a step; back to the page of the job."""
        with self.parts.database.read() as session:
            link_id = self.find(session).id
        limit(self.request, Limit("contractor", (str(link_id),), SAID, HOUR))
        with self.parts.database.write() as session:
            link = self.find(session, to_change=True)
            # The page says in the reader's language that the job is in other hands.
            if not is_with_ours(session, link):
                step(session, link)
        return self.back()

    def back(self) -> Response:
        """On to the page of the job."""
        answer = RedirectResponse(self.address, status_code=303)
        if self.remember is not None:
            self.remember(answer)
        return answer


def is_with_ours(session: Session, link: ContractorLink) -> bool:
    """Whether somebody of ours has the job by now, so that no step of it is left to take."""
    return contractors.is_with_ours(link, contractors.job_of(session, link))


def job_shown(session: Session, link: ContractorLink) -> dict[str, Any]:
    """What the page of a job shows of it, whichever way it was opened."""
    ticket = contractors.job_of(session, link)
    site, asset, space = _place_of(session, ticket)
    return {
        "site": site,
        "asset": asset,
        "space": space,
        "link": link,
        "number": ticket.number,
        "needed": contractors.is_needed(link, ticket),
        "with_ours": contractors.is_with_ours(link, ticket),
        "labelled": bool(customers.stickers_at(session, ticket)),
        "most_photos": MOST_PHOTOS,
        "used": contractors.claims_of(session, link),
        "may_write": link.state in contractors.WHILE,
        "part_lines": PARTS,
        "form_id": new_id(),
    }


def _place_of(session: Session, ticket: Ticket) -> tuple[Node, Asset | None, Space | None]:
    """Where a job is: the site, and the asset and space that it is about, if any."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space_id = ticket.space_id or (asset.space_id if asset else None)
    space = session.get(Space, space_id) if space_id else None
    return session.get_one(Node, ticket.site_id), asset, space


def add_steps(
    routes: APIRouter,
    address: str,
    comer_of: Callable[..., Comer],
    needs: Sequence[Dependency] = (),
) -> None:
    """Add the steps below the address of a job. comer_of: who comes, by the parameters in it."""
    _add_coming(routes, address, comer_of, needs)
    _add_declining(routes, address, comer_of, needs)
    _add_used(routes, address, comer_of, needs)
    _add_end(routes, address, comer_of, needs)


def _add_coming(
    routes: APIRouter,
    address: str,
    comer_of: Callable[..., Comer],
    needs: Sequence[Dependency],
) -> None:
    @routes.post(f"{address}/accept", dependencies=needs)
    def accept(comer: Annotated[Comer, Depends(comer_of)]) -> Response:
        now = comer.parts.clock.now()

        def step(session: Session, link: ContractorLink) -> None:
            if link.state != "accepted":
                contractors.accept(session, link, now=now)

        return comer.take(step)

    @routes.post(f"{address}/arrive", dependencies=needs)
    def arrive(
        comer: Annotated[Comer, Depends(comer_of)],
        path: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
    ) -> Response:
        now = comer.parts.clock.now()

        def step(session: Session, link: ContractorLink) -> None:
            if link.state == "arrived":
                return
            if path:
                customers.arrive_by_sticker(session, link, path, now=now)
            elif code.strip():
                customers.arrive_by_code(session, link, code, now=now)
            else:
                customers.arrive_by_tap(session, link, now=now)

        return comer.take(step)


def _add_declining(
    routes: APIRouter,
    address: str,
    comer_of: Callable[..., Comer],
    needs: Sequence[Dependency],
) -> None:
    @routes.post(f"{address}/decline", dependencies=needs)
    def decline(
        comer: Annotated[Comer, Depends(comer_of)], reason: Annotated[str, Form()] = ""
    ) -> Response:
        now = comer.parts.clock.now()

        def step(session: Session, link: ContractorLink) -> None:
            if link.state != "declined":
                contractors.decline(session, link, reason, now=now)

        return comer.take(step)


def _add_used(
    routes: APIRouter,
    address: str,
    comer_of: Callable[..., Comer],
    needs: Sequence[Dependency],
) -> None:
    @routes.post(f"{address}/used", dependencies=needs)
    def use(
        comer: Annotated[Comer, Depends(comer_of)], form: Annotated[UsedForm, Depends()]
    ) -> Response:
        now = comer.parts.clock.now()

        def step(session: Session, link: ContractorLink) -> None:
            lines = form.lines()
            if not lines:
                raise Invalid(
                    worded(mark("nothing was written down")),
                    problems=[worded(mark("hours: or a part, or a cost"))],
                )
            contractors.claim(session, link, lines, now=now, form=form.form)

        return comer.take(step)

    @routes.post(f"{address}/used/{{line_id}}/remove", dependencies=needs)
    def remove(line_id: UUID, comer: Annotated[Comer, Depends(comer_of)]) -> Response:
        now = comer.parts.clock.now()
        return comer.take(
            lambda session, link: contractors.withdraw_claim(session, link, line_id, now=now)
        )


def _add_end(
    routes: APIRouter,
    address: str,
    comer_of: Callable[..., Comer],
    needs: Sequence[Dependency],
) -> None:
    @routes.post(f"{address}/done", dependencies=needs)
    def done(
        comer: Annotated[Comer, Depends(comer_of)],
        form: Annotated[UsedForm, Depends()],
        report: Annotated[str, Form()] = "",
        photo: Annotated[list[UploadFile] | None, File()] = None,
    ) -> Response:
        now = comer.parts.clock.now()
        with comer.parts.database.read() as session:
            link = comer.find(session)
            state, over = link.state, is_with_ours(session, link)
        if state == "done" or over:
            return comer.back()
        if state != "arrived":
            raise Conflict(
                worded(mark("you have not arrived yet")),
                advice=worded(mark("Scan the sticker on the spot first.")),
            )
        lines = form.lines()
        taken = read_photos(comer.request, photo or (), MOST_PHOTOS)

        def step(session: Session, link: ContractorLink) -> None:
            if link.state == "done":
                # The first tap was under way while this one's photos were read.
                return
            contractors.claim(session, link, lines, now=now)
            contractors.finish(session, link, report, taken, now=now, person=comer.person)

        return comer.take(step)
