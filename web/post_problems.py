"""What is wrong with a form about posts, in the language of who fills it in."""

import re
from collections.abc import Mapping
from typing import Final

from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from web.languages import mark
from web.reader import Reader
from web.round_problems import CHANGED, MEANWHILE, problem_told

AT_ANOTHER = mark(
    "This person is at another post, or was at one at that time. Nobody is at two at once; let "
    "them leave that one first."
)
NO_CARD = mark("This card is nobody's on this site. Read it in again, or choose the person.")
CANT_HAND_OVER = mark(
    "This can't be handed over now: come to the post first, or let the hand-over that waits be "
    "accepted."
)
NOT_COUNTED = mark("%(name)s: count it, and write the number.")
NOT_EXPLAINED = mark("%(name)s: say why it is not %(number)s.")
_COUNT = re.compile(r"items\.(.*): count it, .*")
_WHY = re.compile(r"items\.(.*): say why it is not (\d+), .*")
READ_NEWER = mark("Newer orders are in force by now. Read these.")
# What is wrong, by how the problem of the domain begins; the longest beginning counts.
_PROBLEMS: Final[Mapping[str, str]] = {
    "code: cannot": mark("The code of a post stays as it is."),
    "hours": mark("Choose calendars and shifts of this site, or none."),
    "minimum_crew": mark("How many must be there: 0 to 50."),
    "tolerance_min": mark("How long somebody may still leave: 0 to 720 minutes."),
    "checkpoint_id: a": mark("Choose a checkpoint of this site, or none."),
    "checkpoint_id: this": mark("This checkpoint is out of use."),
    "checkpoint_id: another": mark("Another post has this checkpoint."),
    "checkpoint_id: rounds": mark(
        "Rounds go to this checkpoint. Put up another one, that is the post's own."
    ),
    "person_id": mark("Choose somebody of this site who may stand at posts."),
    "at": mark("A time after they came, within the last 24 hours."),
    "body.en: write": mark("The English text is missing. Orders are published in both languages."),
    "body.zh: write": mark("The Chinese text is missing. Orders are published in both languages."),
    "items": mark("Each name once, of at most 80 characters, at most 999 of each."),
    "text": mark("Write something, in at most 4,000 characters."),
    "body": mark("The text is too long; 20,000 characters at most."),
}


def post_refusal_told(
    reader: Reader, error: WatchkeeperError, *, conflict: str = MEANWHILE
) -> list[str]:
    """What is to be corrected in a form about posts, in the reader's language.

    conflict: what is said where the present status does not allow it.
    """
    if isinstance(error, Stale):
        return [reader.translate(CHANGED)]
    if isinstance(error, Conflict):
        return [reader.translate(conflict)]
    problems = error.problems if isinstance(error, Invalid) else ()
    return [_told(reader, one) for one in problems] or [reader.told(error.detail)]


def _told(reader: Reader, problem: str) -> str:
    if not_counted := _COUNT.fullmatch(problem):
        return reader.translate(NOT_COUNTED, name=not_counted[1])
    if not_explained := _WHY.fullmatch(problem):
        name, number = not_explained.groups()
        return reader.translate(NOT_EXPLAINED, name=name, number=number)
    known = [begin for begin in _PROBLEMS if problem.startswith(begin)]
    return (
        reader.translate(_PROBLEMS[max(known, key=len)]) if known else problem_told(reader, problem)
    )
