"""Why, or why not: what a rule saw on an asset at a moment, and how it had come to that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.asset_names import Assets
from core.clock import from_micros, to_micros
from core.errors import NotFound
from core.people import Caller, scoped
from core.places import Asset, Node
from core.telemetry.store import TelemetryStore
from rules.engine import next_wake
from rules.instance import Instance
from rules.legs import TRIPPING
from rules.members import Said
from rules.replay import Columns, Listening, Replay, Seat, TooOften
from rules.slots import Slot
from rules.states import Transition
from rules.wording import worded
from workflows.laboratory.backtest import read, too_often
from workflows.laboratory.in_force import Tried, draft_asked, version_asked
from workflows.laboratory.orders import READ, Order, order
from workflows.laboratory.result import DAY
from workflows.laboratory.scenes import Subject

# What happened before is told as far back as it may have led to the present state.
_BEFORE = DAY
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A comparison with its values; holds: None = it could not be told."""

    text: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A point as the rule saw it. excused: its silence proves nothing, for the way to it was
    silent."""

    point: str
    value: float | None
    at: datetime | None
    heard: datetime
    excused: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Another asset that the rule asked. says: None = it had no say; points: as it saw them.

    asset: `id`, `type` and `name`, as far as they are known.
    """

    code: str
    asset: Mapping[str, Any]
    says: bool | None
    points: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to many, as the condition has it, and what each says."""

    question: str
    asset_type: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """A step on the way."""

    at: datetime
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explained:
    """What a rule saw and where its alarm stood. since, due: of a delay that was running.

    failing: why it could not be judged. waits_for: what would have moved it on, `trip` or `clear`.
    """

    rule_id: str
    subject: Subject
    moment: datetime
    phase: str
    waits_for: str
    when: tuple[Part, ...]
    clear_when: tuple[Part, ...]
    since: datetime | None
    due: datetime | None
    counted: int
    delay: str
    failing: str | None
    points: tuple[Seen, ...]
    steps: tuple[Happened, ...]
    asked: tuple[Asked, ...] = ()
    # Of the assets that reasons may name, by code.
    assets: Assets = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rule_id": self.rule_id,
            "asset_id": self.subject.asset_id,
            "asset": self.subject.code,
            "moment": self.moment,
            "phase": self.phase,
            "waits_for": self.waits_for,
            "when": [{"text": each.text, "holds": each.holds} for each in self.when],
            "clear_when": [{"text": each.text, "holds": each.holds} for each in self.clear_when],
            "delay": {
                "length": self.delay,
                "since": self.since,
                "due": self.due,
                "counted": self.counted,
            },
            "failing": self.failing,
            "points": [asdict(each) for each in self.points],
            "steps": [
                {"at": each.at, "kind": each.kind, "reason": each.reason} for each in self.steps
            ],
            "asked": [
                {
                    "question": each.question,
                    "asset_type": each.asset_type,
                    "members": [
                        {
                            "asset_id": one.asset.get("id"),
                            "code": one.code,
                            "name": one.asset.get("name", {}),
                            "says": one.says,
                            "points": [asdict(point) for point in one.points],
                        }
                        for one in each.members
                    ],
                }
                for each in self.asked
            ],
        }


def meant(
    session: Session,
    caller: Caller,
    asset_id: UUID,
    rule_id: str,
    *,
    version: int | None = None,
    draft_id: UUID | None = None,
) -> Tried:
    """The draft or the version that is asked of; by default that which is in force at the asset."""
    if draft_id is not None:
        return draft_asked(session, caller, draft_id)
    return version_asked(session, caller, rule_id, version, _site(session, caller, asset_id))


def _site(session: Session, caller: Caller, asset_id: UUID) -> Node:
    statement = select(Node).join(Asset, Asset.site_id == Node.id).where(Asset.id == asset_id)
    site = session.scalars(scoped(statement, Asset.site_id, caller, READ)).first()
    if site is None:
        raise NotFound(worded("there is no such asset"), advice=worded("Look for it in the tree."))
    return site


def ask(
    session: Session,
    caller: Caller,
    tried: Tried,
    asset_id: UUID,
    moment: datetime,
    *,
    shard: str,
) -> Order:
    """Prepare to explain a rule on an asset at a moment; NotFound where it does not look at it."""
    at = to_micros(moment)
    site = _site(session, caller, asset_id)
    if tried.node_id is not None and not site.path.startswith(_path(session, tried.node_id)):
        raise NotFound(worded("this rule is not for the place of this asset"))
    # At its own site, whatever else is kept nearer: this rule is asked about, not that.
    wanted = order(
        session, caller, tried.document, rule_id=tried.rule_id or None, node_id=site.id,
        start=max(0, at - _BEFORE), end=at + 1, shard=shard, only=asset_id,
    )  # fmt: skip
    if not wanted.casts or wanted.casts[0].scenes[0] is None:
        raise NotFound(
            worded("this rule does not look at this asset"),
            advice=worded("Its type, its place or its points are not those of the rule."),
        )
    return wanted


def _path(session: Session, node_id: UUID) -> str:
    return session.get_one(Node, node_id).path


def explain(wanted: Order, telemetry: TelemetryStore) -> Explained:
    """Replay all that had been received by the moment. TelemetryError when telemetry is away."""
    (cast,) = wanted.casts
    scene = cast.scenes[0]
    assert scene is not None
    begin = max(0, wanted.start - wanted.lead)
    columns = read(telemetry, cast, begin, wanted.end, wanted.listening)
    known: Columns = columns.where(columns.received < wanted.end)
    steps: list[Transition] = []

    def watch(seat: Seat, transitions: Any) -> None:
        if seat.placed.told:
            steps.extend(transitions)

    replay = Replay(scene, wanted.listening.receipt(begin), watch)
    try:
        replay.feed(known)
        replay.wait(wanted.listening.receipt(wanted.end - 1))
    except TooOften:
        raise too_often() from None
    seat = next(each for each in replay.seats if each.placed.told)
    due, wake = seat.instance.state.due, next_wake(seat.instance)
    if due is not None and due < wanted.end and wake is not None:
        # A delay that had ended by then without a reading is found out a little later.
        replay.wait(wake)
    return _explained(wanted, cast.subjects[0], seat, steps)


def _explained(wanted: Order, subject: Subject, seat: Seat, steps: list[Transition]) -> Explained:
    instance, listening = seat.instance, wanted.listening
    silence = wanted.rule.on_receipt_clock
    state, leg = instance.state, instance.leg

    def told(at: int | None) -> datetime | None:
        if at is None:
            return None
        return from_micros(listening.wall(at) if silence else at)

    return Explained(
        wanted.rule.id,
        subject,
        from_micros(wanted.end - 1),
        state.phase.value,
        "trip" if leg is TRIPPING else "clear",
        _parts(instance, clearing=False),
        _parts(instance, clearing=True),
        told(state.since),
        told(state.due),
        state.count,
        str(leg.delay(wanted.rule)),
        state.failing,
        _points(seat, instance, listening),
        tuple(
            Happened(told(each.at) or from_micros(0), each.kind.value, each.reason)
            for each in steps[-_STEPS:]
        ),
        _asked(instance, listening, wanted.asked.get(subject.site_id, {})),
        wanted.asked.get(subject.site_id, {}),
    )


def _parts(instance: Instance, *, clearing: bool) -> tuple[Part, ...]:
    return tuple(Part(*each) for each in instance.parts(clearing=clearing))


def _points(seat: Seat, instance: Instance, listening: Listening) -> tuple[Seen, ...]:
    codes = {id(slot): code for code, slot in instance.slots.items()}
    if instance.members is not None:
        codes |= {id(slot): key for key, slot in instance.members.watched.items()}
    return tuple(_seen(codes[id(point)], point, listening) for point in seat.points)


def _seen(point: str, slot: Slot, listening: Listening) -> Seen:
    return Seen(
        point,
        slot.value,
        from_micros(slot.at) if slot.at else None,
        from_micros(listening.wall(slot.heard)),
        slot.excused,
    )


def _asked(instance: Instance, listening: Listening, known: Assets) -> tuple[Asked, ...]:
    if instance.members is None:
        return ()
    slots = instance.members.watched

    def member(said: Said) -> Member:
        points = (_seen(key.rpartition("/")[2], slots[key], listening) for key in said.keys)
        return Member(said.name, known.get(said.name, {}), said.says, tuple(points))

    return tuple(
        Asked(group.text, group.branch.asset_type, tuple(map(member, members)))
        for group, members in instance.asked().items()
    )
