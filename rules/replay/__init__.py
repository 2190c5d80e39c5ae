"""The engine on stored history: readings in order of receipt in, what would have happened out."""

from rules.replay.columns import Columns
from rules.replay.episodes import Episode, Outcome, TooOften
from rules.replay.listening import Listening, gaps_within
from rules.replay.quick import replay
from rules.replay.replaying import Replay, Seat
from rules.replay.scene import PlacedDevice, PlacedPoint, PlacedRule, Scene

__all__ = [
    "Columns",
    "Episode",
    "Listening",
    "Outcome",
    "PlacedDevice",
    "PlacedPoint",
    "PlacedRule",
    "Replay",
    "Scene",
    "Seat",
    "TooOften",
    "gaps_within",
    "replay",
]
