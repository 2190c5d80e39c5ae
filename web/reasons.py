"""Why an alarm tripped, told in the reader's language.

The engine puts its reasons on record in one form for programs and logs: point codes, signs and
English joints (see `explain` in `rules.expression`). Here the same is said with the names of the
points, durations and joints of the reader's language. What this module does not know stays as it
is on record, so no reason is ever lost.
"""

import re
from collections.abc import Callable, Mapping

from babel.units import format_unit

from rules.catalog import AssetType, Catalog, shipped_catalog
from rules.durations import HOUR, MINUTE, PATTERN, SECOND, format_duration, parse_duration
from web.languages import locale_of, mark
from web.naming import point_name
from web.reader import NO, YES, Reader

_DAY = 24 * HOUR
_SENTENCES = {
    "every expected point was heard in time": mark("every point was heard in time"),
    "the value can't be told any more": mark("the value can't be told any more"),
    "division by zero": mark("division by zero"),
    "the result is not a finite number": mark("the result is not a finite number"),
    "its time stamps agree with ours again": mark("its time stamps agree with ours again"),
    "its live readings stayed behind its own last reading for 10 minutes; "
    "they are stamped on receipt from now on": mark(
        "its live readings stayed behind its own last reading for 10 minutes; "
        "they are stamped on receipt from now on"
    ),
}
_COUNTED = re.compile(r"reading (\d+) of (\d+): (.+)", re.DOTALL)
_HELD = re.compile(rf"(.+) held ({PATTERN})", re.DOTALL)
_REPEATED = re.compile(r"(.+) in (\d+) readings in a row", re.DOTALL)
_NOT_HEARD = re.compile(rf"not heard: (\w+ for {PATTERN}(?:, \w+ for {PATTERN})*)")
_NAME = r"(?!(?:and|or|not)\b)[^\W\d]\w*"
_SIGN = r"[<>]=?|[!=]="
_END = r"(?=$|\)| and | or )"
# What a condition is made of, in the order in which it is tried. A number is taken with its unit,
# a state with the point or the sign before it, so that neither is mistaken for a point.
_PIECE = re.compile(
    rf"(?P<silence>(?:age\((?P<of>{_NAME})\)|path_age\(\)) (?P<age>{PATTERN})"
    rf" (?P<against>{_SIGN}) (?P<limit>{PATTERN}))"
    r"|(?P<number>-?\d[\d.]*(?:e[+-]?\d+)?(?: (?!(?:and|or)\b)[^\W\d][^\s()]*| [°%][^\s()]*)?)"
    rf"|(?P<sign>{_SIGN})(?: (?P<literal>{_NAME}){_END})?"
    r"|(?P<joint>\b(?:and|or)\b)"
    rf"|(?P<function>{_NAME}\()"
    rf"|(?P<truth>(?:not )?(?P<true>{_NAME}){_END})"
    rf"|(?P<point>{_NAME})(?: (?P<state>{_NAME}))?"
)
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}
_JOINTS = {"and": mark("and"), "or": mark("or")}
_WORDS = {"true": YES, "false": NO, "unknown": mark("unknown")}


def told(reader: Reader, reason: str, asset_type: str | None) -> str:
    """The reason as the reader would say it.

    asset_type: whose points it names; names that no asset type knows stay codes.
    """
    return _Teller(reader, shipped_catalog(), asset_type).tell(reason)


class _Teller:
    def __init__(self, reader: Reader, catalog: Catalog, asset_type: str | None) -> None:
        self._reader = reader
        self._own = catalog.get(asset_type or "")
        self._catalog = catalog
        self._kinds: Mapping[str, Callable[[re.Match[str]], str]] = {
            "silence": self._silence,
            "number": lambda found: found["number"],
            "sign": self._sign,
            "joint": lambda found: self._reader.translate(_JOINTS[found["joint"]]),
            "function": lambda found: found["function"],
            "truth": self._truth,
            "point": self._point,
        }

    def tell(self, reason: str) -> str:
        say = self._reader.translate
        if reason in _SENTENCES:
            return say(_SENTENCES[reason])
        if found := _COUNTED.fullmatch(reason):
            rest = self.tell(found[3])
            return say(
                mark("reading %(number)s of %(wanted)s: %(reason)s"),
                reason=rest,
                number=found[1],
                wanted=found[2],
            )
        if found := _HELD.fullmatch(reason):
            rest, time = self.tell(found[1]), self._duration(found[2])
            return say(mark("%(reason)s for %(time)s"), reason=rest, time=time)
        if found := _REPEATED.fullmatch(reason):
            rest = self.tell(found[1])
            return say(
                mark("%(reason)s in %(count)s readings in a row"), reason=rest, count=found[2]
            )
        if found := _NOT_HEARD.fullmatch(reason):
            return self._not_heard(found[1])
        return _PIECE.sub(self._piece, reason)

    def _piece(self, found: re.Match[str]) -> str:
        kind = next(kind for kind in self._kinds if found[kind] is not None)
        return self._kinds[kind](found)

    def _not_heard(self, text: str) -> str:
        said = []
        for part in text.split(", "):
            code, _, time = part.rpartition(" for ")
            said.append(
                self._reader.translate(
                    mark("%(point)s for %(time)s"),
                    point=self._name(code),
                    time=self._duration(time),
                )
            )
        comma = self._reader.translate(mark(", "))
        return self._reader.translate(mark("not heard: %(points)s"), points=comma.join(said))

    def _silence(self, found: re.Match[str]) -> str:
        say, age = self._reader.translate, self._duration(found["age"])
        limit = self._duration(found["limit"])
        point = self._name(found["of"]) if found["of"] else None
        if found["against"].startswith("<"):
            if point is None:
                return say(mark("its path was heard %(age)s ago"), age=age)
            return say(mark("%(point)s was heard %(age)s ago"), point=point, age=age)
        if point is None:
            text = mark("nothing over its path for %(age)s (limit %(limit)s)")
            return say(text, age=age, limit=limit)
        text = mark("%(point)s not heard for %(age)s (limit %(limit)s)")
        return say(text, point=point, age=age, limit=limit)

    def _sign(self, found: re.Match[str]) -> str:
        sign = _SIGNS.get(found["sign"], found["sign"])
        return f"{sign} {self._word(found['literal'])}" if found["literal"] else sign

    def _truth(self, found: re.Match[str]) -> str:
        if found["truth"] in _WORDS:
            return self._word(found["truth"])
        negated = found["truth"].startswith("not ")
        if not negated and self._name(found["true"]) == found["true"]:
            # No point that we know, so it may as well be a word of a sentence.
            return found["truth"]
        value = NO if negated else YES
        text, say = mark("%(point)s: %(value)s"), self._reader.translate
        return say(text, point=self._name(found["true"]), value=say(value))

    def _point(self, found: re.Match[str]) -> str:
        name = self._name(found["point"])
        return f"{name} {self._word(found['state'])}" if found["state"] else name

    def _word(self, word: str) -> str:
        return self._reader.translate(_WORDS[word]) if word in _WORDS else word

    def _name(self, code: str) -> str:
        own = point_name(self._own, code, {}, self._reader)
        if own != code:
            return own
        others = (known for known in self._catalog.values() if code in known.points)
        other: AssetType | None = next(others, None)
        return point_name(other, code, {}, self._reader)

    def _duration(self, text: str) -> str:
        """`1h30m` in words, to the second: what is beside it doesn't need the microseconds."""
        rest = parse_duration(text)
        if rest < SECOND:
            return format_duration(rest)
        rest = round(rest / SECOND) * SECOND
        parts = []
        lengths = {"day": _DAY, "hour": HOUR, "minute": MINUTE, "second": SECOND}
        locale = locale_of(self._reader.language)
        for unit, length in lengths.items():
            count, rest = divmod(rest, length)
            if count:
                parts.append(format_unit(count, f"duration-{unit}", "short", locale=locale))
        return " ".join(parts)
