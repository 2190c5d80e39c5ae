"""Expression text to its tree: a Pratt parser, so that a fault has exactly one place."""

import math
from typing import NoReturn, cast

from rules import durations
from rules.expression import syntax
from rules.expression.many import RELATIONS, WRITE
from rules.expression.syntax import ExpressionError, Fault, Node
from rules.expression.tokens import Token, tokens
from rules.wording import Message, worded

LONGEST_TEXT = 4000
DEEPEST = 30

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_BINDING = {"or": 1, "and": 2, **dict.fromkeys(_COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
_NOT = 3
_SIGN = 7


def parse(text: str) -> Node:
    """The tree of `text`. Raises ExpressionError at the first word that can't stand there.

    Refuses text over 4,000 characters and nesting deeper than 30.
    """
    if len(text) > LONGEST_TEXT:
        message = worded("an expression has at most %(most)s characters", most=LONGEST_TEXT)
        raise _error(0, message)
    parser = _Parser(list(tokens(text)), text)
    node = parser.expression(0, 1)
    parser.expect_end()
    return node


def _error(at: int, message: Message) -> ExpressionError:
    return ExpressionError([Fault(at, message)])


def _too_deep() -> Message:
    return worded("the expression is nested deeper than %(deepest)s", deepest=DEEPEST)


class _Parser:
    def __init__(self, words: list[Token], text: str) -> None:
        self._words = words
        self._text = text
        self._place = 0

    @property
    def _next(self) -> Token:
        return self._words[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def expect_end(self) -> None:
        if self._next.kind != "end":
            self._fail(self._next, worded("an operator such as > or and"))

    def expression(self, binding: int, depth: int) -> Node:
        """Everything that binds tighter than `binding`."""
        if depth > DEEPEST:
            raise _error(self._next.at, _too_deep())
        left = self._prefix(depth)
        # A chain such as a - b - c grows to the left without recursion here, but as deep later.
        grown = 0
        while (strength := _BINDING.get(self._next.text, 0)) > binding and self._is_operator():
            if self._next.kind == "sign":
                grown += 1
            if depth + grown > DEEPEST:
                raise _error(self._next.at, _too_deep())
            left = self._infix(left, strength, depth)
        return left

    def _is_operator(self) -> bool:
        return self._next.kind in ("sign", "word")

    def _prefix(self, depth: int) -> Node:
        token = self._take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "duration":
            return _duration(token)
        if token.kind == "string":
            return syntax.String(token.at, token.text[1:-1])
        if token.kind == "name":
            return self._named(token, depth)
        return self._prefix_sign(token, depth)

    def _prefix_sign(self, token: Token, depth: int) -> Node:
        if token.text in ("true", "false"):
            return syntax.Boolean(token.at, token.text == "true")
        if token.text == "not":
            return syntax.Not(token.at, self.expression(_NOT, depth + 1))
        if token.text == "-":
            return syntax.Negative(token.at, self.expression(_SIGN, depth + 1))
        if token.text != "(":
            self._fail(token, worded("a point, a number or a parenthesis"))
        inside = self.expression(0, depth + 1)
        self._close(token)
        return inside

    def _named(self, token: Token, depth: int) -> Node:
        if self._next.text != "(" or self._next.kind != "sign":
            return syntax.Name(token.at, token.text)
        opening = self._take()
        arguments: list[Node] = []
        while self._next.text != ")":
            begin = self._next.at
            arguments.append(self._over(self.expression(0, depth + 1), begin))
            if self._next.text != ",":
                break
            self._take()
        self._close(opening)
        return syntax.Call(token.at, token.text, tuple(arguments))

    def _over(self, condition: Node, begin: int) -> Node:
        """An argument, with what follows where it is asked of many assets."""
        token = self._next
        if token.kind != "name":
            return condition
        if token.text not in RELATIONS:
            message = worded(
                "no relation '%(word)s' here; %(advice)s", word=token.text, advice=WRITE
            )
            raise _error(token.at, message)
        self._take()
        relation, last = token.text, token
        if token.text == "in":
            last = self._take()
            if last.kind != "name":
                message = worded("a kind of space is missing here; %(advice)s", advice=WRITE)
                raise _error(last.at, message)
            relation = f"in {last.text}"
        text = " ".join(self._text[begin : last.at + len(last.text)].split())
        return syntax.Over(token.at, condition, relation, text)

    def _close(self, opening: Token) -> None:
        if self._next.text != ")":
            if self._next.kind == "end":
                raise _error(opening.at, worded("this parenthesis is not closed"))
            self._fail(self._next, worded("an operator or )"))
        self._take()

    def _infix(self, left: Node, strength: int, depth: int) -> Node:
        token = self._take()
        right = self.expression(strength, depth + 1)
        if token.text == "and" or token.text == "or":
            return _junction(token, left, right)
        if token.text in _COMPARISONS:
            if isinstance(left, syntax.Comparison) or self._next.text in _COMPARISONS:
                raise _error(
                    token.at if isinstance(left, syntax.Comparison) else self._next.at,
                    worded("comparisons can't be chained; write them apart: 1 < a and a < 3"),
                )
            comparison = cast(syntax.ComparisonOperator, token.text)
            return syntax.Comparison(token.at, comparison, left, right)
        arithmetic = cast(syntax.ArithmeticOperator, token.text)
        return syntax.Arithmetic(token.at, arithmetic, left, right)

    def _fail(self, token: Token, expected: Message) -> NoReturn:
        if token.kind == "end":
            message = worded("the expression ends where %(what)s should follow", what=expected)
            raise _error(token.at, message)
        message = worded(
            "%(word)s can't stand here; %(what)s should", word=repr(token.text), what=expected
        )
        raise _error(token.at, message)


def _junction(token: Token, left: Node, right: Node) -> Node:
    operands = [left, right]
    if isinstance(left, syntax.Junction) and left.word == token.text:
        operands = [*left.operands, right]
    word = "and" if token.text == "and" else "or"
    return syntax.Junction(token.at, word, tuple(operands))  # type: ignore[arg-type]


def _number(token: Token) -> syntax.Number:
    digits = token.text.removesuffix(token.unit or "").rstrip()
    value = float(digits)
    if not math.isfinite(value):
        raise _error(token.at, worded("%(number)s is too large", number=digits))
    return syntax.Number(token.at, value, token.unit, token.text)


def _duration(token: Token) -> syntax.Duration:
    try:
        return syntax.Duration(token.at, durations.parse_duration(token.text), token.text)
    except durations.DurationError as error:
        raise _error(token.at, error.message) from None
