"""What stands where in a replay: points, the devices that feed them, gateways, and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from rules.expression import Branch
from rules.hours import Hours
from rules.rule import Rule


@dataclass(frozen=True, slots=True)
class PlacedPoint:
    """A point of an asset. interval: expected, in µs, 0 = none.

    learned_from: the first reading that its baseline knows in live judgement, 0 = it has none.
    """

    asset: str
    code: str
    device: int
    interval: int = 0
    learned_from: int = 0


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """A device. paths: numbers of the gateways through which it speaks, itself if it is one."""

    paths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule on an asset. path: number of the gateway that the asset is.

    told: whether what it does is the answer. The others are there because their alarms count in
    the judgement of silence. hours: what its site means by the hours that it names.
    """

    rule: Rule
    asset: str
    path: int | None = None
    told: bool = True
    hours: Mapping[str, Hours] = field(default_factory=dict)
    # Who stands on each branch that the rule asks about: their assets, and what they are called.
    others: Mapping[Branch, Sequence[tuple[str, str]]] = field(default_factory=dict)
    # Local time of the site.
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Assets that are replayed together: one, or all that share a way to us when silence decides.

    The columns of a replay number its points in this order.
    """

    points: tuple[PlacedPoint, ...]
    devices: tuple[PlacedDevice, ...]
    rules: tuple[PlacedRule, ...]
    # How many gateways there are.
    paths: int = 0
