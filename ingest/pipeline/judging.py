"""Judging: rules look at what has changed; time and silence are judged on the receipt clock."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any
from uuid import UUID

from core.clock import MICROS
from ingest.health_rules import rule_failed
from ingest.pipeline.batch import Batch
from ingest.receipt_clock import ReceiptClock
from ingest.registry import Binding, DeviceState, PathState, PointState, Registry
from rules.engine import (
    AlarmState,
    Instance,
    Phase,
    Transition,
    TransitionKind,
    fire,
    next_wake,
    step,
)
from rules.members import asset_of
from rules.slots import ReceiptNow
from workflows.alarms import Finding, PointFacts, RuleFacts

# How soon a silent point is looked at again while its path is under suspicion.
LOOK_AGAIN = MICROS
# A path whose devices have no expected interval is under suspicion after this.
USUAL_SUSPICION = 30 * MICROS
_STANDING = (Phase.ACTIVE, Phase.CLEARING)


class Judge:
    """Runs the rules of a registry and writes what they find into the batch of the moment."""

    def __init__(self, registry: Registry, clock: ReceiptClock, now: ReceiptNow) -> None:
        self.registry = registry
        self.clock = clock
        self.now = now
        self.batch = Batch()
        self._wakes: list[tuple[int, int, Instance]] = []
        self._planned: dict[Instance, int] = {}
        self._order = count()
        self.plan(registry.bindings)

    def replace(self, registry: Registry) -> None:
        """Go on with another registry, whose states are in place already."""
        self.registry = registry
        self._wakes.clear()
        self._planned.clear()
        self.plan(registry.bindings)

    def plan(self, instances: Iterable[Instance]) -> None:
        """Note when each instance must next be looked at although nothing is heard."""
        for instance in instances:
            wake = next_wake(instance)
            if wake is not None:
                self._plan(instance, wake)

    def _plan(self, instance: Instance, wake: int) -> None:
        planned = self._planned.get(instance)
        if planned is None or wake < planned:
            self._planned[instance] = wake
            heapq.heappush(self._wakes, (wake, next(self._order), instance))

    def judge(self, device: DeviceState, at: int) -> None:
        """Readings of `device` at event time `at` (µs) were just taken in."""
        receipt = self.now.now
        for instance in device.instances:
            try:
                something = instance.test()
            except ArithmeticError:
                something = True
            if something:
                self._judge_one(instance, at, receipt)

    def _judge_one(self, instance: Instance, at: int, receipt: int) -> None:
        when = instance.time_of(at)
        if when is not None:
            self.step(instance, when, receipt)

    def step(self, instance: Instance, at: int, receipt: int) -> None:
        """Move one alarm by the readings just taken in."""
        transitions = step(instance, at, receipt)
        if transitions:
            self._found(instance, transitions)
        elif instance.past is not None:
            # Its first reading in a while: from now on readings leave its windows in quiet.
            self.plan((instance,))

    def keep(self, device: DeviceState) -> None:
        """Readings of `device` were taken in that are not to be judged: windows have them all the
        same, as they would after a restart."""
        for instance in device.instances:
            if instance.past is not None:
                instance.past.take_in()
                self.plan((instance,))

    def heard(self, path: PathState) -> None:
        """Something was heard through a path that was silent: its devices get a fresh start.

        Not the points of an alarm that stands for their silence: they are yet to be heard.
        """
        receipt = self.now.now
        path.alert = False
        # One less than the present, so that no point that is heard now looks like it.
        path.fresh = receipt - 1
        for device in path.devices:
            blamed = self._blamed(device)
            for point in device.points.values():
                point.excused = False
                if point not in blamed:
                    point.heard = max(point.heard, path.fresh)
            self.plan(device.instances)
        for instance in path.instances:
            self.step(instance, receipt, receipt)
            if instance.state.phase is not Phase.NORMAL:
                path.alert = True

    def _blamed(self, device: DeviceState) -> set[PointState]:
        return {
            point
            for instance in device.instances
            if instance.rule.on_receipt_clock and instance.state.phase in _STANDING
            for point in self.registry.bindings[instance].points
        }

    def turn(self) -> None:
        """The receipt clock has moved: fire what has come due."""
        receipt = self.now.now
        wakes = self._wakes
        while wakes and wakes[0][0] <= receipt:
            wake, _, instance = heapq.heappop(wakes)
            if self._planned.get(instance) != wake:
                continue
            del self._planned[instance]
            due = next_wake(instance)
            if due is None:
                continue
            if due <= receipt:
                self._fire(instance, receipt)
                due = next_wake(instance)
            if due is not None:
                self._plan(instance, max(due, receipt + LOOK_AGAIN) if due <= receipt else due)

    def _fire(self, instance: Instance, receipt: int) -> None:
        binding = self.registry.bindings[instance]
        if binding.on_receipt_clock:
            self._excuse(binding, receipt)
        transitions = fire(instance, receipt)
        if transitions:
            self._found(instance, transitions)
        if binding.path is not None and instance.state.phase is not Phase.NORMAL:
            binding.path.alert = True

    def _excuse(self, binding: Binding, receipt: int) -> None:
        """Points behind a path that seems silent itself are not to blame for their silence."""
        for point in binding.points:
            for path in point.paths:
                if path.instances and _suspicious(path, point, receipt):
                    point.excused = True
                    path.alert = True

    def _found(self, instance: Instance, transitions: list[Transition]) -> None:
        binding = self.registry.bindings[instance]
        for transition in transitions:
            at = transition.at
            if binding.on_receipt_clock:
                at = self.clock.wall(at)
            self._add(binding, binding.facts, transition, at)
            failing = transition.kind in (TransitionKind.FAILED, TransitionKind.RECOVERED)
            if failing and binding.facts.shadow is None:
                self._rule_itself(binding, transition, at)
        wake = next_wake(instance)
        if wake is not None:
            self._plan(instance, wake)

    def _add(self, binding: Binding, facts: RuleFacts, transition: Transition, at: int) -> None:
        self.batch.findings.append(
            Finding(
                site_id=binding.site_id,
                asset_id=binding.asset_id,
                space_id=binding.space_id,
                rule=facts,
                transition=transition,
                at=at,
                points=_point_facts(binding),
                also=_also(binding, transition),
            )
        )

    def _rule_itself(self, binding: Binding, transition: Transition, at: int) -> None:
        """A rule that cannot be evaluated is an alarm on the rule, not silence."""
        failed = transition.kind is TransitionKind.FAILED
        reason = transition.after.failing or transition.reason
        self._add(
            binding, rule_failed(binding.facts), standalone(at, tripped=failed, reason=reason), at
        )

    def report(
        self,
        facts: RuleFacts,
        device: DeviceState,
        asset_id: UUID,
        space_id: UUID | None,
        at: int,
        *,
        tripped: bool,
        reason: str,
    ) -> None:
        """An alarm of ours about a device, which no rule document holds."""
        self.batch.findings.append(
            Finding(
                site_id=device.site.site_id,
                asset_id=asset_id,
                space_id=space_id,
                rule=facts,
                transition=standalone(at, tripped=tripped, reason=reason),
                at=at,
                points={},
                also={"device": device.code},
            )
        )


def standalone(at: int, *, tripped: bool, reason: str) -> Transition:
    """A transition without a rule document behind it."""
    before = AlarmState(phase=Phase.NORMAL if tripped else Phase.ACTIVE)
    after = AlarmState(
        phase=Phase.ACTIVE if tripped else Phase.NORMAL,
        since=at,
        changed_at=at,
        tripped_at=at if tripped else None,
        cleared_at=None if tripped else at,
    )
    kind = TransitionKind.TRIPPED if tripped else TransitionKind.CLEARED
    return Transition(kind=kind, at=at, before=before, after=after, inputs=(), reason=reason)


def _suspicious(path: PathState, point: PointState, receipt: int) -> bool:
    """Whether the path may be to blame for the silence of `point`.

    After a fresh start only those that were heard since tell how often the path should be: else
    the quickest device, gone for good, would be excused again and again.
    """
    quickest = path.quickest
    if point.heard == path.fresh:
        quickest = min(_intervals_heard_since(path), default=0)
    return receipt - path.heard > (2 * quickest or USUAL_SUSPICION)


def _intervals_heard_since(path: PathState) -> Iterator[int]:
    for device in path.devices:
        for point in device.points.values():
            if point.interval and point.heard > path.fresh:
                yield point.interval


def _point_facts(binding: Binding) -> dict[str, PointFacts]:
    facts = {point.code: PointFacts(point.series, point.unit) for point in binding.points}
    for key, point in binding.members.items():
        facts[key] = PointFacts(point.series, point.unit)
    return facts


def _also(binding: Binding, transition: Transition) -> dict[str, Any]:
    if transition.kind is not TransitionKind.TRIPPED:
        return {}
    if binding.path is not None:
        path = binding.path
        return {"devices": sorted(one.code for one in path.devices if one.path is not path)}
    if binding.watches_every_point:
        return {"silent": sorted(point.code for point in binding.points if not point.excused)}
    if binding.others:
        codes = {asset_of(each.point) for each in transition.inputs}
        asked = {code: one for code, one in binding.others.items() if code in codes}
        return {"assets": {c: {"type": o.type, "name": dict(o.name)} for c, o in asked.items()}}
    return {}
