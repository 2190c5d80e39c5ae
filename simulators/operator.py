"""The people of a run: what the plan wants them to do, done through the API of the product."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from simulators.colleague import invite_colleague
from simulators.errors import ProductTrouble, Refusal
from simulators.faults.action import Action, Deed
from simulators.faults.disturb import within
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.judgement import AFTERMATH
from simulators.picture import picture
from simulators.product import Product
from simulators.world.site import SimulatedSite

_ABSENT = (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED)
_ENDED = ("closed", "cancelled", "merged")
# The role of the second person, who may confirm what the first one asks for.
_SECOND = "supervisor"
# From wherever a ticket stands to its end; each step is taken if the product offers it.
_WAY = ("resume", "accept", "resolve", "verify", "close")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action. trouble: why it was not done; empty when it was."""

    action: str
    do: str
    trouble: str = ""
    absent: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return not self.trouble


class Operator:
    """Does the actions of a plan. start: the first moment of the run, seconds since the epoch."""

    def __init__(
        self, product: Product, site: SimulatedSite, plan: FaultPlan, start: float
    ) -> None:
        self._product = product
        self._simulated = site
        self._site = product.site_id(site.code)
        self._start = start
        self._plan = plan
        self._faults = {fault.id: fault for fault in plan.faults}
        self._assets, self._spaces = product.places(self._site)
        self._second: Product | None = None
        self._pictures = 0
        self._deeds: Mapping[Deed, Callable[[Action], None]] = {
            Deed.ACKNOWLEDGE: self._acknowledge,
            Deed.SHELVE: self._shelve,
            Deed.ACCEPT: self._accept,
            Deed.HOLD: self._hold,
            Deed.CLOSE: self._close,
            Deed.TIDY: self._tidy,
            Deed.PLAN_WORK: self._plan_work,
            Deed.OUT_OF_SERVICE: self._take_out,
        }

    def do(self, action: Action) -> Done:
        """Do one thing; whatever the product says against it becomes its trouble."""
        try:
            self._deeds[action.do](action)
        except Refusal as refusal:
            return Done(action.id, action.do.value, str(refusal), refusal.status in _ABSENT)
        except ProductTrouble as trouble:
            return Done(action.id, action.do.value, str(trouble))
        return Done(action.id, action.do.value)

    # What belongs to a fault.

    def _episodes(self, fault: Fault) -> list[dict[str, Any]]:
        """The newest alarm episodes that belong to the expectations of a fault."""
        begin, end = self._start + fault.start - 1, self._start + fault.end + AFTERMATH
        found = list[dict[str, Any]]()
        for expected in fault.expected or ():
            for asset in sorted(expected.assets):
                newest = self._product.first("/episodes", asset=self._asset(asset))
                found += [one for one in newest if one["rule_id"] in expected.rules]
        return [one for one in found if begin <= _seconds(one["tripped_at"]) <= end]

    def _tickets(self, fault: Fault) -> list[dict[str, Any]]:
        names = dict.fromkeys(
            str(one["ticket_id"]) for one in self._episodes(fault) if one["ticket_id"]
        )
        found = [self._product.read(f"/tickets/{name}") for name in names]
        # What was merged goes on in another ticket, which is among them.
        return [ticket for ticket in found if ticket["state"] != "merged"]

    def _asset(self, code: str) -> str:
        if code not in self._assets:
            raise ProductTrouble(f"the product knows no asset {code!r}")
        return self._assets[code]

    def _moment(self, action: Action) -> str:
        at = datetime.fromtimestamp(self._start + (action.until or 0.0), UTC)
        return at.isoformat().replace("+00:00", "Z")

    # What people do.

    def _acknowledge(self, action: Action) -> None:
        for alarm in dict.fromkeys(
            str(one["alarm_id"]) for one in self._episodes(self._faults[action.fault])
        ):
            if self._product.read(f"/alarms/{alarm}")["state"] == "unacknowledged":
                self._product.send(f"/alarms/{alarm}/acknowledge")

    def _shelve(self, action: Action) -> None:
        minutes = max(1, int(((action.until or 0.0) - action.at) / 60))
        for alarm in dict.fromkeys(
            str(one["alarm_id"]) for one in self._episodes(self._faults[action.fault])
        ):
            body = {"minutes": minutes, "reason": action.reason or "shelved by the plan"}
            self._product.send(f"/alarms/{alarm}/shelve", body)

    def _accept(self, action: Action) -> None:
        for ticket in self._tickets(self._faults[action.fault]):
            if "accept" in ticket["actions"]:
                self._product.send(f"/tickets/{ticket['id']}/actions/accept")

    def _hold(self, action: Action) -> None:
        tickets = self._tickets(self._faults[action.fault])
        if not tickets:
            raise ProductTrouble("there is no ticket to hold")
        for ticket in tickets:
            body = {"until": self._moment(action), "note": action.reason or "held by the plan"}
            self._product.send(f"/tickets/{ticket['id']}/actions/hold", body)

    def _close(self, action: Action) -> None:
        fault = self._faults[action.fault]
        burnt = fault.kind is FaultKind.SMOKE
        for ticket in self._tickets(fault):
            self._end(ticket, "real" if fault.kind is not FaultKind.FALSE_SMOKE else "false", burnt)

    def _tidy(self, action: Action) -> None:
        """Close what has recovered and belongs to no fault that is still under way."""
        busy = {
            asset
            for fault in self._plan.faults
            if fault.start - 3600 <= action.at <= fault.end + 6 * 3600
            for one in fault.expected or ()
            for asset in one.assets
        }
        found = list(self._product.items("/tickets", site=self._site, state="open"))
        for ticket in found:
            recovered = ticket["rule_id"] and ticket["recovered_at"]
            if recovered and ticket["state"] != "on_hold" and ticket["asset_code"] not in busy:
                self._end(self._product.read(f"/tickets/{ticket['id']}"), "false", burnt=False)

    def _end(self, ticket: dict[str, Any], verdict: str, burnt: bool) -> None:
        """Take a ticket from wherever it stands to its end."""
        path = f"/tickets/{ticket['id']}"
        if ticket.get("fire_alarm"):
            ticket = self._look(ticket, burnt)
        for step in _WAY:
            if step in ticket["actions"]:
                body = {"verdict": verdict} if step == "resolve" else {}
                ticket = self._product.send(f"{path}/actions/{step}", body)
        if ticket["state"] not in _ENDED:
            raise ProductTrouble(f"ticket {ticket['number']} stays {ticket['state']}")

    def _look(self, ticket: dict[str, Any], burnt: bool) -> dict[str, Any]:
        """Go and see about a fire alarm: it burns, or a photo shows that it doesn't."""
        path, state = f"/tickets/{ticket['id']}", ticket["fire_alarm"]["state"]
        if burnt and state in ("unseen", "seen"):
            ticket = self._product.send(f"{path}/fire-alarm/fire")
            state = ticket["fire_alarm"]["state"]
        if burnt and state == "fire":
            return self._product.send(f"{path}/fire-alarm/answer")
        if burnt or state == "not_fire":
            return ticket
        self._pictures += 1
        shown = self._product.put_photo(str(ticket["id"]), picture(self._pictures))
        body = {"cause": "other", "photo_id": shown["photos"][-1]["id"]}
        step = "clear" if state in ("unseen", "seen") else "stand-down"
        return self._product.send(f"{path}/fire-alarm/{step}", body)

    def _plan_work(self, action: Action) -> None:
        at = datetime.fromtimestamp(self._start + action.at, UTC).isoformat()
        body = {
            "site_id": self._site,
            "kind": "maintenance",
            "starts_at": at,
            "ends_at": self._moment(action),
            "reason": action.reason or "planned by the plan",
        }
        key = "asset_ids" if action.target in self._assets else "space_ids"
        known = self._assets if action.target in self._assets else self._spaces
        if action.target not in known:
            raise ProductTrouble(f"the product knows no {action.target!r}")
        self._product.send("/planned-work", body | {key: [known[action.target]]})

    def _take_out(self, action: Action) -> None:
        """One asks, another confirms, for every detector."""
        if self._second is None:
            self._second = invite_colleague(self._product, self._site, _SECOND)
        body = {
            "until": self._moment(action),
            "reason": action.reason or "taken out by the plan",
            "patrol": "two guards walk the floors",
        }
        for asset, rule in self._out_of_service(action.target):
            alarm = self._product.send(f"/assets/{asset}/alarms/{rule}", method="PUT")
            asked = self._product.send(f"/alarms/{alarm['id']}/out-of-service", body)
            if asked["state"] == "asked":
                self._second.send(f"/withholdings/{asked['id']}/confirm")

    def _out_of_service(self, target: str) -> Iterable[tuple[str, str]]:
        """Asset and rule of every smoke alarm of a detector, or of a space and all below it."""
        found = [target] if target in self._assets else []
        if target in self._spaces:
            found = within(self._simulated, target, "smoke_detector")
        if not found:
            raise ProductTrouble(f"there is no smoke detector at {target!r}")
        for code in found:
            yield self._asset(code), "smoke-detected"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
