"""The words of the alarm load: its figures, what they are measured against, and the next steps."""

from collections.abc import Mapping

from babel import units

from core.clock import MICROS, to_micros
from web.languages import locale_of, mark
from web.reader import Reader
from workflows.alarms.load import Advice, AlarmLoad, Metric, Target
from workflows.tickets.work import cause_name

FIGURES: Mapping[str, str] = {
    "rate_hour": mark("Alarms per hour and operator"),
    "rate_interval": mark("Alarms per 10 minutes and operator"),
    "peak_interval": mark("Most alarms in any 10 minutes"),
    "busy_intervals": mark("10-minute intervals with more than 10 alarms"),
    "flood_time": mark("Time in alarm floods"),
    "top_ten": mark("Share of the ten most frequent alarms"),
    "chattering": mark("Chattering alarms"),
    "fleeting": mark("Fleeting alarms"),
    "stale": mark("Stale alarms on the worst day"),
    "low": mark("Low priority"),
    "medium": mark("Medium priority"),
    "high": mark("High priority"),
    "critical": mark("Critical priority"),
    "acknowledged_half": mark("Half were acknowledged within"),
    "acknowledged_most": mark("Nine of ten were acknowledged within"),
    "never_acknowledged": mark("Never acknowledged"),
    "false_share": mark("False, nuisance or sensor fault, of those judged"),
}
VERDICTS: Mapping[str, str] = {
    "good": mark("On target"),
    "watch": mark("To watch"),
    "act": mark("To act on"),
    "few": mark("Too few alarms"),
    "plain": "–",
}
SOURCES: Mapping[str, str] = {
    "EEMUA 191, ISA-18.2 (16.4)": mark("EEMUA 191, ISA-18.2 (16.4)"),
    "ISA-18.2 (16.4)": mark("ISA-18.2 (16.4)"),
    "own figure; the sources give none": mark("the sources give no target"),
}
AT_MOST = mark("at most %(value)s")
BELOW = mark("below %(value)s")
AT_LEAST = mark("at least %(value)s")
OVER = mark("over %(value)s")
NOBODY_NAMED = mark("no cause named")
ADVICE: Mapping[str, str] = {
    "on_delay": mark(
        "Tripped %(count)s times, %(fitting)s of them for less than %(delay)s: an on-delay longer "
        "by %(delay)s would have left %(left)s."
    ),
    "off_delay": mark(
        "Tripped %(count)s times, %(fitting)s of them less than %(delay)s after it was over: an "
        "off-delay longer by %(delay)s would have left %(left)s."
    ),
    "chatter": mark(
        "Chattered: tripped %(activations)s times in %(bursts)s bursts, of which people were told "
        "%(count)s times. Give it a wider deadband or a longer off-delay, or check its device, "
        "contact and wiring."
    ),
    "check_device": mark(
        "It chatters, and no delay of up to 30 minutes would have helped much: check the device, "
        "its contact and its wiring."
    ),
    "repair": mark(
        "Tripped %(count)s times, half of them for %(active_half)s or longer, and no delay of up "
        "to 30 minutes would have helped much: what it reports is there. Have the cause repaired, "
        "or ask whether its limit is right."
    ),
    "false_delay": mark(
        "%(needless)s of %(judged)s judged trips were not real (%(cause)s): an on-delay longer by "
        "%(delay)s would have spared %(dropped)s of them, and none of the %(real)s real ones."
    ),
    "false_cause": mark(
        "%(needless)s of %(judged)s judged trips were not real (%(cause)s): remove the cause, or "
        "move or change the detector."
    ),
    "unanswered": mark(
        "Nobody acknowledged %(unanswered)s of %(count)s trips. Does anybody need this alarm? If "
        "not, lower its priority or withdraw the rule."
    ),
    "flood_one_rule": mark(
        "Alarm floods here: %(floods)s, with %(count)s alarms. Of the largest, %(from_first)s of "
        "%(largest)s were this one alarm: deal with it first."
    ),
    "flood_common_cause": mark(
        "Alarm floods here: %(floods)s, with %(count)s alarms. The largest brought %(largest)s "
        "from %(alarms)s alarms: look for what they share, such as a supply or a gateway, and let "
        "the alarm of that inhibit the others."
    ),
    "stale_unseen": mark(
        "Active for %(age)s, and nobody has acknowledged it; its ticket waits. Send somebody."
    ),
    "stale_waits": mark("Active for %(age)s, and nobody works on its ticket. Assign it."),
    "stale_in_work": mark(
        "Active for %(age)s; its ticket is being worked on. If it has to wait, put the ticket on "
        "hold with a date."
    ),
    "stale_ended": mark(
        "Active for %(age)s although its ticket has ended. Look on the spot: the fault is still "
        "there, or the sensor or the limit is wrong."
    ),
    "stale_bare": mark(
        "Active for %(age)s. Look on the spot: the fault is still there, or the sensor or the "
        "limit is wrong."
    ),
}
TIMES = ("delay", "active_half")


def amount(reader: Reader, value: float | None, unit: str) -> str:
    """A figure with its unit, as people write it."""
    if value is None:
        return "–"
    if unit == "s":
        return reader.span(value)
    if unit != "%":
        return reader.number(value)
    # Of shares nobody reads a second decimal, but of little time in floods.
    return f"{reader.number(round(value, 1 if value >= 1 else 2))}%"


def share(reader: Reader, part: int, whole: int) -> str:
    """A part of a whole in percent."""
    return amount(reader, part * 100 / whole, "%")


def shown(reader: Reader, metric: Metric) -> str:
    """The value of a figure."""
    return amount(reader, metric.value, metric.goal.unit)


def target_text(reader: Reader, goal: Target) -> str:
    """What a figure should be."""
    if goal.target is None:
        return ""
    if not goal.target:
        return reader.number(0)
    word = AT_LEAST if goal.at_least else BELOW if goal.under else AT_MOST
    return reader.translate(word, value=amount(reader, goal.target, goal.unit))


def limit_text(reader: Reader, goal: Target) -> str:
    """From where on something must be done."""
    limit = goal.target if goal.limit is None else goal.limit
    if limit is None:
        return ""
    word = BELOW if goal.at_least else OVER
    return reader.translate(word, value=amount(reader, limit, goal.unit))


def length_text(reader: Reader, seconds: int) -> str:
    """A length of time; a delay of a minute is one of 1 min, which people would set."""
    if seconds % 60 or not seconds:
        return reader.span(seconds)
    locale = locale_of(reader.language)
    return units.format_unit(seconds // 60, "duration-minute", "short", locale=locale)


def stands_since(advice: Advice, load: AlarmLoad) -> int | None:
    """Since when the alarm of a next step has been active, in µs, where it is stale."""
    if not advice.kind.startswith("stale"):
        return None
    return next((one.since for one in load.stale if one.alarm == advice.alarm), None)


def advice_text(reader: Reader, advice: Advice, since: int | None) -> str:
    """A next step with the numbers that it comes from. since: of a stale alarm, µs."""
    values: dict[str, str] = {
        name: length_text(reader, value) if name in TIMES else reader.number(value)
        for name, value in advice.numbers.items()
    }
    if since is not None:
        values["age"] = reader.span((to_micros(reader.now) - since) / MICROS)
    values["cause"] = cause_text(reader, advice.cause)
    return reader.translate(ADVICE[advice.kind], **values)


def cause_text(reader: Reader, code: str | None) -> str:
    """What people named as the cause of what was not real."""
    if not code:
        return reader.translate(NOBODY_NAMED)
    return reader.text(cause_name(code)) or reader.word("false_cause", code)
