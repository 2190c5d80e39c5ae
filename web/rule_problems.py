"""What is wrong with a rule, in the words of the form and the language of who fills it in."""

import re
from collections.abc import Callable, Iterator

from rules.durations import parse_duration
from rules.form import ABOVE, BELOW, IS, IS_NOT, RuleForm
from web.languages import mark
from web.reader import Reader

_READINGS = re.compile(r"[1-9][0-9]{0,3} readings?")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TITLE = mark("Give the ticket a title.")
EQUIPMENT = mark("Choose the equipment.")
POINT = mark("Choose a reading of it.")
STATE = mark("Name the state that it is compared with.")
LIMIT = mark("The limit must be a number.")
CLEAR_LIMIT = mark("What it is over at must be a number.")
DELAY = mark("For how long: write a time such as 2m, or readings such as 3 readings.")
CATEGORY = mark("Choose a category for the ticket.")
RESPOND = mark("Respond within: write a time such as 30m or 2h.")
RESOLVE = mark("Resolve within: write a time such as 4h or 2d.")
NAME = mark("The short name: small letters and digits, joined by hyphens.")
TOO_QUICK = mark(
    "%(delay)s is shorter than the %(interval)s between two readings, so a single one would "
    "decide. Write at least %(least)s."
)
UNIT = mark("%(value)s does not fit the unit of this reading, which is %(unit)s.")
_TOO_QUICK = re.compile(
    r"(\S+) is shorter than the (\S+) between two readings of .+ at least (\S+)(?: \(.*)?"
)
_UNIT = re.compile(r"(\S+ \S+) doesn't fit (\S+)")


def form_faults(form: RuleForm) -> Iterator[str]:
    """What of the fields is missing or makes no sense, as texts to be translated."""
    if not (form.title_en or form.title_zh):
        yield TITLE
    if not form.asset_type:
        yield EQUIPMENT
    if not form.point:
        yield POINT
    yield from _limits(form)
    if form.delay and not (_READINGS.fullmatch(form.delay) or _is_duration(form.delay)):
        yield DELAY
    if not form.category:
        yield CATEGORY
    if form.respond_within and not _is_duration(form.respond_within):
        yield RESPOND
    if form.resolve_within and not _is_duration(form.resolve_within):
        yield RESOLVE
    if form.rule_id and not _SLUG.fullmatch(form.rule_id):
        yield NAME


def _limits(form: RuleForm) -> Iterator[str]:
    if form.comparison in (IS, IS_NOT) and form.point and not form.limit:
        yield STATE
    if form.comparison not in (*ABOVE, *BELOW):
        return
    if form.point and not _is(float, form.limit):
        yield LIMIT
    if form.clear_limit and not _is(float, form.clear_limit):
        yield CLEAR_LIMIT


def _is_duration(text: str) -> bool:
    return _is(parse_duration, text)


def _is(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def problem_told(reader: Reader, message: str, *, in_form: bool = False) -> str:
    """What the checker says, in the reader's language.

    in_form: to somebody who fills in a form, which names no points and offers no `2 readings`.
    """
    if not in_form:
        return reader.told(message)
    if found := _TOO_QUICK.fullmatch(message):
        names = {"delay": found[1], "interval": found[2], "least": found[3]}
        return reader.translate(TOO_QUICK, **names)
    if found := _UNIT.fullmatch(message):
        return reader.translate(UNIT, value=found[1], unit=found[2])
    return reader.told(message)
