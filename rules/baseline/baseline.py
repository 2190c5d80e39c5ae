"""A point's learned baseline: readings in, verdicts out, in the order of event time.

The method, its sources and its figures stand in docs/decisions/0024.
"""

import math
from typing import Any

from rules.baseline.beats import BEAT, HOUR, Beats
from rules.baseline.episode import Episode
from rules.baseline.forecast import Forecast
from rules.baseline.hours import DAY, Hours
from rules.baseline.journal import Journal
from rules.baseline.limits import Limits
from rules.baseline.local import Offset, no_offset
from rules.baseline.robust import middle_mean
from rules.baseline.runs import Runs
from rules.baseline.spreads import Spreads
from rules.baseline.verdict import SORTS, STILL, Finding, Odd

# Days judged in silence, after the first: with it, one whole week was seen.
SILENT_DAYS = 6
# A day with fewer usual hours than these says nothing of what a day may be.
_HOURS_OF_A_DAY = 12
# A reading so many spreads off counts only together with most of its beat.
_WILD = 30.0
# An hour that came so near to a limit is not learned from, for a day at most: what begins slowly
# would otherwise be usual before it is odd.
_DOUBT = 0.7
# In format 1 a baseline knew its point by UTC, wherever it stood.
_FORMAT = 2


class Baseline:
    """What is usual for one point.

    `take` readings in order of event time; `odd` is the verdict: None until a week was seen, and
    where nothing comparable is known. `offset` tells how many µs local time is ahead of UTC at an
    instant; it is asked once a beat. Holidays are days like others to it.
    """

    __slots__ = (
        "_beats", "_counting", "_day", "_doubted", "_episode", "_forecast", "_hour", "_hours",
        "_limits", "_local", "_offs", "_previous", "_runs", "_slow", "_spreads",
        "_step_spreads", "_steps", "_usual_hours", "_values", "_worst", "first", "journal", "odd",
        "offset",
    )  # fmt: skip

    def __init__(self, offset: Offset = no_offset) -> None:
        self.offset = offset
        # The event time of the first reading that it ever took in, 0 = none.
        self.first = 0
        # Whoever may have to know what it was told lately begins one.
        self.journal: Journal | None = None
        self._counting = False
        self._beats = Beats()
        self._restart()

    def _restart(self) -> None:
        """Learns anew."""
        self.odd: bool | None = None
        self._hours = Hours()
        self._spreads = Spreads()
        self._step_spreads = Spreads()
        self._forecast = Forecast()
        self._limits = Limits()
        self._runs = Runs()
        self._episode = Episode()
        # The last beat, NaN after a gap.
        self._previous = math.nan
        # The hour being gathered: its local number, its beats, how far they were off, their steps.
        self._hour: int | None = None
        self._values = list[float]()
        self._offs = list[float]()
        self._steps = list[float]()
        self._local = 0
        self._day = 0
        self._usual_hours = 0
        # Hours in a row that were set aside in doubt, and the worst statistic of the present hour
        # as a part of its limit.
        self._doubted = 0
        self._worst = 0.0
        # What changes with the hour only: the last hours, the level of the last day, its shape.
        self._slow = [0.0, 0.0, 0.0]
        self._beats.low, self._beats.high = -math.inf, math.inf

    def begin_at(self, at: int) -> None:
        """Leave out whatever is older, before anything was taken in."""
        self._beats.last = at - 1

    def take(self, at: int, value: float) -> bool | None:
        """Takes a reading of event time `at` (µs) and gives the verdict; late ones are left out."""
        beats = self._beats
        if at <= beats.last:
            return self.odd
        if at >= beats.ends:
            if beats.ends:
                self._close()
            if at - beats.last > max(6 * beats.interval, HOUR):
                self._runs.clear()
                self._previous = math.nan
                beats.changed = at
            beats.begin(at)
            self.first = self.first or at
        beats.last = at
        if self.journal is not None:
            self.journal.note(at, value)
        if value != beats.held:
            beats.held = value
            beats.changed = at
        if beats.low <= value <= beats.high:
            beats.total += value
            beats.count += 1
        else:
            beats.wild_total += value
            beats.wild += 1
        # The last reading that fits into the beat ends it; nobody waits for the next.
        if at + beats.interval >= beats.ends and beats.interval:
            self._close()
        return self.odd

    def tell(self) -> float | None:
        """The verdict as a condition reads it: 1.0, with the numbers behind it, 0.0 or None."""
        if self.odd is None:
            return None
        finding = self._episode.finding
        return Odd(finding) if finding is not None else 0.0

    @property
    def last(self) -> int:
        """The event time of the newest reading taken in, 0 = none."""
        return self._beats.last

    @property
    def held(self) -> float:
        """The value of that reading."""
        return self._beats.held

    @property
    def interval(self) -> float:
        """The usual time between two readings in µs, 0 = not known."""
        return self._beats.interval

    def become(self, other: "Baseline") -> None:
        """Go on with what another knows, which is not used any more."""
        for name in self.__slots__:
            if name != "offset":
                setattr(self, name, getattr(other, name))

    def same_local_time(self, offset: Offset) -> bool:
        """Whether local time is still what it was when this learned, as far as can be told."""
        return self.offset(self.last) == offset(self.last)

    @property
    def finding(self) -> Finding | None:
        """The numbers behind the present verdict; None while it isn't odd."""
        return self._episode.finding

    @property
    def days(self) -> int:
        """Over how many days it has learned."""
        return self._hours.known_days()

    def _close(self) -> None:
        """Judges the beat that is complete."""
        beats = self._beats
        value, step = beats.close(self._counting)
        self._local = beats.begun + self.offset(beats.begun)
        hour = self._local // HOUR
        if self._hour is None:
            self._hour, self._day = hour, hour // DAY
            self._forecast.look_ahead(self._hours, hour)
        elif hour != self._hour:
            self._turn_hour(hour)
        if value is None:
            return
        if self._counting:
            step = 0.0
        self._spreads.stepped(step)
        self._step_spreads.stepped(step)
        self._values.append(value)
        swing = self._swing(value, hour)
        usual = self._forecast.at(self._local)
        if usual is None:
            # Nothing comparable is known: a verdict stands no longer than what it is measured by.
            self.odd = None
            self._episode = Episode()
            return
        self._offs.append(abs(value - usual))
        if self._spreads.known:
            self._judge(value, usual, self._spreads.at(hour, usual), swing)

    def _swing(self, value: float, hour: int) -> float | None:
        """How large the step from the last beat is, in usual steps of this hour."""
        step = abs(value - self._previous)
        self._previous = value
        if math.isnan(step):
            return None
        self._steps.append(step)
        return step / self._step_spreads.at(hour, value) if self._step_spreads.known else None

    def _judge(self, value: float, usual: float, spread: float, swing: float | None) -> None:
        beats = self._beats
        if not self._counting:
            beats.low, beats.high = usual - _WILD * spread, usual + _WILD * spread
        run = self._runs.beat((value - usual) / spread)
        restless = self._runs.swing(swing) if swing is not None else 0.0
        statistics = [run, *self._slow, restless, beats.still_for]
        limits = self._limits
        if limits.days < SILENT_DAYS:
            limits.note(statistics)
            self.odd = None
            return
        if not self._episode.running:
            limits.note(statistics)
        self.odd = self._episode.judge(
            statistics,
            limits.limits,
            lambda number, lasted: self._found(number, lasted, value, usual, spread, statistics),
            beats.last,
            self._run_began,
        )
        self._worst = max(self._worst, self._episode.excess)
        if self._episode.ended:
            self._begin_afresh()

    def _run_began(self, number: int) -> int:
        """When the run began that a statistic is about."""
        beats = self._beats
        step = round(max(beats.interval, BEAT))
        longest = {"beat": 3 * step, "hours": 3 * HOUR, "restless": 12 * step}
        if number == STILL:
            return beats.changed
        return beats.last - longest.get(SORTS[number], DAY * HOUR)

    def _found(
        self,
        number: int,
        lasted: int,
        value: float,
        usual: float,
        spread: float,
        statistics: list[float],
    ) -> Finding:
        beats, limits = self._beats, self._limits.limits
        return Finding(
            sort=SORTS[number],
            value=value,
            usual=usual,
            spread=spread,
            measure=statistics[number],
            limit=limits[number],
            local=self._local,
            lasted=lasted,
            days=self.days,
            per_hour=self._counting,
            held=beats.last - beats.changed,
            longest=int(limits[STILL] * max(beats.interval, BEAT)),
        )

    def _begin_afresh(self) -> None:
        """Forgets the statistics that an episode left behind."""
        self._hours.forget_offs()
        self._runs.clear()
        self._slow = [0.0, 0.0, 0.0]

    def _turn_hour(self, hour: int) -> None:
        """Learns the hour that has passed, and looks ahead."""
        passed = self._hour
        assert passed is not None
        if self._values:
            self._learn(passed, middle_mean(self._values))
            self._forecast.dense = len(self._values) >= 4
        self._values, self._offs, self._steps = [], [], []
        self._worst = 0.0
        self._hour = hour
        if hour // DAY != self._day:
            self._turn_day(hour // DAY)
        self._forecast.look_ahead(self._hours, hour)

    def _learn(self, hour: int, value: float) -> None:
        told = self._forecast.of_hour(hour)
        doubtful = self._worst >= _DOUBT and self._doubted < DAY
        self._doubted = self._doubted + 1 if self._worst >= _DOUBT else 0
        usual = not self._episode.running and not doubtful
        self._hours.put(hour, value if usual else math.nan)
        if told is None:
            return
        candidates, mixed = told
        self._hours.compare(candidates, value, usual)
        if self._spreads.known:
            self._runs.hour((value - mixed) / self._spreads.at(hour, mixed))
            day = abs(self._hours.day_off_by()) / self._spreads.typical(mixed)
            self._slow = [self._runs.hours_off, day, self._runs.shape_off]
        if usual:
            if self._offs:
                self._spreads.learn(hour, self._offs, mixed)
            if self._steps:
                self._step_spreads.learn(hour, self._steps, mixed)
            self._usual_hours += 1
        elif self._episode.running and self._episode.wait(hour, value, mixed):
            self._accept()

    def _turn_day(self, day: int) -> None:
        self._day = day
        if self._usual_hours >= _HOURS_OF_A_DAY:
            self._limits.close_day()
        self._usual_hours = 0
        if self._beats.rises is not self._counting:
            self._counting = not self._counting
            hour = self._hour
            self._restart()
            self._hour, self._day = hour, day
        self._beats.forget_half()

    def _accept(self) -> None:
        """Takes what was odd for days for the new usual: at another level, or learned anew."""
        by = self._episode.level_shift(self._hours.error)
        waited = self._episode.waited
        if by is None:
            hour, day = self._hour, self._day
            self._restart()
            self._hour, self._day = hour, day
        else:
            self._hours.shift(by)
            self._forecast.shift(by)
            self._begin_afresh()
            self._episode = Episode()
            self.odd = False
        for hour, value, _ in waited:
            self._hours.put(hour, value)

    def to_state(self) -> dict[str, Any]:
        """Everything it knows, as JSON; `from_state` goes on with it identically."""
        return {
            "format": _FORMAT,
            "first": self.first,
            "odd": self.odd,
            "counting": self._counting,
            "hour": self._hour,
            "local": self._local,
            "ahead": self.offset(self.last),
            "day": self._day,
            "usual_hours": self._usual_hours,
            "slow": list(self._slow),
            "doubted": self._doubted,
            "worst": self._worst,
            "values": list(self._values),
            "offs": list(self._offs),
            "steps": list(self._steps),
            "previous": repr(self._previous),
            "beats": self._beats.to_state(),
            "hours": self._hours.to_state(),
            "spreads": self._spreads.to_state(),
            "step_spreads": self._step_spreads.to_state(),
            "forecast": self._forecast.to_state(),
            "limits": self._limits.to_state(),
            "runs": self._runs.to_state(),
            "episode": self._episode.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], offset: Offset = no_offset) -> "Baseline":
        """The one whose `to_state` this was.

        Raises ValueError for a state of another format, and for one learned in another time zone.
        """
        if state.get("format") != _FORMAT:
            raise ValueError(f"this is no baseline of format {_FORMAT}: learn it anew")
        made = cls(offset)
        made.first = state["first"]
        made.odd = state["odd"]
        made._counting = state["counting"]
        made._hour = state["hour"]
        made._local = state["local"]
        made._day = state["day"]
        made._usual_hours = state["usual_hours"]
        made._slow = list(state["slow"])
        made._doubted = state["doubted"]
        made._worst = state["worst"]
        made._values = list(state["values"])
        made._offs = list(state["offs"])
        made._steps = list(state["steps"])
        made._previous = float(state["previous"])
        made._beats = Beats.from_state(state["beats"])
        if offset(made.last) != state["ahead"]:
            raise ValueError("this was learned in another time zone: learn it anew")
        made._hours = Hours.from_state(state["hours"])
        made._spreads = Spreads.from_state(state["spreads"])
        made._step_spreads = Spreads.from_state(state["step_spreads"])
        made._forecast = Forecast.from_state(state["forecast"])
        made._limits = Limits.from_state(state["limits"])
        made._runs = Runs.from_state(state["runs"])
        made._episode = Episode.from_state(state["episode"])
        return made
