"""How numbers with units meet: in comparisons, sums and products."""

from rules import units
from rules.expression import syntax
from rules.expression.nodes import CALCULATE, Calculation, Constant, Node, Scaled, number_text
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Measure, Typed
from rules.wording import Message, worded

Measured = tuple[Node, Measure]


def _fault(tree: syntax.Node, message: Message) -> ExpressionError:
    return ExpressionError([Fault(syntax.start(tree), message)])


def is_relative(kind: Measure) -> bool:
    """Whether calculating with `kind` blurs the line between a temperature and a difference."""
    return kind.relative or bool(kind.unit and not units.is_multiplicative(kind.unit))


def aligned(
    tree: syntax.Comparison | syntax.Arithmetic, left: Measured, right: Measured, verb: str
) -> tuple[Node, Node]:
    """Both sides in one unit: literals are converted now, points when the rule runs.

    Raises ExpressionError when a unit doesn't fit, or meets a number that has none.
    """
    (first, a), (second, b) = left, right
    if verb == "compared" and isinstance(first, Constant) and isinstance(second, Constant):
        raise _fault(tree, worded("this compares two constants, so it never changes"))
    if a.bare or b.bare or (a.unit or None) == (b.unit or None):
        return first, second
    literal = tree.left if isinstance(first, Constant) else tree.right
    _check_fit(literal, tree, a, b, verb)
    if (a.relative or b.relative or verb == "added") and (is_relative(a) or is_relative(b)):
        message = worded(
            "after calculating with temperatures, write every number in %(unit)s",
            unit=a.unit or b.unit,
        )
        raise _fault(literal, message)
    assert a.unit is not None
    assert b.unit is not None
    if isinstance(first, Constant):
        return _stated(first, a.unit, b.unit), second
    if isinstance(second, Constant):
        return first, _stated(second, b.unit, a.unit)
    return first, _scaled(literal, second, b.unit, a.unit)


def _check_fit(
    literal: syntax.Node,
    tree: syntax.Comparison | syntax.Arithmetic,
    a: Measure,
    b: Measure,
    verb: str,
) -> None:
    if a.unit is None or b.unit is None:
        plain, other = (tree.left, b.unit) if a.unit is None else (tree.right, a.unit)
        name = plain.name if isinstance(plain, syntax.Name) else worded("one side")
        raise _fault(literal, _without_unit(name, other, verb))
    if units.fits(a.unit, b.unit):
        return
    theirs = b.unit if literal is tree.left else a.unit
    message = worded(
        "%(what)s doesn't fit %(unit)s%(advice)s",
        what=_written(literal, a, b, tree),
        unit=theirs or worded("a ratio"),
        advice=_advice(literal, theirs),
    )
    raise _fault(literal, message)


def _without_unit(name: str, other: str | None, verb: str) -> Message:
    if verb == "compared":
        return worded(
            "%(point)s has no unit, so it can't be compared with %(unit)s", point=name, unit=other
        )
    return worded(
        "%(point)s has no unit, so it can't be added with %(unit)s", point=name, unit=other
    )


def _written(
    literal: syntax.Node, a: Measure, b: Measure, tree: syntax.Comparison | syntax.Arithmetic
) -> str:
    if isinstance(literal, syntax.Number | syntax.Duration):
        return literal.text
    unit = a.unit if literal is tree.left else b.unit
    if isinstance(literal, syntax.Name):
        return worded("%(point)s in %(unit)s", point=literal.name, unit=unit)
    return unit or worded("this")


def _advice(literal: syntax.Node, unit: str) -> str:
    if isinstance(literal, syntax.Duration) and literal.text.endswith("m") and unit:
        digits = literal.text[:-1]
        if digits.replace(".", "").isdigit() and units.fits(unit, "m"):
            return worded(
                ": %(text)s is minutes; write %(number)s m for metres",
                text=literal.text,
                number=digits,
            )
    if isinstance(literal, syntax.Number) and literal.unit == "m" and units.fits(unit, "s"):
        return worded(
            ": %(text)s is metres; write %(number)sm for minutes",
            text=literal.text,
            number=f"{literal.value:g}",
        )
    temperatures = {"C": "°C", "F": "°F"}
    if isinstance(literal, syntax.Number) and literal.unit in temperatures:
        return worded("; did you mean %(unit)s?", unit=temperatures[literal.unit])
    return ""


def _stated(constant: Constant, from_unit: str, to_unit: str) -> Constant:
    value = units.convert(float(constant.value), from_unit, to_unit)
    # Spellings of one unit need no translation for the reader.
    same = value == constant.value
    text = constant.text if same else f"{constant.text} ({number_text(value, to_unit)})"
    return Constant(value, text)


def _scaled(literal: syntax.Node, node: Node, from_unit: str, to_unit: str) -> Node:
    try:
        factor, offset = units.linear(from_unit, to_unit)
    except units.UnitError as error:
        raise _fault(literal, error.message) from None
    return Scaled(node, factor, offset)


def sum_of(tree: syntax.Arithmetic, left: Measured, right: Measured) -> Typed:
    """The node and unit of `left + right` or `left - right`."""
    first, second = aligned(tree, left, right, "added")
    # A literal takes the unit of what it meets, whichever side it stands on.
    kept = right[1] if isinstance(left[0], Constant) and not right[1].bare else left[1]
    kind = Measure(kept.unit, kept.bare, is_relative(kept))
    return _calculated(tree, first, second), kind


def product_of(tree: syntax.Arithmetic, left: Measured, right: Measured) -> Typed:
    """The node and unit of `left * right` or `left / right`."""
    (first, a), (second, b) = left, right
    return _calculated(tree, first, second), _product_kind(tree, a, b)


def _product_kind(tree: syntax.Arithmetic, a: Measure, b: Measure) -> Measure:
    if b.unit is None or (a.unit is None and tree.operator == "*"):
        kept = a if b.unit is None else b
        return Measure(kept.unit, a.bare and b.bare, is_relative(kept))
    combine = units.product if tree.operator == "*" else units.quotient
    try:
        return Measure(combine(a.unit or "", b.unit))
    except units.UnitError as error:
        raise ExpressionError([Fault(tree.at, error.message)]) from None


def _calculated(tree: syntax.Arithmetic, left: Node, right: Node) -> Node:
    if tree.operator == "/" and isinstance(right, Constant) and right.value == 0:
        raise ExpressionError([Fault(tree.at, worded("this divides by zero"))])
    if not isinstance(left, Constant) or not isinstance(right, Constant):
        return Calculation(tree.operator, left, right)
    text = f"{left.text} {tree.operator} {right.text}"
    return Constant(CALCULATE[tree.operator](left.value, right.value), text)


def seconds(tree: syntax.Node, node: Constant, kind: Measure) -> float:
    """A constant time in seconds. Raises ExpressionError when its unit is not one of time."""
    if kind.bare or kind.unit == "s":
        value = float(node.value)
    elif kind.unit is None or not units.fits(kind.unit, "s"):
        message = worded(
            "%(text)s is not a time%(advice)s", text=node.text, advice=_advice(tree, "s")
        )
        raise _fault(tree, message)
    else:
        value = units.convert(float(node.value), kind.unit, "s")
    if not 0 < value <= 366 * 86400:
        raise _fault(tree, worded("write a time above zero and up to 366 days"))
    return value
