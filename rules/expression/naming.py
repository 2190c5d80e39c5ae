"""How the errors of a condition call what stands in it."""

from rules.expression import syntax
from rules.expression.asking import TALLY
from rules.expression.functions import Function
from rules.expression.types import Elapsed, State, Tally, Truth, Typed
from rules.wording import Message, worded


def wrong_count(function: Function, given: int) -> Message:
    """How many arguments it should have been."""
    names = {"signature": function.signature, "given": given}
    wanted = len(function.parameters)
    if not wanted:
        return worded("%(signature)s takes no arguments, not %(given)s", **names)
    if wanted == 1:
        return worded("%(signature)s takes 1 argument, not %(given)s", **names)
    return worded("%(signature)s takes %(wanted)s arguments, not %(given)s", wanted=wanted, **names)


def described(tree: syntax.Node) -> Message:
    """What was written."""
    match tree:
        case syntax.Name():
            return Message(tree.name)
        case syntax.Number() | syntax.Duration():
            return Message(tree.text)
        case syntax.Call():
            return Message(f"{tree.name}()")
    return worded("this")


def what(tree: syntax.Node, typed: Typed) -> Message:
    """What stands there, and of which kind it is."""
    name = described(tree)
    match typed[1]:
        case Truth():
            return worded("%(what)s is true or false", what=name)
        case State(states=states):
            known = ", ".join(states)
            return worded("%(what)s is a state (%(states)s)", what=name, states=known)
    return worded("%(what)s is a number", what=name)


def not_calculable(tree: syntax.Node, kind: object) -> Message:
    """Why it can't be a part of a calculation."""
    if isinstance(kind, Elapsed):
        return worded(
            "%(time)s can only be compared with a constant, as in %(time)s > 10m", time=kind.name
        )
    if isinstance(kind, Tally):
        return TALLY
    return worded("%(what)s is not a number, so it can't be calculated with", what=described(tree))
