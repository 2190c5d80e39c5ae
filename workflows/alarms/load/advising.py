"""What to do next about the alarms that ask most of people, from what they did themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

from workflows.alarms.load.counting import SECOND
from workflows.alarms.load.reading import AlarmFacts, TicketFacts
from workflows.alarms.load.site import TOP, AlarmNumbers, FloodFacts, Stale

# In the order in which they matter where as much is at stake.
KINDS = (
    *("false_delay", "false_cause", "off_delay", "on_delay", "chatter", "check_device", "repair"),
    *("unanswered", "flood_one_rule", "flood_common_cause"),
    *("stale_ended", "stale_unseen", "stale_waits", "stale_in_work", "stale_bare"),
)
MOST_ADVICE = 12
# Of so many trips an alarm is looked at; of so many judged ones it is called false by so much.
ENOUGH_TRIPS, ENOUGH_JUDGED, MOSTLY = 10, 5, 0.5
# Nobody answers it: so large a part of its trips was never acknowledged.
UNANSWERED = 0.8
ENDED = ("resolved", "verified", "closed", "cancelled")
WAITS = ("open", "assigned")


@dataclass(frozen=True, slots=True)
class Advice:
    """One next step. numbers: what it is derived from; times in seconds. at_stake: alarms."""

    kind: str
    at_stake: int
    site_id: UUID
    alarm: AlarmFacts | None = None
    ticket: TicketFacts | None = None
    cause: str | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)


def advise(
    notable: Sequence[AlarmNumbers],
    stale: Sequence[Stale],
    floods: Sequence[FloodFacts],
) -> list[Advice]:
    """The steps that would spare people most, first. notable: those that tripped most first."""
    top = {one.alarm.id for one in notable[:TOP]}
    found = chain(
        chain.from_iterable(_of_alarm(one, one.alarm.id in top) for one in notable),
        map(_of_stale, stale),
        _of_floods(floods),
    )
    ranked = sorted(found, key=lambda one: (-one.at_stake, KINDS.index(one.kind)))
    return ranked[:MOST_ADVICE]


def _of_alarm(one: AlarmNumbers, is_top: bool) -> Iterator[Advice]:
    """What people think of it comes before what it does: of a false one no repair is advised."""
    false = _false(one)
    if false:
        yield false
        return
    if (is_top and one.count >= ENOUGH_TRIPS) or one.chatter:
        yield _quieter(one)
    if one.count >= ENOUGH_TRIPS and one.unanswered >= UNANSWERED * one.count:
        numbers = {"count": one.count, "unanswered": one.unanswered}
        yield _about(one, "unanswered", one.unanswered, numbers)


def _about(
    one: AlarmNumbers, kind: str, at_stake: int, numbers: Mapping[str, int], cause: str = ""
) -> Advice:
    return Advice(
        kind, at_stake, one.alarm.site_id, alarm=one.alarm, cause=cause or None, numbers=numbers
    )


def _quieter(one: AlarmNumbers) -> Advice:
    relief = one.relief
    if one.chatter and one.chatter.activations > one.count:
        # People were spared most of it, and no episode shows what a delay would have done.
        numbers = {
            "activations": one.chatter.activations,
            "bursts": one.chatter.bursts,
            "count": one.count,
        }
        return _about(one, "chatter", one.chatter.activations, numbers)
    if relief is None:
        # No delay helps: what it reports is there, or its device is what is wrong.
        numbers = {"count": one.count, "active_half": (one.active_half or 0) // SECOND}
        return _about(one, "check_device" if one.chatter else "repair", one.count // 2, numbers)
    numbers = {
        "count": one.count,
        "fitting": relief.fitting,
        "delay": relief.delay // SECOND,
        "left": relief.left,
    }
    return _about(one, relief.kind, one.count - relief.left, numbers)


def _false(one: AlarmNumbers) -> Advice | None:
    if one.judged < ENOUGH_JUDGED or one.needless < MOSTLY * one.judged:
        return None
    numbers = {"judged": one.judged, "needless": one.needless}
    if one.split is None:
        return _about(one, "false_cause", one.needless, numbers, one.cause or "")
    split = one.split
    more = {"delay": split.delay // SECOND, "dropped": split.dropped, "real": split.real}
    return _about(one, "false_delay", split.dropped, {**numbers, **more}, one.cause or "")


def _of_stale(one: Stale) -> Advice:
    ticket = one.ticket
    if ticket is None:
        kind = "stale_bare"
    elif ticket.state in ENDED:
        kind = "stale_ended"
    elif ticket.state in WAITS:
        kind = "stale_waits" if one.seen else "stale_unseen"
    else:
        kind = "stale_in_work"
    return Advice(kind, 1, one.alarm.site_id, alarm=one.alarm, ticket=ticket)


def _of_floods(floods: Sequence[FloodFacts]) -> Iterator[Advice]:
    """One step for each site that had floods, by what most of the worst one came from."""
    worst: dict[UUID, list[FloodFacts]] = {}
    for flood in floods:
        worst.setdefault(flood.site_id, []).append(flood)
    for site_id, some in worst.items():
        total, largest = sum(one.count for one in some), some[0]
        cause = largest.causes[0]
        numbers = {
            "floods": len(some),
            "count": total,
            "largest": largest.count,
            "alarms": largest.alarms,
            "from_first": cause.count,
        }
        one_rule = cause.count >= MOSTLY * largest.count
        kind = "flood_one_rule" if one_rule else "flood_common_cause"
        # Folded, each would be one incident.
        alarm = cause.alarm if one_rule else None
        yield Advice(kind, total - len(some), site_id, alarm=alarm, numbers=numbers)
