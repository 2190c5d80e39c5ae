"""What people do in a run, against a small stand-in for the product's API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from simulators.faults.action import Action, Deed
from simulators.faults.plan import Expectation, Fault, FaultKind, FaultPlan
from simulators.operator import Done, Operator
from simulators.product import Product
from simulators.world.site import MONTH_SITE, read_site
from tests.simulators.compound import NOON

SITE = read_site(MONTH_SITE)
LEAK = Fault(
    "f1",
    FaultKind.BURST_PIPE,
    "t1",
    600,
    600,
    expected=(Expectation(("water-leak",), "t1-leak", 610),),
)
SMOKE = Fault(
    "f2",
    FaultKind.SMOKE,
    "t1-smoke-f3",
    600,
    600,
    expected=(Expectation(("smoke-detected",), "t1-smoke-f3", 625),),
)
PAPER = Fault("f3", FaultKind.FALSE_SMOKE, "t1-smoke-f3", 600, 600, expected=SMOKE.expected)
PLAN = FaultPlan((LEAK, SMOKE, PAPER), 7200)
NEXT = {
    "open": ("accept",),
    "assigned": ("hold", "resolve"),
    "on_hold": ("resume",),
    "resolved": ("verify",),
    "verified": ("close",),
    "closed": (),
}
TO = {
    "accept": "assigned",
    "hold": "on_hold",
    "resume": "assigned",
    "resolve": "resolved",
    "verify": "verified",
    "close": "closed",
}


class Api:
    """One leak and one smoke alarm with their tickets. sent: every change asked for.

    absent: the first words of paths that this version doesn't have.
    """

    def __init__(self, absent: tuple[str, ...] = ()) -> None:
        self.sent = list[tuple[str, Any]]()
        self.absent = absent
        self.tickets = {
            "k1": self._ticket("k1", "t1-leak", "water-leak", None),
            "k2": self._ticket("k2", "t1-smoke-f3", "smoke-detected", {"state": "unseen"}),
        }

    def _ticket(self, name: str, asset: str, rule: str, fire: Any) -> dict[str, Any]:
        return {
            "id": name,
            "number": 1,
            "state": "open",
            "asset_code": asset,
            "rule_id": rule,
            "recovered_at": written(700),
            "fire_alarm": fire,
            "photos": [],
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        if path.startswith(self.absent or ("\n",)):
            return httpx.Response(404, json={"title": "Not Found"})
        if request.method != "GET":
            is_json = request.headers.get("Content-Type") == "application/json"
            self.sent.append(
                (
                    path,
                    httpx.Response(200, content=request.content).json()
                    if is_json and request.content
                    else None,
                )
            )
        known: dict[str, Callable[[httpx.Request], Any]] = {
            "/tree": lambda request: self._tree(),
            "/episodes": self._episodes,
            "/tickets": lambda request: {"items": list(self.tickets.values()), "next": None},
        }
        if path in known:
            return httpx.Response(200, json=known[path](request))
        return self._deed(path.strip("/").split("/"))

    def _tree(self) -> dict[str, Any]:
        node = {"id": "s", "kind": "site", "code": "lakeside"}
        assets = [{"id": code, "code": code, "site_id": "s"} for code in SITE.assets]
        return {"nodes": [node], "assets": assets, "spaces": []}

    def _episodes(self, request: httpx.Request) -> Any:
        items = [
            {
                "alarm_id": f"alarm-{one['id']}",
                "ticket_id": one["id"],
                "rule_id": one["rule_id"],
                "tripped_at": written(at),
            }
            for one in self.tickets.values()
            for at in (605, 5000)
            if one["asset_code"] == request.url.params["asset"]
        ]
        return {"items": items, "next": None}

    def _deed(self, words: list[str]) -> httpx.Response:
        if words[0] == "alarms" and len(words) == 2:
            return httpx.Response(200, json={"state": "unacknowledged"})
        if words[0] != "tickets":
            return httpx.Response(200, json={"id": "x", "state": "standing"})
        ticket = self.tickets[words[1]]
        if "photos" in words:
            ticket["photos"].append({"id": "p1"})
        if "fire-alarm" in words:
            ends = {"clear": "not_fire", "fire": "fire", "answer": "answered"}
            ticket["fire_alarm"] = {"state": ends[words[-1]]}
            ticket["state"] = "resolved" if words[-1] == "clear" else "assigned"
        if "actions" in words:
            if words[-1] not in NEXT[ticket["state"]]:
                return httpx.Response(409, json={"title": "no"})
            ticket["state"] = TO[words[-1]]
        return httpx.Response(200, json=ticket | {"actions": NEXT[ticket["state"]]})

    @property
    def paths(self) -> list[str]:
        """Where something was asked for, in order."""
        return [path for path, _ in self.sent]


def written(at: float) -> str:
    return datetime.fromtimestamp(NOON + at, UTC).isoformat()


def did(api: Api, do: Deed, **given: Any) -> Done:
    with Product("http://toy", "t", transport=httpx.MockTransport(api.answer)) as product:
        return Operator(product, SITE, PLAN, NOON).do(Action("a1", 2000, do, **given))


def test_a_repaired_leak_goes_all_the_way() -> None:
    api = Api()
    assert did(api, Deed.CLOSE, fault="f1").ok
    assert [path.split("/")[-1] for path in api.paths] == ["accept", "resolve", "verify", "close"]
    assert api.sent[1][1] == {"verdict": "real"}
    assert api.tickets["k1"]["state"] == "closed"
    assert api.tickets["k2"]["state"] == "open"


def test_a_fire_is_pressed_answered_and_closed_as_real() -> None:
    api = Api()
    assert did(api, Deed.CLOSE, fault="f2").ok
    steps = [path.split("/")[-1] for path in api.paths]
    assert steps == ["fire", "answer", "resolve", "verify", "close"]


def test_burnt_paper_is_shown_with_a_photo() -> None:
    api = Api()
    assert did(api, Deed.CLOSE, fault="f3").ok
    assert [path.split("/")[-1] for path in api.paths] == ["photos", "clear", "verify", "close"]
    assert api.sent[1][1] == {"cause": "other", "photo_id": "p1"}


def test_a_ticket_is_acknowledged_taken_and_held() -> None:
    api = Api()
    assert did(api, Deed.ACKNOWLEDGE, fault="f1").ok
    assert did(api, Deed.ACCEPT, fault="f1").ok
    assert did(api, Deed.HOLD, fault="f1", until=3600.0, reason="spare part").ok
    assert api.paths[0] == "/alarms/alarm-k1/acknowledge"
    assert api.sent[-1][1]["note"] == "spare part"
    assert datetime.fromisoformat(api.sent[-1][1]["until"]).timestamp() == NOON + 3600
    assert did(api, Deed.CLOSE, fault="f1").ok, "a held ticket is resumed first"


def test_only_what_recovered_and_belongs_to_no_fault_is_tidied() -> None:
    api = Api()
    api.tickets["k3"] = api._ticket("k3", "t2-fan", "fan-vibration-high", None)
    api.tickets["k4"] = api.tickets["k3"] | {"id": "k4", "recovered_at": None}
    assert did(api, Deed.TIDY).ok
    assert {name: one["state"] for name, one in api.tickets.items()} == {
        "k1": "open",
        "k2": "open",
        "k3": "closed",
        "k4": "open",
    }


def test_work_is_planned_on_an_asset() -> None:
    api = Api()
    assert did(api, Deed.PLAN_WORK, target="t1-pump-1", until=9000.0, reason="bearings").ok
    path, body = api.sent[0]
    assert (path, body["asset_ids"], body["reason"]) == ("/planned-work", ["t1-pump-1"], "bearings")
    assert datetime.fromisoformat(body["ends_at"]).timestamp() == NOON + 9000


def test_what_the_product_has_no_door_for_is_said() -> None:
    done = did(Api(absent=("/planned-work",)), Deed.PLAN_WORK, target="t1-pump-1", until=9000.0)
    assert (done.ok, done.absent) == (False, True)
    assert "/api/v1/planned-work answered 404" in done.trouble


@pytest.mark.parametrize(
    ("do", "given", "words"),
    [
        (Deed.PLAN_WORK, {"target": "teapot", "until": 9000.0}, "knows no 'teapot'"),
        (Deed.ACCEPT, {"fault": "f9"}, "knows no asset 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_said(do: Deed, given: dict[str, Any], words: str) -> None:
    lost = Fault(
        "f9", FaultKind.SMOKE, "x", 1, 2, expected=(Expectation(("smoke",), "nowhere", 2),)
    )
    plan = FaultPlan((lost,), 60)
    transport = httpx.MockTransport(Api().answer)
    with Product("http://toy", "t", transport=transport) as product:
        done = Operator(product, SITE, plan, NOON).do(Action("a1", 10, do, **given))
    assert words in done.trouble


def test_a_refused_step_is_said_and_nothing_breaks() -> None:
    api = Api()
    api.tickets["k1"]["state"] = "closed"
    done = did(api, Deed.HOLD, fault="f1", until=3600.0)
    assert not done.ok
    assert not done.absent
    assert "409" in done.trouble
