"""What people are told of one alarm, told once more, slowly: no tables, no rows, only what is past.

Whether the condition holds comes from the engine's own slow model. This one adds what people do,
and shares no code with the product. Minutes since the beginning, everywhere.
"""

from dataclasses import dataclass, field

from tests.rules.reference_model import Delays, Reference

MINUTE_US = 60_000_000
# Minutes: within so long three trips, or six changes, are chatter; it is over after so long without
# a change, by the receipt clock a minute later, since something may still be under way.
TRIPS_WITHIN, CHANGES_WITHIN, QUIET = 1, 5, 5
REALARM_AFTER = 60


@dataclass
class Work:
    """Planned work on the alarm's asset, from a minute until before another."""

    begin: float
    end: float
    over: bool = False

    def covers(self, at: float) -> bool:
        """Whether it was going on."""
        return self.begin <= at < self.end


@dataclass
class Silence:
    """What withholds the alarm. until: None for what ends when the alarm clears."""

    kind: str
    until: float | None
    work: Work | None = None


@dataclass
class Episode:
    """What is written down as one. told: whether people heard of it."""

    trip: int
    clear: int | None = None
    told: bool = False


@dataclass
class Chatter:
    """It chatters. trips: since it began; clear: of its last change, if that is one; heard: when
    that was learned."""

    trips: int
    heard: float
    clear: int | None = None


@dataclass(frozen=True)
class Terms:
    """What its rule says. delay and standing (realarm_standing): minutes."""

    lives: bool = False
    delay: int = 2
    latch: bool = False
    standing: int | None = None


@dataclass
class OperatedModel:
    """One alarm: what is written down and what people are told.

    told: when they were told of a trip; announced and still: when once more, of one that came back
    and of one that stands. repeats: recurrences that the ticket counts.
    """

    terms: Terms
    state: str = "normal"
    told: list[float] = field(default_factory=list)
    announced: list[float] = field(default_factory=list)
    still: list[float] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    repeats: int = 0
    chatter: Chatter | None = None
    silence: Silence | None = None
    works: list[Work] = field(default_factory=list)
    acknowledged: float = 0.0
    not_before: float = 0.0
    # Whether people were told of it since it was reset last.
    to_reset: bool = False
    # Every change of the condition that was looked at so far, and when people last heard of it.
    changes: list[tuple[str, int]] = field(default_factory=list)
    heard: float = 0.0
    # Whether the condition ever began to hold: before that there is nothing to be operated.
    known: bool = False

    def __post_init__(self) -> None:
        self.reference = Reference(50.0, 50.0, Delays(on=self.terms.delay * MINUTE_US))

    @property
    def stands(self) -> bool:
        """Whether its condition holds."""
        return self.reference.active

    # What happens.

    def read(self, at: float, value: float, now: float) -> None:
        """A reading is judged."""
        self.reference.read(round(at * MINUTE_US), value, round(now * MINUTE_US))
        self._decided(now)

    def pass_time(self, now: float) -> None:
        """Nothing is heard; then whoever ends or tells what is due looks."""
        self.reference.pass_time(round(now * MINUTE_US))
        self._decided(now)
        if self.chatter is not None and now - self.chatter.heard > QUIET + 1:
            self._end_chatter(now)
        if self.silence and self.silence.until is not None and self.silence.until <= now:
            self._end(now)
        self._tell_what_stands(now)

    def _decided(self, now: float) -> None:
        self.known |= bool(self.reference.streak or self.reference.log)
        for kind, at in self.reference.log[len(self.changes) :]:
            self._changed(kind, at, now)

    def _changed(self, kind: str, at: int, now: float) -> None:
        chatter = self.chatter
        if chatter is not None and self._is_over(kind, at):
            self._end_chatter(now)
            chatter = None
        self.changes.append((kind, at))
        if chatter is not None:
            chatter.heard = now
            chatter.clear = at if kind == "clear" else None
            chatter.trips += kind == "trip"
            if not self.terms.lives:
                return
        if kind == "trip":
            self._trip(at, now)
        else:
            self._clear(at, now)

    def _is_over(self, kind: str, at: int) -> bool:
        """Whether chatter is, before this change: long quiet, or nobody would hear of the trip."""
        unheard = kind == "trip" and self.state in ("normal", "latched") and not self.terms.lives
        return unheard or at - self.changes[-1][1] > QUIET * MINUTE_US

    def _chatters(self) -> bool:
        """Whether the newest change, a trip, is one too many."""
        newest = self.changes[-1][1]
        trips = [at for kind, at in self.changes if kind == "trip"]
        many = len(trips) >= 3 and newest - trips[-3] <= TRIPS_WITHIN * MINUTE_US
        often = (
            len(self.changes) >= 6 and newest - self.changes[-6][1] <= CHANGES_WITHIN * MINUTE_US
        )
        return many or often

    def _end_chatter(self, now: float) -> None:
        over = self.chatter
        assert over is not None
        self.chatter = None
        if self.terms.lives:
            return
        if self.episodes[-1].told:
            self.repeats += over.trips - 1
        if over.clear is not None:
            self._clear(over.clear, now)

    def _trip(self, at: int, now: float) -> None:
        self.episodes.append(Episode(at))
        if self.silence is None:
            self._announce_unless_covered(at / MINUTE_US, now)
        if self.chatter is None and self._chatters():
            self.chatter = Chatter(1, now)

    def _clear(self, at: int, now: float) -> None:
        self.episodes[-1].clear = at
        if self.silence is None:
            if self.state == "unacknowledged":
                self.state = "returned_unacknowledged"
            elif self.state == "acknowledged":
                self._rest()
        elif self.silence.until is None:
            self._end(now)

    def _rest(self) -> None:
        """Nothing is left to be done about it, unless somebody has to reset what was told."""
        self.state = "latched" if self.terms.latch and self.to_reset else "normal"

    def _covering(self, at: float) -> list[Work]:
        return [work for work in self.works if work.covers(at) and not self.terms.lives]

    def _announce_unless_covered(self, at: float, now: float, anew: bool = False) -> None:
        """anew: it was withheld, so it is news, whenever the last news was."""
        covering = self._covering(at)
        if covering:
            longest = max(covering, key=lambda work: work.end)
            self.silence = Silence("suppressed", longest.end, longest)
            self.state = "suppressed"
            return
        self.state, self.to_reset = "unacknowledged", True
        self.repeats += bool(self.told)
        self.told.append(now)
        self.episodes[-1].told = True
        if len(self.told) == 1:
            self.heard = now
        elif anew or now - self.heard >= REALARM_AFTER:
            self.announced.append(now)
            self.heard = now

    def _end(self, now: float) -> None:
        self.silence, self.state = None, "normal"
        if self.stands:
            self._announce_unless_covered(now, now, anew=True)
        else:
            self._rest()

    def _tell_what_stands(self, now: float) -> None:
        due = self.terms.standing is not None and now >= self.acknowledged + self.terms.standing
        if not due or self.state != "acknowledged" or now < self.not_before or not self.stands:
            return
        covering = self._covering(now)
        if covering:
            # While work is planned it waits; whether that goes on is asked once a minute.
            end = max(work.end for work in covering)
            self.not_before = min(end, now + 1)
        else:
            self.state = "unacknowledged"
            self.still.append(now)
            self.heard = now

    # What people do; each returns whether they may.

    def acknowledge(self, now: float) -> bool:
        """Somebody has seen it."""
        if self.state == "unacknowledged":
            self.state, self.acknowledged = "acknowledged", now
        elif self.state == "returned_unacknowledged":
            self._rest()
        else:
            return False
        return True

    def reset(self) -> bool:
        """Somebody has looked at what it was; of one that latches this is to have seen it, too."""
        unseen = self.state == "returned_unacknowledged" and self.terms.latch
        if self.stands or not (unseen or self.state == "latched"):
            return False
        self.state, self.to_reset = "normal", False
        return True

    def shelve(self, now: float, minutes: int | None) -> bool:
        """For a while, or until it clears."""
        barred = self.silence is not None and self.silence.kind != "shelved"
        if not self.known or self.terms.lives or barred or (minutes is None and not self.stands):
            return False
        self.silence = Silence("shelved", None if minutes is None else now + minutes)
        self.state = "shelved"
        return True

    def take_out(self, now: float, minutes: int) -> bool:
        """Out of service, by as many people as it takes."""
        if not self.known:
            return False
        self.silence = Silence("out_of_service", now + minutes)
        self.state = "out_of_service"
        return True

    def bring_back(self, now: float, kind: str) -> bool:
        """People end what people began."""
        if self.silence is None or self.silence.kind != kind:
            return False
        self._end(now)
        return True

    def plan(self, now: float, minutes: int) -> bool:
        """Work begins now."""
        self.works.append(Work(now, now + minutes))
        return True

    def finish(self, now: float) -> bool:
        """The newest work that goes on is finished early."""
        work = self.going_on(now)
        if work is None:
            return False
        work.end, work.over = now, True
        if self.silence and self.silence.work is work:
            self.silence.until = now
        return True

    def going_on(self, now: float) -> Work | None:
        """The newest work that is neither over nor finished."""
        return next((one for one in reversed(self.works) if one.covers(now)), None)
