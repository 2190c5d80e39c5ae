"""Questions to many assets, told once more: every way in which those not heard could answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.rules.story import MISSING, Condition, Missing, Span, Truth, View, shown


@dataclass(frozen=True, repr=False)
class Ask:
    """`any(…)`, `all(…)`, or a count that is compared, of the others of one type.

    inner: the condition on each, which names points by their codes.
    """

    how: str
    asset_type: str
    inner: Condition
    where: str
    sign: str = ""
    limit: int = 0

    @property
    def text(self) -> str:
        called = self.inner.text.replace("{", f"{self.asset_type}.").replace("}", "")
        asked = f"{self.how}({called} {self.where})"
        return f"{asked} {self.sign} {self.limit}" if self.sign else asked

    __repr__ = shown

    def told(self, view: View, wanted: bool = True) -> Truth | Missing:
        answers = [self.inner.told(each) for each in self._asked(view)]
        known = [each for each in answers if not isinstance(each, Missing)]
        if not known:
            return MISSING
        ways = product(*([each] if each is not None else [False, True] for each in known))
        found = {self._verdict(way) for way in ways}
        return found.pop() if len(found) == 1 else None

    def _verdict(self, answers: tuple[bool, ...]) -> bool:
        if self.how != "count":
            return any(answers) if self.how == "any" else all(answers)
        yes = sum(answers)
        return {
            "<": yes < self.limit,
            "<=": yes <= self.limit,
            ">": yes > self.limit,
            ">=": yes >= self.limit,
            "==": yes == self.limit,
            "!=": yes != self.limit,
        }[self.sign]

    def _asked(self, view: View) -> Iterator[View]:
        for name, (asset_type, codes) in view.story.others.items():
            other = View(view.story, view.now, f"{name}/", codes)
            if asset_type == self.asset_type and self.inner.told(other) is not MISSING:
                yield other

    def spans(self) -> Iterator[Span]:
        return iter(())

    def keys(self, view: View) -> Iterator[str]:
        for other in self._asked(view):
            yield from self.inner.keys(other)
