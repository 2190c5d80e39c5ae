"""An acceptance run, through a real broker, against a toy of the product."""

import io
import json
from dataclasses import replace

import httpx
import pytest
from rich.console import Console

from simulators.accept import Acceptance, accept, only, summary, table
from simulators.connection import BrokerAddress
from simulators.errors import ProductTrouble
from simulators.faults.action import Action, Deed
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.judgement import Outcome
from simulators.product import Product
from simulators.simulate import Pace
from tests.simulators.compound import NOON, SITE
from tests.simulators.listener import Listener, listening
from tests.simulators.toy_product import TOKEN, ToyProduct

QUIET = Console(file=io.StringIO())
SMOKE = Fault("f1", FaultKind.SMOKE, "b1-smoke-f9", 20, 60)
STUCK = Fault("f2", FaultKind.STUCK, "b2-board-main", 20, 60)
DUPLICATE = Fault("f3", FaultKind.DUPLICATE, "b3-pump-1", 20, 60)
OUTAGE = Fault("f4", FaultKind.PRODUCT_DOWN, "", 90, 10)
PLAN = FaultPlan((SMOKE, STUCK, DUPLICATE, OUTAGE), 120)
FULL_SPEED = Pace(True, "max")
# An hour later, so that what one test heard is before the next one's run.
_HOURS = iter(range(1, 100))


def ran(
    broker: BrokerAddress,
    plan: FaultPlan = PLAN,
    *,
    tickets_each: int = 1,
    deaf: bool = False,
    pace: Pace = FULL_SPEED,
) -> Acceptance:
    with listening(broker, "wk/v1/riverside/+/readings") as listener:
        toy = ToyProduct(listener, tickets_each, deaf)
        with Product("http://toy", TOKEN, transport=toy.transport()) as product:
            return accept(
                broker,
                product,
                SITE,
                plan,
                pace=pace,
                start=NOON + 3600 * next(_HOURS),
                settle=2,
                console=QUIET,
            )


def outcomes(acceptance: Acceptance) -> dict[str, Outcome]:
    return {verdict.fault: verdict.outcome for verdict in acceptance.judgement.verdicts}


def test_a_product_that_does_right_is_accepted(broker: BrokerAddress) -> None:
    acceptance = ran(broker)
    assert outcomes(acceptance) == {
        "f1": Outcome.RIGHT,
        "f2": Outcome.UNCOVERED,
        "f3": Outcome.QUIET,
        "f4": Outcome.SKIPPED,
    }
    assert acceptance.exit_status == 0
    smoke = acceptance.judgement.verdicts[0]
    assert smoke.delay is not None
    assert 5 < smoke.delay < 15


def test_below_full_speed_a_product_that_learns_late_is_late(broker: BrokerAddress) -> None:
    acceptance = ran(broker, FaultPlan((SMOKE,), 100), pace=Pace(True, 200))
    assert outcomes(acceptance) == {"f1": Outcome.LATE}
    assert acceptance.exit_status == 1


def test_a_run_follows_on_what_the_product_heard_last(broker: BrokerAddress) -> None:
    with listening(broker, "wk/v1/riverside/+/readings") as listener:
        toy = ToyProduct(listener)
        last = NOON + 3600 * next(_HOURS)
        reading = json.dumps({"ts": last, "smoke": False}).encode()
        listener.heard.append(("wk/v1/riverside/b1-lift-1/readings", reading, False))
        with Product("http://toy", TOKEN, transport=toy.transport()) as product:
            calm, pace = FaultPlan((DUPLICATE,), 120), FULL_SPEED
            acceptance = accept(broker, product, SITE, calm, pace=pace, settle=5, console=QUIET)
        listener.wait_for(lambda: len(listener.heard) > acceptance.messages // 2)
        times = [body["ts"] for body in listener.bodies("wk/v1/riverside/b1-lift-1/readings")]
    assert last < times[1] <= last + 7
    assert acceptance.exit_status == 0


def test_a_product_that_opens_two_tickets_is_not_accepted(broker: BrokerAddress) -> None:
    acceptance = ran(broker, tickets_each=2)
    assert outcomes(acceptance)["f1"] is Outcome.DOUBLED
    assert acceptance.exit_status == 1


def test_a_product_that_reads_nothing_is_not_accepted(broker: BrokerAddress) -> None:
    acceptance = ran(broker, deaf=True)
    assert outcomes(acceptance)["f1"] is Outcome.MISSING
    assert not acceptance.read_through
    assert acceptance.exit_status == 1


def test_a_ticket_that_nobody_asked_for_is_false(broker: BrokerAddress) -> None:
    mute = FaultPlan((Fault("f1", FaultKind.SMOKE, "b1-smoke-f9", 20, 60, expected=()),), 120)
    acceptance = ran(broker, mute)
    assert [one.asset for one in acceptance.judgement.false] == ["b1-smoke-f9"]
    assert acceptance.exit_status == 1


def test_what_was_there_before_is_left_out(broker: BrokerAddress) -> None:
    with listening(broker, "wk/v1/riverside/+/readings") as listener:
        toy = ToyProduct(listener)
        reading = b'{"ts": 1, "smoke": true}'
        listener.heard.append(("wk/v1/riverside/b2-smoke-f9/readings", reading, False))
        with Product("http://toy", TOKEN, transport=toy.transport()) as product:
            calm = FaultPlan((DUPLICATE,), 120)
            start = NOON + 3600 * next(_HOURS)
            acceptance = accept(
                broker, product, SITE, calm, pace=FULL_SPEED, start=start, settle=2, console=QUIET
            )
    assert acceptance.judgement.false == ()
    assert acceptance.exit_status == 0


def test_the_table_says_each_fault_and_the_summary_counts(broker: BrokerAddress) -> None:
    acceptance = ran(broker)
    screen = Console(file=io.StringIO(), width=200)
    screen.print(table(acceptance))
    written = screen.file.getvalue()  # type: ignore[attr-defined]
    for fault, outcome in outcomes(acceptance).items():
        assert any(fault in line and outcome.value in line for line in written.splitlines())
    assert "no command to stop and start it was given" in written
    assert summary(acceptance).startswith("1 right, 1 quiet, 1 uncovered, 1 skipped (")
    assert json.dumps(acceptance.judgement.as_json())


def test_a_plan_can_be_narrowed() -> None:
    narrow = only(PLAN, frozenset({FaultKind.SMOKE}))
    assert (narrow.faults, narrow.duration) == ((SMOKE,), 120)


def test_a_narrowed_plan_keeps_what_people_do_about_what_is_left() -> None:
    planned = Action("a1", 10, Deed.PLAN_WORK, target="b2-board-main", until=50)
    closed = Action("a2", 100, Deed.CLOSE, fault="f1")
    other = Action("a3", 100, Deed.CLOSE, fault="f2")
    tidied = Action("a4", 110, Deed.TIDY)
    plan = replace(PLAN, actions=(planned, closed, other, tidied))
    assert only(plan, frozenset({FaultKind.SMOKE})).actions == (closed, tidied)


def test_a_refused_token_is_said() -> None:
    toy = ToyProduct(Listener())
    with (
        Product("http://toy", "wkt_wrong", transport=toy.transport()) as product,
        pytest.raises(ProductTrouble, match="doesn't take this token"),
    ):
        product.rules()


def test_a_site_that_the_product_does_not_show_is_said() -> None:
    toy = ToyProduct(Listener())
    with Product("http://toy/", TOKEN, transport=toy.transport()) as product:
        assert product.site_id("riverside") == "s"
        with pytest.raises(ProductTrouble, match="shows no site 'elsewhere'"):
            product.site_id("elsewhere")
        with pytest.raises(ProductTrouble, match="no asset 'teapot'"):
            product.asset_id("s", "teapot")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(500, text="boom"), "/api/v1/rules answered 500: boom"),
        (httpx.Response(200, text="<html>"), "no answer of the product at http://toy/api/v1"),
    ],
)
def test_an_answer_that_is_none_is_said(answer: httpx.Response, message: str) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    with (
        Product("http://toy", TOKEN, transport=transport) as product,
        pytest.raises(ProductTrouble, match=message),
    ):
        product.rules()


def test_a_product_that_is_away_is_said() -> None:
    with (
        Product("http://127.0.0.1:1", TOKEN) as product,
        pytest.raises(ProductTrouble, match="no answer of the product"),
    ):
        product.rules()


def test_a_ticket_that_was_merged_counts_as_the_one_that_goes_on() -> None:
    at = "2026-01-05T04:00:00Z"
    episodes = [
        {
            "id": f"e{n}",
            "rule_id": "water-leak",
            "asset_code": f"leak-{n}",
            "tripped_at": at,
            "learned_at": at,
            "ticket_id": f"t{n}",
        }
        for n in (1, 2)
    ]
    shared = {"rule_id": "water-leak", "happened_at": at, "learned_at": at}
    tickets = [
        {"id": "t1", **shared},
        {"id": "t2", "merged_into_id": "t1", **shared},
        {"id": "t3", "merged_into_id": "t2", **shared},
    ]
    lists = {"/api/v1/episodes": episodes, "/api/v1/tickets": tickets}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"items": lists[request.url.path], "next": None})
    )
    with Product("http://toy", TOKEN, transport=transport) as product:
        assert [(one.id, one.ticket) for one in product.observed("s")] == [
            ("e1", "t1"),
            ("e2", "t1"),
        ]
