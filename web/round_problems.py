"""What is wrong with a form of routes, plans and rounds, in the language of who fills it in."""

import re
from collections.abc import Mapping
from typing import Final

from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from web.languages import mark
from web.reader import Reader

CODE_TAKEN = mark("This code is taken on this site. Choose another one.")
CHANGED = mark(
    "Somebody changed this since you opened it. What you typed still stands here; to save it again "
    "replaces their change."
)
MEANWHILE = mark("That is not possible any more. This is how it stands now.")
# What is wrong, by how the problem of the domain begins; the longest beginning counts.
_PROBLEMS: Final[Mapping[str, str]] = {
    "code": mark("Code: small letters, digits, - and _, at most 40 of them."),
    "code: cannot be changed": mark("The code of a route stays as it is."),
    "name": mark("Give it a name in one language at least, of at most 120 characters."),
    "order": mark("Choose in which order its checkpoints are gone to."),
    "points": mark("Add one checkpoint at least; a route has at most 200."),
    "points: only": mark("Only a route that goes one after another comes to a checkpoint twice."),
    "take": mark("How many to draw: a whole number, up to as many checkpoints as the route has."),
    "take: only": mark("How many to draw: leave it empty, as this route draws nothing."),
    "times": mark("Write when rounds begin, such as 22:00, 00:00; at most 96 times of day."),
    "weekdays": mark("Choose one day of the week at least."),
    "team": mark("Choose a team of this site."),
    "duration_min": mark("How long it takes: 1 to 1,440 minutes."),
    "tolerance_min": mark("How much earlier or later: from 0 minutes to as long as it takes."),
    "settle_min": mark("How long unknown points wait: 0 to 10,080 minutes, which are 7 days."),
    "hours": mark("Choose a calendar or a shift of this site, or none."),
    "outside": mark("Choose the hours outside of which rounds begin."),
    "statute": mark("Choose a statute from the list."),
    "statute.hours": mark("Choose the calendar or shift in which the statute counts, or none."),
    "statute.items": mark("What has to be looked at is done at checkpoints of this route."),
    "reason": mark("Say why, in at most 500 characters."),
}
NO_TIME = mark("%(written)s is no time of day. Write it like 22:00.")
_NO_TIME = re.compile(r"times: ['\"](.*)['\"] is no time of day.*")
TOO_SHORT = mark(
    "How long it takes: more than %(minutes)s minutes, when the last window of the route opens."
)
_TOO_SHORT = re.compile(r"duration_min: over ([0-9]+), .*")
TOO_LATE = mark(
    "Checkpoint %(number)s: its time has to begin before minute %(minutes)s, when a plan ends."
)
_TOO_LATE = re.compile(r"opens_min: less than ([0-9]+), .*")
# The same of one checkpoint of a route, which is named before it.
_OF_POINT: Final[Mapping[str, str]] = {
    "a checkpoint": mark("Checkpoint %(number)s: it is none of this site."),
    "this checkpoint": mark(
        "Checkpoint %(number)s is out of use. Take it into use again, or out of the route."
    ),
    "this checkpoint is that": mark(
        "Checkpoint %(number)s is that of a post, where a scan says who comes and leaves."
    ),
    "opens_min": mark("Checkpoint %(number)s: its minutes are whole numbers from 0 to 1,440."),
    "closes_min": mark("Checkpoint %(number)s: its time has to end after it begins."),
}
_POINT = re.compile(r"points\.(\d+): (.*)")


def refusal_told(
    reader: Reader, error: WatchkeeperError, *, conflict: str = MEANWHILE
) -> list[str]:
    """What is to be corrected in a form, in the reader's language.

    conflict: what is said where the present status does not allow it.
    """
    if isinstance(error, Stale):
        return [reader.translate(CHANGED)]
    if isinstance(error, Conflict):
        return [reader.translate(conflict)]
    problems = error.problems if isinstance(error, Invalid) else ()
    return [problem_told(reader, one) for one in problems] or [reader.told(error.detail)]


def problem_told(reader: Reader, problem: str) -> str:
    """One problem of a route, a plan or a round."""
    if of_point := _POINT.fullmatch(problem):
        number, rest = int(of_point[1]) + 1, of_point[2]
        if too_late := _TOO_LATE.fullmatch(rest):
            return reader.translate(TOO_LATE, number=number, minutes=too_late[1])
        found = _beginning(_OF_POINT, rest)
        return reader.translate(found, number=number) if found else problem
    if no_time := _NO_TIME.fullmatch(problem):
        return reader.translate(NO_TIME, written=no_time[1])
    if too_short := _TOO_SHORT.fullmatch(problem):
        return reader.translate(TOO_SHORT, minutes=too_short[1])
    found = _beginning(_PROBLEMS, problem)
    return reader.translate(found) if found else reader.told(problem)


def _beginning(texts: Mapping[str, str], problem: str) -> str | None:
    known = [begin for begin in texts if problem.startswith(begin)]
    return texts[max(known, key=len)] if known else None
