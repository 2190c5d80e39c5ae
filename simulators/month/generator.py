"""A seeded month: two hundred faults of every kind, fifty of the sensors, the field's mischief.

Written from what the field suffers and from what people on site would want to be told of, before
and apart from the rules that detect it. Every fault stands alone on its things, is repaired and
has its ticket closed, so that the next one has a ticket of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from random import Random
from typing import Any

from simulators.errors import BadInput
from simulators.faults.action import Action, Deed
from simulators.faults.disturb import within
from simulators.faults.plan import Expectation, Fault, FaultKind, FaultPlan, Limits
from simulators.faults.truth import with_truth
from simulators.month.agenda import DAY, HOUR, MINUTE, Agenda
from simulators.month.templates import EQUIPMENT, SENSORS, Template
from simulators.world.site import SimulatedSite

STEP = 5.0
MONTH_DAYS = 30.0
# Somebody goes round so often and closes what is repaired; a repair is seen to hold that long.
ROUND = 4 * HOUR
HOLDS = 40 * MINUTE
_CHATTER_MOVES = 10_000
# What water tells of itself where it comes and where it is missing.
FLOOD = (
    "water-leak",
    "pit-high-float",
    "pit-level-high-pump-off",
    "pit-pump-runs-too-long",
)
WATER, SMOKE, VIBRATION = frozenset(("water",)), frozenset(("smoke",)), frozenset(("vibration",))


def generate_month(
    site: SimulatedSite,
    *,
    seed: int,
    days: float = MONTH_DAYS,
    equipment: int = 200,
    sensors: int = 50,
    mischief: bool = True,
) -> FaultPlan:
    """A plan for `days`, with so many faults of equipment and of sensors, and what people do.

    mischief: also what the field does to every system: a fire test, a festival, a gateway lost for
    a night, downtime of the product, a power cut, a week-long hold, smoke in the midst of a flood.
    Raises BadInput when the site lacks the things or the plan the room for it.
    """
    made = _Month(site, Random(f"{seed}/month"), days * DAY)
    if mischief:
        made.add_mischief()
    made.add_some(SENSORS, sensors)
    made.add_some(EQUIPMENT, equipment)
    return made.plan(seed)


class _Month:
    def __init__(self, site: SimulatedSite, random: Random, duration: float) -> None:
        self.site = site
        self.duration = duration
        self.agenda = Agenda(random, duration)
        self._random = random
        self._faults = list[Fault]()
        self._actions = list[Action]()

    def plan(self, seed: int) -> FaultPlan:
        """Everything in order, with the truth and with everybody's repairs."""
        faults = sorted(self._faults, key=lambda one: one.start)
        bare = FaultPlan(tuple(faults), self.duration, seed, (), STEP, Limits())
        whole = with_truth(bare, self.site)
        strict = [replace(one, tolerated=_elsewhere(one)) for one in whole.faults]
        actions = [*self._actions, *self._repairs(strict), *self._tidying()]
        numbered = [
            replace(one, id=one.id or f"a{number:03}")
            for number, one in enumerate(sorted(actions, key=lambda one: one.at), 1)
        ]
        return replace(whole, faults=tuple(strict), actions=tuple(numbered))

    def add(self, kind: FaultKind, target: str, start: float, lasts: float, **given: Any) -> Fault:
        """Put a fault on the list; the caller has found it a time."""
        name = f"f{len(self._faults) + 1:03}"
        fault = Fault(name, kind, target, start, lasts, **given)
        self._faults.append(fault)
        return fault

    def act(self, do: Deed, at: float, **given: Any) -> Action:
        """Let somebody do something."""
        action = Action(f"m{len(self._actions) + 1:02}", at, do, **given)
        self._actions.append(action)
        return action

    def add_some(self, templates: Sequence[Template], count: int) -> None:
        """Faults of every template, as often as their shares say, `count` altogether."""
        usable = [one for one in templates if self.site.of_type(one.asset_type)]
        if not usable:
            raise BadInput(f"site {self.site.code!r} has nothing that could fail")
        order = list(usable)
        spread = [one for one in usable for _ in range(one.share - 1)]
        self._random.shuffle(spread)
        order += spread
        made = 0
        while made < count and order:
            template = order[made % len(order)]
            try:
                self._add_one(template)
                made += 1
            except BadInput:
                # All of its assets are taken; another kind of fault takes its turn.
                order = [one for one in order if one is not template]
        if made < count:
            raise BadInput(f"the plan has room for {made} of {count} faults only")

    def _add_one(self, template: Template) -> None:
        lasts = float(round(self._random.uniform(*template.lasts)))
        assets = [one.code for one in self.site.of_type(template.asset_type)]
        number, start = self.agenda.place(
            [frozenset((one,)) for one in assets], template.troubles, lasts
        )
        asset, options = assets[number], dict(template.options)
        target = asset
        if template.kind is FaultKind.BURST_PIPE:
            target = self.site.assets[asset].place[0]
            options = {"leaks": [asset], "pits": [], "mains": []}
        elif template.of_device:
            target = self.site.device_of(asset).code
        self.add(template.kind, target, start, lasts, options=options)

    def _repairs(self, faults: list[Fault]) -> list[Action]:
        """Every fault that has a ticket is repaired; on the next round its ticket is closed."""
        return [
            Action(
                "", min(_next_round(fault.end + HOLDS), self.duration - 60), Deed.CLOSE, fault.id
            )
            for fault in faults
            if fault.expected
        ]

    def _tidying(self) -> list[Action]:
        """Once a day somebody closes what was nothing after all."""
        days = int(self.duration / DAY)
        return [Action("", day * DAY + 30 * MINUTE, Deed.TIDY) for day in range(1, days)]

    def add_mischief(self) -> None:
        """What the field does to every system, each once."""
        self._riser_flood()
        self._whole_site()
        self._fire_test()
        self._festival()
        self._gateway_for_a_night()
        self._week_on_hold()
        self._planned_work()
        self._branch_cut()
        self._endless_chatter()

    def _whole_site(self) -> None:
        """Half an hour without mains; an hour without the product, in which a pipe bursts."""
        cut, away = 4 * DAY + 7 * HOUR, 11 * DAY + 13 * HOUR
        self.agenda.reserve_site(cut, 25 * MINUTE)
        top = [one for one in self.site.feeds if one not in self.site.supplied]
        if not top:
            raise BadInput(f"site {self.site.code!r} needs a board that feeds others")
        dark = self._dark(top[0], self.site.fed_by(top[0]), cut)
        self.add(FaultKind.SITE_POWER_CUT, "", cut, 25 * MINUTE, expected=dark)
        leak = self._pick("water_leak", WATER, away + 20 * MINUTE, 2 * HOUR)
        self.agenda.reserve_site(away, HOUR)
        self.add(FaultKind.PRODUCT_DOWN, "", away, HOUR)
        self.add(
            FaultKind.BURST_PIPE,
            self.site.assets[leak].place[0],
            away + 20 * MINUTE,
            2 * HOUR,
            options={"leaks": [leak], "pits": [], "mains": []},
            # Nobody can know before the product is back.
            expected=(Expectation(("water-leak",), leak, away + HOUR + 10 * MINUTE),),
        )
        broker = 18 * DAY + 3 * HOUR
        self.agenda.reserve_site(broker, 10 * MINUTE)
        self.add(FaultKind.BROKER_DOWN, "", broker, 10 * MINUTE)

    def _pick(self, asset_type: str, troubles: frozenset[str], start: float, lasts: float) -> str:
        """An asset of a type for a fault whose time is fixed."""
        assets = [
            one.code
            for one in self.site.of_type(asset_type)
            if self.agenda.is_free(frozenset((one.code,)), troubles, start, lasts)
        ]
        if not assets:
            raise BadInput(f"site {self.site.code!r} has no {asset_type} for this plan")
        chosen = self._random.choice(assets)
        self.agenda.reserve((chosen,), troubles, start, lasts)
        return chosen

    def _riser_flood(self) -> None:
        """A riser bursts: forty sensors, one incident; in the midst of it there is smoke."""
        space = _wettest(self.site)
        leaks = within(self.site, space, "water_leak")
        pits = within(self.site, space, "drainage_pit")
        start, lasts = DAY + 20 * HOUR, 40 * MINUTE
        troubles = ("water", FaultKind.PIT_FAILURE.value)
        self.agenda.reserve((*leaks, *pits), troubles, start, lasts)
        others = (*leaks[1:], *pits)
        self.add(
            FaultKind.BURST_PIPE,
            space,
            start,
            lasts,
            # The fire main is about lives, so its alarm would be nobody's child.
            options={"mains": []},
            flood=True,
            expected=(Expectation(FLOOD, leaks[0], start + 10 * MINUTE, others),),
        )
        detector = self._random.choice(within(self.site, space, "smoke_detector"))
        self.agenda.reserve((detector,), SMOKE, start + 4 * MINUTE, 10 * MINUTE)
        self.add(FaultKind.SMOKE, detector, start + 4 * MINUTE, 10 * MINUTE)

    def _fire_test(self) -> None:
        """A building's detectors are tried, sixty times, out of service; elsewhere it burns."""
        start, lasts = 14 * DAY + 2 * HOUR, 6 * HOUR
        space, elsewhere = _two_buildings(self.site)
        detectors = within(self.site, space, "smoke_detector")
        taken = self.act(
            Deed.OUT_OF_SERVICE,
            start - 20 * MINUTE,
            target=space,
            until=start + lasts + HOUR,
            reason="yearly test of the fire alarm system",
        )
        each = ceil(60 / len(detectors))
        self.agenda.reserve(detectors, SMOKE, start, lasts)
        for number, detector in enumerate(detectors):
            self.add(
                FaultKind.FALSE_SMOKE,
                detector,
                start + number * 2 * MINUTE,
                lasts - HOUR,
                options={"times": each, "every": (lasts - HOUR) / each},
                expected=(),
                needs=(taken.id,),
                flood=True,
            )
        burning = self._random.choice(within(self.site, elsewhere, "smoke_detector"))
        self.agenda.reserve((burning,), SMOKE, start + 3 * HOUR, 10 * MINUTE)
        self.add(FaultKind.SMOKE, burning, start + 3 * HOUR, 10 * MINUTE)

    def _festival(self) -> None:
        """An evening of burnt paper: detectors go off again and again; one ticket each."""
        start, lasts = 24 * DAY + 10 * HOUR, 4 * HOUR
        _, space = _two_buildings(self.site)
        detectors = within(self.site, space, "smoke_detector")
        self.agenda.reserve(detectors, SMOKE, start, lasts)
        for detector in detectors:
            first = start + self._random.uniform(0, 20 * MINUTE)
            self.add(
                FaultKind.FALSE_SMOKE,
                detector,
                float(round(first)),
                lasts,
                options={"times": 8, "every": 25 * MINUTE},
                flood=True,
            )

    def _gateway_for_a_night(self) -> None:
        """A gateway is away for nine hours, and two others for one."""
        gateways = [one for one in self.site.devices.values() if one.gateway]
        behind = [
            frozenset((one.asset, *(other.asset for other in self.site.behind(one.code))))
            for one in gateways
        ]
        for lasts in (9 * HOUR, HOUR, HOUR):
            number, start = self.agenda.place(behind, frozenset(("gateway",)), lasts)
            self.add(FaultKind.GATEWAY_LOST, gateways[number].code, start, lasts)

    def _week_on_hold(self) -> None:
        """A worn fan trips every day; the spare part takes a week, so its ticket is on hold."""
        lasts = 8 * DAY
        fans = [one.code for one in self.site.of_type("fan")]
        number, start = self.agenda.place([frozenset((one,)) for one in fans], VIBRATION, lasts)
        fault = self.add(
            FaultKind.FAN_FAILURE, fans[number], start, lasts, options={"mode": "worn"}
        )
        taken = start + DAY
        self.act(Deed.ACKNOWLEDGE, taken, fault=fault.id)
        self.act(Deed.ACCEPT, taken, fault=fault.id)
        self.act(
            Deed.HOLD,
            taken,
            fault=fault.id,
            until=taken + 7 * DAY,
            reason="the bearing has to be ordered",
        )

    def _planned_work(self) -> None:
        """A pump is overhauled, which nobody wants to hear of; of another it didn't help."""
        pumps = [one.code for one in self.site.of_type("pump")]
        for helped in (True, False):
            number, start = self.agenda.place(
                [frozenset((one,)) for one in pumps], VIBRATION, 6 * HOUR
            )
            pump, end = pumps[number], start + 4 * HOUR
            planned = self.act(
                Deed.PLAN_WORK, start, target=pump, until=end, reason="bearings are changed"
            )
            rules = ("pump-vibration-dangerous", "pump-vibration-high")
            after = Expectation(rules, pump, end + 20 * MINUTE)
            self.add(
                FaultKind.PUMP_FAILURE,
                pump,
                start + HOUR,
                (2 if helped else 5) * HOUR,
                options={"mode": "bearing"},
                expected=() if helped else (after,),
                needs=(planned.id,),
            )

    def _dark(self, board: str, fed: Iterable[str], start: float) -> tuple[Expectation, ...]:
        """One ticket at the board at the top; alarms of those that it feeds belong to that one."""
        boards = {one.code for one in self.site.of_type("distribution_board")}
        below = tuple(sorted(boards & set(fed) - {board}))
        return (Expectation(("mains-lost",), board, start + 15, below),)

    def _branch_cut(self) -> None:
        """The breaker of a board opens: one ticket there, none at what it feeds."""
        boards = [code for code in self.site.feeds if code in self.site.supplied]
        fed = [frozenset((code, *self.site.fed_by(code))) for code in boards]
        for _ in range(3):
            lasts = float(round(self._random.uniform(15, 25) * MINUTE))
            number, start = self.agenda.place(fed, frozenset(("mains",)), lasts)
            expected = self._dark(boards[number], fed[number], start)
            self.add(FaultKind.BRANCH_POWER_CUT, boards[number], start, lasts, expected=expected)

    def _endless_chatter(self) -> None:
        """A contact bounces ten thousand times: one ticket."""
        leaks = [one.code for one in self.site.of_type("water_leak")]
        lasts = _CHATTER_MOVES * STEP
        number, start = self.agenda.place([frozenset((one,)) for one in leaks], WATER, lasts)
        options = {"point": "leak", "low": False, "high": True, "period": STEP}
        device = self.site.device_of(leaks[number]).code
        self.add(FaultKind.CHATTER, device, start, lasts, options=options)


def _elsewhere(fault: Fault) -> tuple[Any, ...]:
    """Of what the truth tolerates, that on other assets: here one fault has one ticket."""
    if fault.kind in (FaultKind.SITE_POWER_CUT, FaultKind.BURST_PIPE):
        return ()
    own = {asset for one in fault.expected or () for asset in one.assets}
    return tuple(one for one in fault.tolerated if one.asset not in own)


def _next_round(at: float) -> float:
    return ceil(at / ROUND) * ROUND


def _wettest(site: SimulatedSite) -> str:
    """The building with the most leak sensors, among those with a smoke detector."""
    buildings = [one.place[0] for one in site.of_type("smoke_detector") if one.place]
    if not buildings:
        raise BadInput(f"site {site.code!r} has no building with smoke detectors")
    return max(sorted(set(buildings)), key=lambda one: len(within(site, one, "water_leak")))


def _two_buildings(site: SimulatedSite) -> tuple[str, str]:
    """Two buildings with smoke detectors, other than that of the flood as far as there are."""
    wet = _wettest(site)
    found = sorted({one.place[0] for one in site.of_type("smoke_detector") if one.place})
    dry = [one for one in found if one != wet]
    if len(dry) < 2:
        raise BadInput(f"site {site.code!r} needs three buildings with smoke detectors")
    return dry[0], dry[1]
