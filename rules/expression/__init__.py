"""The language of conditions: parsed with places, checked with units, compiled to closures."""

from rules.expression.functions import FUNCTIONS, Function
from rules.expression.program import UNKNOWN, Bound, Expression, compile_expression
from rules.expression.syntax import ExpressionError, Fault

__all__ = [
    "FUNCTIONS",
    "UNKNOWN",
    "Bound",
    "Expression",
    "ExpressionError",
    "Fault",
    "Function",
    "compile_expression",
]
