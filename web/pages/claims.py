"""What a contractor says they used: the form of it, and accepting or striking it on the ticket."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.visit import SignedInVisit
from workflows.tickets import contractors
from workflows.tickets.contractors import CLAIM, NewClaim

# Lines for parts in the form; whoever used more writes them down in turn.
PARTS = 3
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?")
# Before the point, or behind it.
MOST_DIGITS = 20
Texts = Annotated[list[str] | None, Form()]
Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class UsedForm:
    """What the form says was used; part, quantity and price go together, a line each.

    form: which form it is, so that a second tap or a resend after a lost answer counts once.
    """

    hours: Text = ""
    hour_price: Text = ""
    part: Texts = None
    quantity: Texts = None
    price: Texts = None
    cost_for: Text = ""
    cost: Text = ""
    form: Annotated[UUID | None, Form()] = None

    def lines(self) -> list[NewClaim]:
        """The lines that are filled in. Invalid with every number that is none."""
        problems: list[str] = []

        def number(text: str, field: str) -> Decimal | None:
            try:
                return number_in(text)
            except InvalidOperation:
                problems.append(worded(mark("%(field)s: a number"), field=field))
                return None

        found = []
        if self.hours.strip() or self.hour_price.strip():
            hours, price = number(self.hours, "hours"), number(self.hour_price, "price")
            found.append(NewClaim("labour", "", hours, price))
        columns = zip_longest(self.part or (), self.quantity or (), self.price or (), fillvalue="")
        for name, many, each in columns:
            if name.strip() or many.strip() or each.strip():
                found.append(NewClaim("part", name, number(many, "part"), number(each, "price")))
        if self.cost_for.strip() or self.cost.strip():
            found.append(NewClaim("cost", self.cost_for, None, number(self.cost, "cost")))
        if problems:
            raise Invalid(worded(mark("nothing was written down")), problems=problems)
        return found


def number_in(text: str) -> Decimal | None:
    """A number as people type it; None where they typed none. InvalidOperation for what is none.

    A comma stands between thousands: whoever writes 1,5 for one and a half is asked again.
    """
    written = unicodedata.normalize("NFKC", text).strip()
    if not written:
        return None
    if not _NUMBER.fullmatch(written):
        raise InvalidOperation
    return plausible(Decimal(written.replace(",", "")))


def plausible(number: Decimal) -> Decimal:
    """A number that somebody may mean, as it is. InvalidOperation for any other.

    To count with 1e5000000 takes an hour, and nobody else could write meanwhile.
    """
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise InvalidOperation
    return number


def claims_shown(claims: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What contractors claim on a ticket, as its page shows it: with sums, and what can be done."""
    actions = {state: CLAIM.actions(state) for state in CLAIM.statuses}
    return {"claims": claims, "claim_sums": contractors.sums_of(claims), "claim_actions": actions}


def router() -> APIRouter:
    """The routes of deciding what is claimed."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/contractor-claims/{claim_id}/accept")
    def accept(claim_id: UUID, visit: SignedInVisit) -> Response:
        return _decide(visit, claim_id, "accept")

    @routes.post("/contractor-claims/{claim_id}/strike")
    def strike(claim_id: UUID, visit: SignedInVisit) -> Response:
        return _decide(visit, claim_id, "strike")

    return routes


def _decide(visit: SignedInVisit, claim_id: UUID, action: str) -> Response:
    now = visit.parts.clock.now()
    with visit.parts.database.write() as session:
        row = contractors.find_claim(session, visit.caller, claim_id)
        ticket = contractors.decide_claim(session, visit.caller, row, action, now=now)
        number = ticket.number
    return RedirectResponse(f"/tickets/{number}", status_code=303)
