"""Compiled code, three-valued evaluation and a naive reading of the same expression agree."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.catalog import PointType, Text
from rules.expression import Expression, ExpressionError, compile_expression
from rules.slots import ReceiptNow, Slot

Values = dict[str, float]
NUMBERS = ("a", "b", "c")
TRUTHS = ("p", "q")
POINTS = {
    **{code: PointType(code, Text(code)) for code in NUMBERS},
    **{code: PointType(code, Text(code), kind="boolean") for code in TRUTHS},
}


@dataclass(frozen=True)
class Written:
    """An expression, and what it plainly means."""

    text: str
    means: Callable[[Values], float | bool]


def _binary(sign: str, left: Written, right: Written) -> Written:
    calculate: dict[str, Callable[[float, float], float | bool]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
        "==": lambda x, y: x == y,
        "!=": lambda x, y: x != y,
        "and": lambda x, y: x and y,
        "or": lambda x, y: x or y,
    }
    run = calculate[sign]
    if sign == "and":
        return Written(
            f"({left.text} and {right.text})", lambda v: bool(left.means(v) and right.means(v))
        )
    if sign == "or":
        return Written(
            f"({left.text} or {right.text})", lambda v: bool(left.means(v) or right.means(v))
        )
    return Written(
        f"({left.text} {sign} {right.text})", lambda v: run(left.means(v), right.means(v))
    )


def _point(code: str) -> Written:
    return Written(code, lambda v: v[code])


def _truth(code: str) -> Written:
    return Written(code, lambda v: v[code] != 0)


def _literal(value: int) -> Written:
    return Written(str(value), lambda v: float(value))


points = st.sampled_from(NUMBERS).map(_point)
literals = st.integers(1, 9).map(_literal)


def _extend_numbers(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    return st.one_of(
        st.builds(_binary, st.sampled_from("+-*/"), inner, st.one_of(inner, literals)),
        inner.map(lambda x: Written(f"abs({x.text})", lambda v: abs(x.means(v)))),
        inner.map(lambda x: Written(f"(-{x.text})", lambda v: -x.means(v))),
    )


numbers = st.recursive(points, _extend_numbers, max_leaves=4)
comparisons = st.builds(
    _binary,
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    numbers,
    st.one_of(numbers, literals),
)


def _extend_conditions(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    return st.one_of(
        st.builds(_binary, st.sampled_from(["and", "or"]), inner, inner),
        inner.map(lambda x: Written(f"(not {x.text})", lambda v: not x.means(v))),
    )


conditions = st.recursive(
    st.one_of(comparisons, st.sampled_from(TRUTHS).map(_truth)), _extend_conditions, max_leaves=4
)
FEW = (0.0, 1.0, 4.0)
values = st.fixed_dictionaries(
    {
        **{code: st.sampled_from([-3.0, *FEW]) for code in NUMBERS},
        **{code: st.sampled_from([0.0, 1.0]) for code in TRUTHS},
    }
)


def _outcome(run: Callable[[], float | bool | None]) -> str:
    try:
        value = run()
    except ArithmeticError:
        return "error"
    assert value is None or not math.isnan(value)
    return "unknown" if value is None else str(bool(value))


@settings(max_examples=300, deadline=None)
@given(conditions, values)
def test_with_every_value_known_all_three_readings_agree(written: Written, known: Values) -> None:
    expression = compile_expression(written.text, POINTS)
    slots = {code: Slot(value, 1, 1) for code, value in known.items()}
    bound = expression.bind(slots, ReceiptNow(), Slot())
    plain = _outcome(lambda: written.means(known))
    assert _outcome(bound.holds) == plain
    assert _outcome(bound.test(True)) == plain
    opposite = {"True": "False", "False": "True", "error": "error"}
    assert _outcome(bound.test(False)) == opposite[plain]


@settings(max_examples=200, deadline=None)
@given(conditions, values, st.sets(st.sampled_from(NUMBERS + TRUTHS), min_size=1, max_size=2))
def test_what_is_told_without_a_value_stays_true_whatever_the_value(
    written: Written, known: Values, missing: set[str]
) -> None:
    expression = compile_expression(written.text, POINTS)
    slots = {code: Slot(None if code in missing else value) for code, value in known.items()}
    bound = expression.bind(slots, ReceiptNow(), Slot())
    told = _outcome(bound.holds)
    if told in ("unknown", "error"):
        assert told == "error" or not (bound.test(True)() or bound.test(False)())
        return
    assert bound.test(told == "True")() is True
    for filled in itertools.product(FEW, repeat=len(missing)):
        completed = {**known, **dict(zip(sorted(missing), filled, strict=True))}
        assert _outcome(partial(written.means, completed)) in (told, "error")


WORDS = [
    "a", "p", "q", "(", ")", "and", "or", "not", "<", ">=", "==", "+", "-", "/", "*", "3", "1e400",
    "5m", "2 kPa", "70 %", '"x"', "age(a)", "abs(", "overdue(2)", "true", ",", "°", "m/s", "0",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_is_a_condition_or_is_refused_at_a_place_within_it(text: str) -> None:
    try:
        expression = compile_expression(text, POINTS)
    except ExpressionError as error:
        offsets = [fault.offset for fault in error.faults]
    else:
        _runs(expression)
        return
    assert offsets
    assert all(0 <= offset <= len(text) for offset in offsets)


def _runs(expression: Expression) -> None:
    bound = expression.bind({code: Slot(1.0, 1, 1) for code in POINTS}, ReceiptNow(5), Slot())
    assert _outcome(bound.holds) in ("True", "False", "unknown", "error")
    assert _outcome(bound.test(True)) in ("True", "False", "error")
