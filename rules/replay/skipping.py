"""The quick replay of rules on windows: the engine is put where something may happen."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rules.engine import GRACE
from rules.expression import UNKNOWN, Expression
from rules.instance import Instance
from rules.legs import TRIPPING
from rules.past import Past
from rules.replay.columns import Columns, Integers, Truths, message_ends
from rules.replay.episodes import Outcome
from rules.replay.masks import Unlike, where
from rules.replay.measures import Taken
from rules.replay.replaying import Replay
from rules.replay.scene import Scene
from rules.slots import ReceiptNow, Slot

# To put the engine somewhere costs as much as to lead it through so many messages.
_WORTH_A_JUMP = 12


@dataclass(frozen=True)
class Story:
    """The messages of an asset's devices, and the readings of each point that were judged."""

    columns: Columns
    ends: Integers
    device: Integers
    taken: tuple[Taken, ...]

    @cached_property
    def first(self) -> Integers:
        """For each message the number of its first reading."""
        return np.concatenate([np.zeros(min(1, len(self.ends)), np.int64), self.ends[:-1]])

    @cached_property
    def at(self) -> Integers:
        """The event time of each message."""
        return self.columns.at[self.first]

    @cached_property
    def receipt(self) -> Integers:
        """When each message was received."""
        return self.columns.receipt[self.first]


def story(scene: Scene, columns: Columns, judged: list[int]) -> Story:
    """The readings of the devices that feed the points `judged`; Unlike where one replaces another
    of the same time."""
    device_of = np.array([each.device for each in scene.points], np.int64)
    heard = np.isin(device_of[columns.which], np.unique(device_of[judged]))
    columns = columns if heard.all() else columns.where(heard)
    device = device_of[columns.which]
    ends = message_ends(columns, device)
    number = np.repeat(np.arange(len(ends)), np.diff(np.append(0, ends)))
    taken = []
    for point in range(len(scene.points)):
        rows = np.flatnonzero(columns.which == point)
        at = columns.at[rows]
        before = np.concatenate([np.zeros(1, np.int64), np.maximum.accumulate(at)[:-1]])
        if len(at) and bool((at == before[: len(at)]).any()):
            raise Unlike("a replaced reading")
        rows = rows[at > before[: len(at)]]
        taken.append(Taken(columns.at[rows], columns.value[rows], number[rows]))
    first = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1]])
    return Story(columns, ends, device[first], tuple(taken))


class Skipping:
    """One rule with windows on one asset."""

    def __init__(self, scene: Scene, columns: Columns, begin: int, until: int) -> None:
        """Raises Unlike where only the plain replay will do."""
        self._replay = Replay(scene, begin)
        (self._seat,) = self._replay.seats
        if self._seat.placed.rule.hours:
            raise Unlike("hours, which change between readings")
        self._rule = self._seat.placed.rule
        self._until = until
        asset = self._seat.placed.asset
        codes = {each.code: i for i, each in enumerate(scene.points) if each.asset == asset}
        self._judged = {code: codes[code] for code in self._rule.points if code in codes}
        self._story = story(scene, columns, list(self._judged.values()))
        past = self._seat.instance.past
        if past is None:
            raise Unlike("no windows")
        if _told_of_nothing(self._seat.instance):
            raise Unlike("what holds before anything was heard, such as that no event happened")
        self._past: Past = past
        self._blank = {key: window.copy() for key, window in past.windows.items()}
        self._longest = max((key[1] for key in past.windows), default=0)
        self._found = dict[bool, Integers]()

    # Where something may happen.

    @cached_property
    def _newest(self) -> Integers:
        """After each message the newest event time of what the rule judges, 0 = none."""
        newest = np.zeros(len(self._story.ends), np.int64)
        for point in self._judged.values():
            taken = self._story.taken[point]
            newest[taken.message] = np.maximum(newest[taken.message], taken.at)
        return np.maximum.accumulate(newest)

    @cached_property
    def _fresh(self) -> Integers:
        """The messages that bring something to judge."""
        brought = [self._story.taken[point].message for point in self._judged.values()]
        return np.unique(np.concatenate(brought))

    def _instants(self) -> tuple[Integers, Integers, Integers, Integers]:
        """Instants, after which fresh message each is judged, and which messages may judge it."""
        fresh, newest = self._fresh, self._newest[self._fresh]
        following = np.append(fresh[1:], len(self._story.ends))
        leaving = [
            self._story.taken[self._judged[code]].at + span for code, span in self._past.windows
        ]
        instants = np.unique(np.concatenate([*leaving, np.zeros(0, np.int64)]))
        # By event time: after the last message that is older.
        place = np.searchsorted(newest, instants, side="left") - 1
        kept = place >= 0
        own = (instants[kept], place[kept])
        # By the receipt clock, which may be ahead of the next message.
        arrives = np.append(self._story.receipt[fresh[1:]], self._until)
        # Counted from when the newest of it was heard, which others may have come after.
        heard = self._story.receipt[fresh][np.searchsorted(newest, newest, side="left")]
        ahead = newest + arrives - heard - GRACE
        low = np.searchsorted(instants, newest, side="right")
        high = np.searchsorted(instants, ahead, side="right")
        count = np.maximum(high - low, 0)
        quiet = np.repeat(np.arange(len(fresh)), count)
        within = np.arange(len(quiet)) - np.repeat(np.cumsum(count) - count, count)
        also = (instants[low[quiet] + within], quiet)
        at = np.concatenate([newest, own[0], also[0]])
        after = np.concatenate([np.arange(len(fresh)), own[1], also[1]])
        own_time = np.arange(len(at)) < len(fresh)
        begin = np.where(own_time, fresh[after], fresh[after] + 1)
        end = np.where(own_time, following[after], following[after] + 1)
        return at, fresh[after], begin, end

    def _candidates(self) -> Integers:
        tripping = self._seat.instance.leg is TRIPPING
        if tripping not in self._found:
            self._found[tripping] = self._look(tripping)
        return self._found[tripping]

    def _look(self, tripping: bool) -> Integers:
        hot = np.zeros(len(self._story.ends) + 2, np.int64)
        if len(self._story.ends):
            at, after, begin, end = self._instants()
            found = self._where(tripping, at, after)
            np.add.at(hot, begin[found], 1)
            np.add.at(hot, np.minimum(end[found], len(hot) - 1), -1)
        return np.flatnonzero(np.cumsum(hot)[:-1] > 0)

    def _where(self, tripping: bool, at: Integers, after: Integers) -> Truths:
        rule = self._rule
        condition = rule.when if tripping else rule.clear_when or rule.when
        slots = {code: Slot() for code in self._judged}
        expression: Expression = condition.bind(slots, ReceiptNow(), UNKNOWN).expression
        come = {
            code: np.searchsorted(self._story.taken[point].message, after, side="right")
            for code, point in self._judged.items()
        }
        unknown = np.full(len(at), np.nan)
        values, looks = [], []
        for point in expression.points:
            place = self._judged.get(point.code)
            if place is None:
                values.append(unknown)
            else:
                known = np.append(np.nan, self._story.taken[place].value)
                values.append(known[come[point.code]])
        with np.errstate(all="ignore"):
            for look in expression.looks:
                code = expression.points[look.index].code
                if code in self._judged:
                    taken = self._story.taken[self._judged[code]]
                    events = expression.points[look.index].kind == "event"
                    looks.append(taken.tell(look.measure, look.span, at, come[code], events=events))
                else:
                    looks.append((unknown, 0.0))
        return where(expression, values, tripping or rule.clear_when is not None, looks)

    # Going there.

    def run(self) -> Outcome:
        """Everything up to the end."""
        instance, count = self._seat.instance, len(self._story.ends)
        place = 0
        while True:
            following = self._next(instance, place)
            if following - place > _WORTH_A_JUMP:
                self._jump(following)
                place = following
            if following >= count:
                self._feed(place, count)
                break
            self._feed(place, following + 1)
            place = following + 1
        self._replay.wait(self._until)
        return self._seat.outcome

    def _next(self, instance: Instance, place: int) -> int:
        """The first message from `place` on at which the engine must be there."""
        if instance.running or instance.state.failing is not None:
            return min(place, len(self._story.ends))
        found = self._candidates()
        number = int(np.searchsorted(found, place))
        return int(found[number]) if number < len(found) else len(self._story.ends)

    def _feed(self, begin: int, end: int) -> None:
        if begin < end:
            first = int(self._story.first[begin])
            self._replay.feed(
                self._story.columns.where(slice(first, int(self._story.ends[end - 1])))
            )

    def _jump(self, message: int) -> None:
        """Put points, windows and clock where they are before a message."""
        tale, replay, past = self._story, self._replay, self._past
        for point, taken in zip(replay.points, tale.taken, strict=True):
            come = int(np.searchsorted(taken.message, message))
            if come:
                point.value, point.at = float(taken.value[come - 1]), int(taken.at[come - 1])
                point.heard = int(tale.receipt[taken.message[come - 1]])
        for device in replay.devices:
            device.at = max((point.at for point in device.points), default=0)
        past.come_back()
        for key, window in past.windows.items():
            window.become(self._blank[key].copy())
        past.rebuild({code: self._history(code, message) for code in self._judged})
        replay.resume(self._seat, int(tale.receipt[message - 1]))

    def _history(self, code: str, message: int) -> list[tuple[int, float]]:
        taken = self._story.taken[self._judged[code]]
        # What came later may be as old.
        come = slice(0, int(np.searchsorted(taken.message, message)))
        at, value = taken.at[come], taken.value[come]
        oldest = int(self._newest[message - 1]) - self._longest
        first = max(0, int(np.searchsorted(at, oldest, side="right")) - 1)
        return list(zip(at[first:].tolist(), value[first:].tolist(), strict=True))


def _told_of_nothing(instance: Instance) -> bool:
    try:
        return instance.verdict() is True
    except ArithmeticError:
        return True


def skip(scene: Scene, columns: Columns, begin: int, until: int) -> list[Outcome]:
    """What one rule with windows does; Unlike where only the plain replay will do."""
    return [Skipping(scene, columns, begin, until).run()]
