"""The alarm's state machine: readings and time in, transitions with their reasons out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

from rules.durations import SECOND
from rules.hours import Hours
from rules.instance import BindError, Held, Instance
from rules.legs import TRIPPING, Leg
from rules.members import Member, Others
from rules.past import Past
from rules.rule import Delay, Rule
from rules.slots import ReceiptNow, Slot
from rules.states import AlarmState, Input, Phase, Transition, TransitionKind

__all__ = [
    "GRACE",
    "NO_OTHERS",
    "AlarmState",
    "BindError",
    "Input",
    "Instance",
    "Member",
    "Others",
    "Phase",
    "ReceiptNow",
    "Slot",
    "Transition",
    "TransitionKind",
    "adopt",
    "bind",
    "fire",
    "next_wake",
    "restore",
    "step",
]

# A reading that ends a delay in time may still be under way when the receipt clock gets there.
GRACE = SECOND
NO_OTHERS: Others = MappingProxyType({})
NO_HOURS: Mapping[str, Hours] = MappingProxyType({})


def bind(
    rule: Rule,
    asset_id: str,
    slots: Mapping[str, Slot],
    now: ReceiptNow,
    path: Slot | None = None,
    hours: Mapping[str, Hours] = NO_HOURS,
    others: Others = NO_OTHERS,
    zone: tzinfo | None = None,
) -> Instance:
    """`rule` on the asset whose points are `slots`, all of them, by code.

    Alternatives that name a point which the asset lacks are left out of the conditions; what
    can't be told without it is never true. `path` is the asset itself as a way to others:
    its `heard` moves with everything that comes from it or through it. hours: the calendars and
    shifts of its site, by name. others: the assets on each branch that the rule asks about.
    zone: local time, by which baselines know the seasons.
    Raises BindError when nothing that the rule judges is there, or the site has no such hours.
    """
    if lacking := sorted(rule.hours - hours.keys()):
        raise BindError(f"{rule.id}: there are no hours called {', '.join(lacking)} here")
    named = any(code in slots for code in rule.points)
    silence = rule.watches_every_point or (rule.on_receipt_clock and path is not None)
    made = Instance(rule, asset_id, slots, now, path, hours, others, zone)
    if made.members is not None and not made.members.empty:
        return made
    if not named and not silence:
        points = ", ".join(rule.points) or "path"
        raise BindError(f"{rule.id}: the asset has none of its points ({points})")
    return made


def restore(instance: Instance, state: AlarmState, earlier: Instance | None = None) -> None:
    """Continues from a persisted state; the slots must hold their persisted values already.

    earlier: the instance from which it takes over while the process runs.
    """
    instance.state = state
    instance.rejudge = earlier is not None and earlier.rejudge
    if instance.members is not None:
        # Who is asked may have changed meanwhile.
        asked = earlier.members.watched if earlier and earlier.members else state.seen
        instance.rejudge |= instance.members.catch_up(state.seen, asked)
    instance.judged = max(state.changed_at, instance.last_heard())
    instance.held = instance.snapshot() if instance.running else None
    instance.retest()


def adopt(instance: Instance, old_state: AlarmState) -> None:
    """A new version takes over: a standing alarm is inherited, running timers start again.

    They start at the next reading, or at the next `fire` when the device is quiet.
    """
    restore(instance, old_state)
    if instance.running:
        rest = instance.leg.rest
        instance.state = replace(
            old_state, phase=rest, since=None, due=None, due_receipt=None, count=0
        )
        instance.held = None
        instance.rejudge = True
        instance.retest()


def step(instance: Instance, at: int, receipt: int) -> list[Transition]:
    """Judges the values that were just applied for event time `at`, received at `receipt` (µs).

    A timer due before `at` fires first, with its own time; at the same instant the reading
    goes first. A reading not newer than the last transition is ignored. Rules that silence
    decides take `receipt` for `at`; silence that ended with this message must have been judged
    by `fire` before it was applied. Rules with windows are judged at every instant on the way at
    which a reading leaves a window.
    """
    rule = instance.rule
    if instance.past is not None:
        return _step_windows(instance, instance.past, at, receipt)
    if rule.on_receipt_clock:
        at = receipt
    if at <= instance.state.changed_at:
        return []
    out: list[Transition] = []
    with instance.at_instant(receipt):
        instance.rejudge = False
        _end_delay(instance, at - 1, out)
        _judge(instance, at, receipt, out)
        _end_delay(instance, at, out)
    instance.judged = receipt
    if out:
        instance.retest()
    return out


def fire(instance: Instance, receipt_now: int) -> list[Transition]:
    """Moves the alarm by the receipt clock: expired delays of quiet devices, and silence.

    Must also be called when a path falls silent or is heard again, which excuses its points or
    no longer does.
    """
    out: list[Transition] = []
    if instance.rule.on_receipt_clock:
        _fire_silence(instance, receipt_now, out)
    else:
        _fire_delay(instance, receipt_now, out)
    if out:
        instance.retest()
    return out


def next_wake(instance: Instance) -> int | None:
    """The receipt instant in µs of the next `fire` that could matter; None = only a message can.

    Readings move it later, never earlier, unless `step` returned transitions or a point was
    heard for the first time. So an old wake may be kept: its `fire` then does nothing.
    """
    state = instance.state
    if instance.rejudge:
        return 0
    if instance.past is not None:
        wakes = (state.due_receipt, _next_leaving(instance.past))
        return min((wake for wake in wakes if wake is not None), default=None)
    if not instance.rule.on_receipt_clock:
        return state.due_receipt
    flip = instance.next_flip(max(instance.judged, state.changed_at))
    if state.due_receipt is None:
        return flip
    return state.due_receipt if flip is None else min(flip, state.due_receipt)


def _fire_delay(instance: Instance, receipt_now: int, out: list[Transition]) -> None:
    if instance.rejudge:
        _judge_again(instance, receipt_now, out)
        if instance.past is None:
            return
    if instance.past is not None:
        _fire_windows(instance, instance.past, receipt_now, out)
    state = instance.state
    if state.due is not None and (state.due_receipt or 0) <= receipt_now:
        _end_delay(instance, state.due, out)


def _judge_again(instance: Instance, receipt_now: int, out: list[Transition]) -> None:
    """Judges the present values once more, since who is asked or the version has changed."""
    instance.rejudge = False
    newest = instance.newest()
    if not newest:
        # Nothing was heard yet, so there is no time that a decision could bear.
        return
    after = 0 if instance.members is None else 1
    at = max(newest, instance.state.changed_at + after)
    if instance.past is not None:
        _bring(instance, instance.past, at, receipt_now, out)
    _end_delay(instance, at - 1, out)
    _judge(instance, at, receipt_now, out)


def _next_leaving(past: Past) -> int | None:
    wake = past.reckon()
    return None if wake is None else wake + GRACE


def _step_windows(instance: Instance, past: Past, at: int, receipt: int) -> list[Transition]:
    out: list[Transition] = []
    with instance.at_instant(receipt):
        instance.rejudge = False
        _bring(instance, past, at, receipt, out)
        _end_delay(instance, at - 1, out)
        if at > instance.state.changed_at:
            _judge(instance, at, receipt, out)
            _end_delay(instance, at, out)
    instance.judged = receipt
    if out:
        instance.retest()
    return out


def _bring(instance: Instance, past: Past, at: int, receipt: int, out: list[Transition]) -> None:
    """Takes in what is new and brings the windows to event time `at`, judging on the way."""
    if past.fresh:
        newest = past.newest
        _leave(instance, past, newest, receipt, out)
        _end_delay(instance, newest - 1, out)
        past.take_in()
    if at > past.at:
        # A message without a reading of its points, or a retained one: only time has passed.
        past.go_ahead()
        _leave(instance, past, at, receipt, out)
        past.move_to(at)


def _leave(
    instance: Instance, past: Past, before: int, receipt: int, out: list[Transition]
) -> None:
    """Judges each instant before event time `before` at which a reading leaves a window."""
    while (leaving := past.next_leaving) is not None and leaving < before:
        _judge_leaving(instance, past, leaving, min(receipt, past.receipt_of(leaving)), out)


def _judge_leaving(
    instance: Instance, past: Past, leaving: int, receipt: int, out: list[Transition]
) -> None:
    judged = leaving > instance.state.changed_at
    if judged:
        _end_delay(instance, leaving - 1, out)
    past.move_to(leaving)
    if judged and leaving > instance.state.changed_at:
        _judge(instance, leaving, receipt, out)
        _end_delay(instance, leaving, out)


def _fire_windows(instance: Instance, past: Past, receipt_now: int, out: list[Transition]) -> None:
    while (wake := _next_leaving(past)) is not None and wake <= receipt_now:
        past.go_ahead()
        leaving = past.next_leaving
        assert leaving is not None
        _judge_leaving(instance, past, leaving, wake - GRACE, out)


def _fire_silence(instance: Instance, receipt_now: int, out: list[Transition]) -> None:
    instance.rejudge = False
    last = -1
    while (wake := next_wake(instance)) is not None and last < wake <= receipt_now:
        _at_receipt(instance, wake, out)
        last = wake
    _at_receipt(instance, receipt_now, out)


def _at_receipt(instance: Instance, instant: int, out: list[Transition]) -> None:
    with instance.at_instant(instant):
        _end_delay(instance, instant - 1, out)
        if instant > instance.state.changed_at:
            _judge(instance, instant, instant, out)
        _end_delay(instance, instant, out)
    instance.judged = max(instance.judged, instant)


def _end_delay(instance: Instance, latest: int, out: list[Transition]) -> None:
    """Ends a running delay that is due at `latest` or before."""
    state = instance.state
    if state.due is None or state.due > latest:
        return
    held = instance.held or instance.snapshot()
    delay = instance.leg.delay(instance.rule)
    _finish(instance, state.due, held, f"{instance.explain(held, True)} held {delay}", out)


def _judge(instance: Instance, at: int, receipt: int, out: list[Transition]) -> None:
    try:
        verdict = instance.verdict()
    except ArithmeticError as error:
        _fail(instance, at, _told(error), out)
        return
    held = instance.snapshot()
    if instance.state.failing is not None:
        changes = {"failing": None}
        _move(instance, TransitionKind.RECOVERED, at, held, "it can be judged again", out, changes)
    if instance.running:
        _judge_running(instance, at, verdict, held, out)
    elif verdict is True:
        _begin(instance, at, receipt, held, out)


def _told(error: ArithmeticError) -> str:
    return "division by zero" if isinstance(error, ZeroDivisionError) else str(error)


def _fail(instance: Instance, at: int, message: str, out: list[Transition]) -> None:
    if instance.state.failing is None:
        held = instance.snapshot()
        changes = {"failing": message}
        _move(instance, TransitionKind.FAILED, at, held, message, out, changes)


def _begin(instance: Instance, at: int, receipt: int, held: Held, out: list[Transition]) -> None:
    leg, reason = instance.leg, instance.explain(held, True)
    delay = leg.delay(instance.rule)
    if delay.immediate:
        _finish(instance, at, held, reason, out)
        return
    instance.held = held
    changes = {"phase": leg.running, "since": at, **_timer(instance, delay, at, receipt)}
    _move(instance, leg.begins, at, held, reason, out, changes)


def _timer(instance: Instance, delay: Delay, at: int, receipt: int) -> dict[str, Any]:
    if delay.readings:
        return {"count": 1}
    due = at + delay.microseconds
    if instance.rule.on_receipt_clock:
        return {"due": due, "due_receipt": due}
    return {"due": due, "due_receipt": receipt + delay.microseconds + GRACE}


def _judge_running(
    instance: Instance, at: int, verdict: bool | None, held: Held, out: list[Transition]
) -> None:
    leg = instance.leg
    if verdict is not True:
        unknown = "the value can't be told any more"
        reason = unknown if verdict is None else instance.explain(held, False)
        changes = {"phase": leg.rest, **_STOPPED}
        _move(instance, leg.drops, at, held, reason, out, changes)
        instance.held = None
        return
    instance.held = held
    if leg.delay(instance.rule).readings:
        _count(instance, leg, at, held, out)


def _count(instance: Instance, leg: Leg, at: int, held: Held, out: list[Transition]) -> None:
    count, wanted = instance.state.count + 1, leg.delay(instance.rule).readings
    reason = instance.explain(held, True)
    if count >= wanted:
        _finish(instance, at, held, f"{reason} in {wanted} readings in a row", out)
        return
    reason = f"reading {count} of {wanted}: {reason}"
    _move(instance, TransitionKind.COUNTED, at, held, reason, out, {"count": count})


_STOPPED: Mapping[str, Any] = {"since": None, "due": None, "due_receipt": None, "count": 0}


def _finish(instance: Instance, at: int, held: Held, reason: str, out: list[Transition]) -> None:
    leg = instance.leg
    changes: dict[str, Any] = {"phase": leg.end, **_STOPPED}
    changes |= {"tripped_at": at, "cleared_at": None} if leg is TRIPPING else {"cleared_at": at}
    _move(instance, leg.ends, at, held, reason, out, changes)
    instance.held = None


def _move(
    instance: Instance,
    kind: TransitionKind,
    at: int,
    held: Held,
    reason: str,
    out: list[Transition],
    changes: Mapping[str, Any],
) -> None:
    before = instance.state
    if instance.members is not None:
        changes = {**changes, "seen": instance.members.seen()}
    after = replace(before, changed_at=at, **changes)
    instance.state = after
    out.append(Transition(kind, at, before, after, held[1], reason))
