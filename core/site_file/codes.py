"""Codes that must stand once, and relations that must not go round in a circle."""

from collections.abc import Mapping

from core.site_file.part import Part


class Codes:
    """The codes of one kind of thing, with the part that each was given in."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.parts: dict[str, Part] = {}

    def add(self, code: str, part: Part) -> bool:
        """Take a code; notes a problem and returns False when it stands twice or is none."""
        if not code:
            return False
        first = self.parts.get(code)
        if first is None:
            self.parts[code] = part
            return True
        line, _ = first.located.where((*first.path, "code"))
        part.refuse("code", f"{self._kind} {code!r} stands twice; first on line {line}")
        return False


def circles(edges: Mapping[str, list[str]]) -> list[list[str]]:
    """One circle for each knot of `edges` (from -> to), as the codes along it."""
    done: set[str] = set()
    found = []
    for start in edges:
        if start not in done:
            circle = _circle_from(start, edges, done)
            if circle:
                found.append(circle)
    return found


def _circle_from(start: str, edges: Mapping[str, list[str]], done: set[str]) -> list[str]:
    # A walk in depth with its own stack: chains of gateways may be longer than Python's.
    trail: list[str] = [start]
    on_trail = {start}
    waiting = [list(edges.get(start, ()))]
    circle: list[str] = []
    while trail:
        if not waiting[-1]:
            waiting.pop()
            gone = trail.pop()
            on_trail.discard(gone)
            done.add(gone)
            continue
        following = waiting[-1].pop()
        if following in on_trail:
            circle = circle or [*trail[trail.index(following) :], following]
        elif following not in done:
            trail.append(following)
            on_trail.add(following)
            waiting.append(list(edges.get(following, ())))
    return circle
