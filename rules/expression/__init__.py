"""The language of conditions: parsed with places, checked with units, compiled to closures."""

from rules.expression.checker import MIXED
from rules.expression.functions import FUNCTIONS, Function
from rules.expression.many import Branch, Group
from rules.expression.program import (
    UNKNOWN,
    Bound,
    Expression,
    compile_expression,
)
from rules.expression.syntax import ExpressionError, Fault

__all__ = [
    "FUNCTIONS",
    "MIXED",
    "UNKNOWN",
    "Bound",
    "Branch",
    "Expression",
    "ExpressionError",
    "Fault",
    "Function",
    "Group",
    "compile_expression",
]
