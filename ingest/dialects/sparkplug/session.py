"""Sessions of edge nodes: what a birth announced, what data since then mean, what a death ends.

`spBv1.0/GROUP/TYPE/NODE[/DEVICE]` (chapters 4 to 6 of the specification). What a birth announced
is remembered for good, because data name their metrics by aliases; how far a session has come is
noted for the life of the process. Where something is missing, the node is asked to be born again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.sparkplug.hosting import NAMESPACE
from ingest.dialects.sparkplug.spelled import read_spelled
from ingest.dialects.sparkplug.values import is_sound, points_of, values_of
from ingest.dialects.sparkplug.wire import Malformed, Metric, Payload, read_payload, rebirth
from ingest.dialects.spoken import Answer, Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import Value, name_in, timed

_OF_NODE = ("NBIRTH", "NDEATH", "NDATA")
_OF_DEVICE = ("DBIRTH", "DDEATH", "DDATA")
_SEQ_LIMIT = 256
# A rebirth that was asked for and did not come is asked for again, by the clock of the node.
_ASK_AGAIN_MS = 60_000
_CONTROLS = ("Node Control/", "Device Control/", "bdSeq")
_PROPERTIES = "Properties/"
# Bytes of what a birth announced; a source keeps at most 256 KiB under one name.
_LONGEST_KEPT = 200_000


@dataclass
class _Turn:
    """One message on its way: who says it, what is known of him, and what comes of it.

    node: what its last birth left (`bd`: its bdSeq; `known`: its devices; `born`: those of them
    that were born since).
    """

    memory: Mapping[str, Any]
    prefix: str
    group: str
    name: str
    payload: Payload
    told: list[Told] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remember: dict[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    @property
    def at(self) -> str:
        return f"{self.group}/{self.name}"

    @property
    def node(self) -> Mapping[str, Any]:
        found = self.memory.get(f"node/{self.at}")
        return found if isinstance(found, Mapping) else {}

    def ask(self) -> None:
        """Ask for a birth, unless one was asked for and may still come."""
        asked = self.memory.get(f"asked/{self.at}")
        when = self.payload.timestamp
        waited = isinstance(asked, int) and when is not None and when - asked >= _ASK_AGAIN_MS
        if not self.answers and (asked is None or waited):
            topic = f"{self.prefix}/{self.group}/NCMD/{self.name}"
            self.answers.append(Answer(topic, rebirth(when)))
            self.note[f"asked/{self.at}"] = when or 0

    def tell(
        self, device: str | None, messages: list[Spoken], described: Described | None = None
    ) -> None:
        """What the node says of itself (None), or of a device behind it."""
        own = named(self.memory, self.at if device is None else f"{self.at}/{device}")
        if isinstance(own, Problem):
            self.problems.append(own)
            return
        self.remember.update(own.remember)
        through = None if device is None else device_code(self.at)
        self.told.append(Told(own.code, messages, through=through, described=described))

    def decoded(self) -> Decoded:
        return Decoded(self.told, self.problems, self.remember, self.note, self.answers)


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What an edge node tells; None for commands, and for what hosts say of themselves."""
    del source
    levels = topic.split("/")
    if NAMESPACE not in levels:
        return None
    at = levels.index(NAMESPACE)
    rest = levels[at + 1 :]
    kind = rest[1] if len(rest) > 1 else ""
    of_node = kind in _OF_NODE and len(rest) == 3
    if not of_node and not (kind in _OF_DEVICE and len(rest) == 4):
        return None
    if not all(level.strip() for level in rest):
        return Problem("wrong_shape", "group, edge node and device have names")
    read = _read(payload)
    if isinstance(read, Problem):
        return read
    turn = _Turn(memory, "/".join(levels[: at + 1]), rest[0], rest[2], read)
    try:
        if of_node:
            {"NBIRTH": _node_born, "NDEATH": _node_dead, "NDATA": _node_data}[kind](turn)
        else:
            {"DBIRTH": _device_born, "DDEATH": _device_dead, "DDATA": _device_data}[kind](
                turn, rest[3]
            )
    except Malformed as error:
        turn.problems.append(Problem("wrong_shape", f"not a Sparkplug B payload: {error}"))
    return turn.decoded()


def _read(payload: bytes) -> Payload | Problem:
    # No message of protobuf begins so: a field 15 of a kind that was given up.
    if payload[:1] == b"{":
        return read_spelled(payload)
    try:
        return read_payload(payload)
    except Malformed as error:
        return Problem("wrong_shape", f"not a Sparkplug B payload: {error}")


def _bd_seq(payload: Payload) -> int | None:
    for metric in payload.metrics:
        if metric.name == "bdSeq" and isinstance(metric.value, int):
            return metric.value % _SEQ_LIMIT
    return None


def _node_born(turn: _Turn) -> None:
    known = [each for each in turn.node.get("known", ()) if isinstance(each, str)]
    turn.remember[f"node/{turn.at}"] = {"bd": _bd_seq(turn.payload), "known": known, "born": []}
    turn.note[f"seq/{turn.at}"] = (turn.payload.seq or 0) % _SEQ_LIMIT
    if not _answers(turn.memory.get(f"asked/{turn.at}"), turn.payload.timestamp):
        turn.note[f"asked/{turn.at}"] = None
    _announce(turn, f"birth/{turn.at}")
    _tell_birth(turn, None)


def _answers(asked: Any, born: int | None) -> bool:
    """Whether a birth came soon after it was asked for, by the clock of the node.

    It is not asked for again so soon: a node whose births leave something out would be born again
    with every message.
    """
    if not isinstance(asked, int) or born is None:
        return False
    return 0 <= born - asked < _ASK_AGAIN_MS


def _device_born(turn: _Turn, device: str) -> None:
    _follow(turn)
    node = turn.node
    known, born = (
        [*(each for each in node.get(which, ()) if each != device), device]
        for which in ("known", "born")
    )
    turn.remember[f"node/{turn.at}"] = {"bd": node.get("bd"), "known": known, "born": born}
    _announce(turn, f"birth/{turn.at}/{device}")
    _tell_birth(turn, device)


def _tell_birth(turn: _Turn, device: str | None) -> None:
    metrics = turn.payload.metrics
    all_named = [(each.name, each) for each in metrics if each.name and not _is_control(each.name)]
    texts = {name: each.value for name, each in all_named if isinstance(each.value, str)}
    described = Described(
        name=name_in(turn.name if device is None else device),
        maker=name_in(texts.get(f"{_PROPERTIES}Hardware Make")),
        model=name_in(texts.get(f"{_PROPERTIES}Hardware Model")),
        points=points_of(each for each in all_named if not each[0].startswith(_PROPERTIES)),
    )
    messages = [Spoken("status", {"online": True}), *_readings(turn, _named(turn, metrics, {}))]
    turn.tell(device, messages, described)


def _announce(turn: _Turn, key: str) -> None:
    """Keep what a birth says that data leave out: names by alias, data types by name.

    What is too long to be kept for good is known until the process ends, and then asked for again.
    """
    named_metrics = [each for each in turn.payload.metrics if each.name]
    announced = {
        "names": {str(each.alias): each.name for each in named_metrics if each.alias is not None},
        "types": {each.name: each.datatype for each in named_metrics},
    }
    length = sum(3 * len(each.name or "") + 32 for each in named_metrics)
    if length <= _LONGEST_KEPT:
        turn.remember[key] = announced
    else:
        turn.remember[key] = None
        turn.note[key] = announced


def _node_dead(turn: _Turn) -> None:
    born, died = turn.node.get("bd"), _bd_seq(turn.payload)
    if isinstance(born, int) and died is not None:
        behind = (born - died) % _SEQ_LIMIT
        if 0 < behind < _SEQ_LIMIT // 2:
            # The will of a session before this one, delivered late.
            return
    turn.note[f"seq/{turn.at}"] = None
    turn.note[f"asked/{turn.at}"] = None
    for device in (None, *turn.node.get("known", ())):
        turn.tell(device, [Spoken("status", {"online": False})])


def _device_dead(turn: _Turn, device: str) -> None:
    _follow(turn)
    node = turn.node
    if device in node.get("known", ()):
        known, born = (
            [each for each in node.get(which, ()) if each != device] for which in ("known", "born")
        )
        turn.remember[f"node/{turn.at}"] = {"bd": node.get("bd"), "known": known, "born": born}
    turn.tell(device, [Spoken("status", {"online": False})])


def _node_data(turn: _Turn) -> None:
    _follow(turn)
    birth = turn.memory.get(f"birth/{turn.at}") if turn.node else None
    _tell_data(turn, None, birth)


def _device_data(turn: _Turn, device: str) -> None:
    _follow(turn)
    # Aliases of a device that was not born again since its node was may mean something else now.
    born = device in turn.node.get("born", ())
    birth = turn.memory.get(f"birth/{turn.at}/{device}") if born else None
    _tell_data(turn, device, birth)


def _tell_data(turn: _Turn, device: str | None, birth: Any) -> None:
    if birth is None:
        turn.ask()
    turn.tell(device, _readings(turn, _named(turn, turn.payload.metrics, birth or {})))


def _follow(turn: _Turn) -> None:
    """Note the sequence number; a gap, or a session whose beginning nobody heard, wants a birth.

    What is said meanwhile counts: a message was lost, and not what the others mean.
    """
    seq, key = turn.payload.seq, f"seq/{turn.at}"
    before = turn.memory.get(key)
    if seq is None:
        return
    turn.note[key] = seq % _SEQ_LIMIT
    in_order = isinstance(before, int) and (seq - before) % _SEQ_LIMIT <= 1
    if not in_order:
        turn.ask()


def _named(
    turn: _Turn, metrics: Iterable[Metric], birth: Mapping[str, Any]
) -> list[tuple[str, int, Metric]]:
    """(name, data type, metric) of those that can be told by name or by what a birth announced."""
    names, types = birth.get("names", {}), birth.get("types", {})
    found: list[tuple[str, int, Metric]] = []
    unknown = 0
    for metric in metrics:
        name = metric.name or names.get(str(metric.alias))
        if not name:
            unknown += 1
        elif not _is_control(name):
            found.append((name, metric.datatype or types.get(name, 0), metric))
    if unknown:
        turn.ask()
        detail = f"{unknown} metrics by an alias that no birth announced; a rebirth was asked for"
        turn.problems.append(Problem("unknown_point", detail))
    return found


def _readings(turn: _Turn, named: list[tuple[str, int, Metric]]) -> list[Spoken]:
    """One message for each moment, in order of time."""
    moments: dict[int | None, dict[str, Value]] = {}
    for name, datatype, metric in named:
        if not is_sound(metric) or (name.startswith(_PROPERTIES) and isinstance(metric.value, str)):
            continue
        when = turn.payload.timestamp if metric.timestamp is None else metric.timestamp
        for key, value in values_of(name, metric, datatype):
            if key != "ts":
                moments.setdefault(when, {})[key] = value
    return [
        Spoken("readings", {**timed(when), **moments[when]})
        for when in sorted(moments, key=lambda each: each or 0)
    ]


def _is_control(name: str) -> bool:
    return name.startswith(_CONTROLS[:2]) or name == _CONTROLS[2]
