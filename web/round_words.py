"""The words of rounds and their points, and of the orders of routes."""

from collections.abc import Mapping

from web.languages import mark

# late, ready: of a planned one, as the moment has it; waiting: of one whose time is over.
ROUND_STATE: Mapping[str, str] = {
    "planned": mark("Not begun"),
    "ready": mark("Can begin"),
    "late": mark("Not begun in time"),
    "running": mark("Being walked"),
    "waiting": mark("Waits for phones"),
    "complete": mark("Complete"),
    "incomplete": mark("Incomplete"),
    "missed": mark("Not gone at all"),
    "cancelled": mark("Called off"),
}
POINT_STATE: Mapping[str, str] = {
    "open": mark("Not scanned yet"),
    "scanned": mark("Scanned"),
    "unknown": mark("Unknown"),
    "missed": mark("Missed"),
    "excused": mark("Excused"),
}
ROUTE_ORDER: Mapping[str, str] = {
    "ordered": mark("One after another"),
    "unordered": mark("In any order"),
    "random": mark("Drawn by lot"),
    "risk_weighted": mark("Drawn by risk"),
}
ORDER_MEANS: Mapping[str, str] = {
    "ordered": mark("As they stand here. A scan out of turn counts and is marked."),
    "unordered": mark("Every checkpoint once, in whichever order suits the guard."),
    "random": mark("Each round draws its checkpoints and their order, so that nobody foresees it."),
    "risk_weighted": mark(
        "Drawn as well, but rather where rules opened tickets in the last 30 days."
    ),
}
ROUND_WORDS: Mapping[str, Mapping[str, str]] = {
    "round_state": ROUND_STATE,
    "point_state": POINT_STATE,
    "route_order": ROUTE_ORDER,
    "order_means": ORDER_MEANS,
}
