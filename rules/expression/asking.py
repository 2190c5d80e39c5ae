"""Questions to many assets as parts of a checked expression."""

from rules.expression import many, nodes, syntax
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Measure, Tally, Truth, Typed
from rules.expression.windowed import Look, Several
from rules.wording import worded

PRESENT_ONLY = worded(
    "any(), all() and count() ask for present values, without windows, hours and silence; these may"
    " stand beside the question"
)
ASKS_NOBODY = worded(
    "a rule for any asset type asks nobody; name the type of one that stands for all"
)
TALLY = worded("a count of assets can only be compared with a plain number, as in count(…) >= 2")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def several(question: many.Question, looks: list[Look]) -> Several:
    """The node of a question, which is added to the looks if it is new."""
    look = Look("many", question=question)
    if look not in looks:
        looks.append(look)
    return Several(place=looks.index(look), look=look)


def tally(tree: syntax.Comparison, left: Typed, right: Typed, looks: list[Look]) -> Typed:
    """A count of assets that is compared with a number. Raises ExpressionError for all else."""
    sign: str = tree.operator
    counted, (node, kind), place = left[1], right, tree.right
    if not isinstance(counted, Tally):
        counted, (node, kind), place = right[1], left, tree.left
        sign = _MIRRORED.get(sign, sign)
    assert isinstance(counted, Tally)
    plain = isinstance(node, nodes.Constant) and isinstance(kind, Measure) and kind.bare
    if not plain:
        raise ExpressionError([Fault(syntax.start(place), TALLY)])
    assert isinstance(node, nodes.Constant)
    question = many.Question(counted.group, "count", sign, float(node.value))
    return several(question, looks), Truth()
