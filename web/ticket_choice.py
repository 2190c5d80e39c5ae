"""Which tickets a list is to show, as the address of the page says it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Form

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.visit import Visit
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.lifecycle import RUNNING
from workflows.tickets.reading import TicketFilter, states_named

Text = Annotated[str, Form()]
VIEWS: Mapping[str, str] = {
    "mine": mark("Mine"),
    "free": mark("To take"),
    "open": mark("All open"),
    "late": mark("Late"),
    "check": mark("To be verified"),
    "ended": mark("Ended"),
    "all": mark("All"),
}
# Which statuses a view shows; else those that have not ended.
STATES: Mapping[str, str] = {"check": "resolved", "ended": "ended", "all": "all"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page was asked to show, as its address says it."""

    view: str
    kind: str
    priority: str
    site: str
    text: str
    category: str = ""

    def filter(self, visit: Visit) -> TicketFilter:
        """As the tickets understand it. Invalid for what no form of ours sends."""
        unknown = [
            name
            for name, value, known in (
                ("view", self.view, VIEWS),
                ("kind", self.kind, ("", *KINDS)),
                ("priority", self.priority, ("", *PRIORITIES)),
            )
            if value not in known
        ]
        if len(self.category) > 40:
            unknown.append("category")
        if unknown or len(self.text) > 100:
            raise Invalid(
                worded(mark("there is no such list")),
                problems=unknown or [worded(mark("q: 100 characters"))],
            )
        wanted = TicketFilter(
            states_named(
                {"check": "resolved", "all": "all", "ended": "ended"}.get(self.view, "open")
            ),
            _uuid(self.site),
            kind=self.kind or None,
            priority=self.priority or None,
            text=self.text or None,
            category=self.category or None,
        )
        if self.view == "mine":
            return replace(wanted, assignee_id=visit.caller.person_id)
        if self.view == "free":
            return replace(wanted, states=RUNNING, unassigned=True)
        return replace(wanted, late_at=visit.reader.now) if self.view == "late" else wanted

    @property
    def by_deadline(self) -> bool:
        """Whether what is due first comes first: of what has ended nothing is due."""
        return self.view not in ("ended", "all")

    def asked(self, **changes: Any) -> dict[str, Any]:
        """What this list asks for with some changes, without what is empty."""
        values = {
            "view": self.view,
            "kind": self.kind,
            "priority": self.priority,
            "site": self.site,
            "q": self.text,
            "category": self.category,
        }
        return {key: value for key, value in {**values, **changes}.items() if value}

    def address(self, **changes: Any) -> str:
        """The query of this list with some changes."""
        return urlencode(self.asked(**changes))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(
            worded(mark("there is no such list")), problems=[worded(mark("site: choose one"))]
        ) from None


def chosen(
    view: str = "open",
    kind: str = "",
    priority: str = "",
    site: str = "",
    q: str = "",
    category: str = "",
) -> Choice:
    """The choice behind an address."""
    return Choice(view, kind, priority, site, q.strip(), category)


def _in_form(
    view: Text = "open",
    kind: Text = "",
    priority: Text = "",
    site: Text = "",
    q: Text = "",
    category: Text = "",
) -> Choice:
    return chosen(view, kind, priority, site, q, category)


Chosen = Annotated[Choice, Depends(chosen)]
# As a form sends it along.
FormChoice = Annotated[Choice, Depends(_in_form)]
