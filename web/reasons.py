"""Why an alarm tripped, told in the reader's language.

The engine puts its reasons on record in one form for programs and logs: point codes, signs and
English joints (see `explain` in `rules.expression`). Here the same is said with the names of the
points, durations and joints of the reader's language. What this module does not know stays as it
is on record, so no reason is ever lost.
"""

import re
from collections.abc import Callable, Mapping

from core.calendars import SHIPPED_NAMES as CALENDAR_NAMES
from core.shift_codes import shipped_shift_codes
from rules.catalog import TOLD, AssetType, Catalog, shipped_catalog
from rules.durations import PATTERN
from rules.windows import MEASUREMENTS
from web.delays import duration_told
from web.languages import mark
from web.naming import point_name
from web.reader import NO, YES, Reader
from web.reasons_many import PIECE as MANY
from web.reasons_many import Assets, tell_many, tell_question
from web.reasons_usual import PATTERN as USUAL
from web.reasons_usual import usual_told

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
_MEASURES = sorted(set(MEASUREMENTS) - {"since", "stuck"})
_NAME = r"(?!(?:and|or|not)\b)[^\W\d]\w*"
_SIGN = r"[<>]=?|[!=]="
_END = r"(?=$|\)| and | or )"
# What a condition is made of, in the order in which it is tried. A number is taken with its unit,
# a state with the point or the sign before it, so that neither is mistaken for a point.
_PIECE = re.compile(
    rf"{USUAL}|{MANY}|(?P<silence>(?:age\((?P<of>{_NAME})\)|path_age\(\)) (?P<age>{PATTERN})"
    rf" (?P<against>{_SIGN}) (?P<limit>{PATTERN}))"
    rf"|(?P<window>(?P<measure>{'|'.join(_MEASURES)})\((?P<in>{_NAME}), (?P<span>{PATTERN})\))"
    rf"|(?P<since>since\((?P<unchanged>{_NAME})\) (?P<how>{_SIGN}) (?P<long>{PATTERN}))"
    r"|(?P<hours>(?P<where>during|outside)\((?P<named>[a-z][a-z0-9-]*)\))"
    rf"|(?P<stuck>(?P<heard>{_NAME}) (?P<kept>reported the same value|changed)"
    rf" within (?P<within>{PATTERN}))"
    r"|(?P<number>-?\d[\d.]*(?:e[+-]?\d+)?(?: (?!(?:and|or)\b)[^\W\d][^\s()]*| [°%][^\s()]*)?)"
    rf"|(?P<sign>{_SIGN})(?: (?P<literal>{_NAME}){_END})?"
    r"|(?P<joint>\b(?:and|or)\b)"
    rf"|(?P<function>{_NAME}\()"
    rf"|(?P<truth>(?:not )?(?P<true>{_NAME}){_END})"
    rf"|(?P<point>{_NAME})(?: (?P<state>{_NAME}))?"
)
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}
# What is told of a window; the number follows.
_TOLD = {
    "avg": mark("%(point)s, mean of %(span)s:"),
    "min": mark("%(point)s, lowest in %(span)s:"),
    "max": mark("%(point)s, highest in %(span)s:"),
    "sum": mark("%(point)s, sum of %(span)s:"),
    "stddev": mark("%(point)s, standard deviation in %(span)s:"),
    "delta": mark("%(point)s, change in %(span)s:"),
    "rate": mark("%(point)s, rate of change in %(span)s:"),
    "count": mark("%(point)s, readings in %(span)s:"),
    "repeats": mark("%(point)s, most of one category in %(span)s:"),
    "changes": mark("%(point)s, changes in %(span)s:"),
}
_JOINTS = {"and": mark("and"), "or": mark("or")}
_WORDS = {"true": YES, "false": NO, "unknown": mark("unknown")}


def told(reader: Reader, reason: str, asset_type: str | None, assets: Assets | None = None) -> str:
    """The reason as the reader would say it.

    asset_type: whose points it names; names that no asset type knows stay codes. assets: what is
    known of other assets that it names, by code, as evidence has it.
    """
    return _Teller(reader, shipped_catalog(), asset_type, assets or {}).tell(reason)


def question_told(reader: Reader, question: str) -> str:
    """Who is asked what by a rule, as the reader would say it: `pump.fault in space`."""
    found = re.fullmatch(MANY, f"any({question})")
    if found is None:
        return question
    catalog = shipped_catalog()

    def tell(text: str, asset_type: str | None) -> str:
        return told(reader, text, asset_type)

    return tell_question(found, reader, catalog, tell)


class _Teller:
    def __init__(
        self, reader: Reader, catalog: Catalog, asset_type: str | None, assets: Assets
    ) -> None:
        self._reader = reader
        self._assets = assets
        self._own = catalog.get(asset_type or "")
        self._catalog = catalog
        self._kinds: Mapping[str, Callable[[re.Match[str]], str]] = {
            "usual": lambda found: usual_told(self._reader, found, self._name),
            "many": self._many,
            "silence": self._silence,
            "window": self._window,
            "since": self._since,
            "stuck": self._stuck,
            "hours": self._hours,
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

    def _many(self, found: re.Match[str]) -> str:
        def tell(text: str, asset_type: str | None) -> str:
            return _Teller(self._reader, self._catalog, asset_type, {}).tell(text)

        return tell_many(found, self._reader, self._catalog, self._assets, tell)

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

    def _window(self, found: re.Match[str]) -> str:
        point, span = self._name(found["in"]), self._duration(found["span"])
        text = _TOLD[found["measure"]]
        if found["measure"] == "count" and self._is_event(found["in"]):
            text = mark("%(point)s, times in %(span)s:")
        return self._reader.translate(text, point=point, span=span)

    def _since(self, found: re.Match[str]) -> str:
        long = found["how"].startswith(">")
        text = (
            mark("%(point)s unchanged for %(time)s")
            if long
            else mark("%(point)s changed within %(time)s")
        )
        if self._is_event(found["unchanged"]):
            text = (
                mark("no event “%(point)s” for %(time)s")
                if long
                else mark("%(point)s within the last %(time)s")
            )
        point, time = self._name(found["unchanged"]), self._duration(found["long"])
        return self._reader.translate(text, point=point, time=time)

    def _stuck(self, found: re.Match[str]) -> str:
        same = found["kept"] != "changed"
        text = (
            mark("%(point)s always reported the same value in %(time)s")
            if same
            else mark("%(point)s changed within %(time)s")
        )
        point, time = self._name(found["heard"]), self._duration(found["within"])
        return self._reader.translate(text, point=point, time=time)

    def _hours(self, found: re.Match[str]) -> str:
        inside = found["where"] == "during"
        text = mark("within %(hours)s") if inside else mark("outside %(hours)s")
        return self._reader.translate(text, hours=self._hours_name(found["named"]))

    def _hours_name(self, code: str) -> str:
        """As shipped; those of a site stay codes, since a reason doesn't know its site."""
        shift = shipped_shift_codes().get(code.replace("-", "_"))
        names = CALENDAR_NAMES.get(code) or (shift.name if shift else {})
        return names.get(self._reader.language) or names.get("en") or code

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

    def _is_event(self, code: str) -> bool:
        own = self._own.points if self._own else {}
        several = (own, TOLD, *(each.points for each in self._catalog.values()))
        known = next((points[code] for points in several if code in points), None)
        return known is not None and known.kind == "event"

    def _name(self, code: str) -> str:
        own = point_name(self._own, code, {}, self._reader)
        if own != code:
            return own
        others = (known for known in self._catalog.values() if code in known.points)
        other: AssetType | None = next(others, None)
        return point_name(other, code, {}, self._reader)

    def _duration(self, text: str) -> str:
        return duration_told(self._reader, text)
