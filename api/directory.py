"""Which routes are asked for an address: those whose paths begin as it does."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.answers import BASE

# Where a path begins that begins with a parameter.
_ANYWHERE = ""
_CHOSEN = "watchkeeper.route"


class Directory(BaseRoute):
    """Many routes in their order, of which a request asks the few that can be meant.

    Asked one after the other, as FastAPI does, hundreds of routes take longer than most answers;
    and it prepares each of them when it is asked for the first time, which takes a second for all.
    Holds nothing of the product that answers, and doesn't change.
    """

    def __init__(self, routes: Iterable[BaseRoute], prefix: str = "") -> None:
        """prefix: what routers among the routes were included with."""
        self.routes = tuple(routes)
        begin = [_beginnings(route, prefix) for route in self.routes]
        self._anywhere = self._those([_ANYWHERE in each for each in begin])
        self._by_beginning = {
            beginning: self._those([not each.isdisjoint((beginning, _ANYWHERE)) for each in begin])
            for beginning in frozenset[str]().union(*begin)
        }

    def _those(self, meant: Iterable[bool]) -> tuple[BaseRoute, ...]:
        return tuple(route for route, it_is in zip(self.routes, meant, strict=True) if it_is)

    def _asked(self, scope: Scope) -> tuple[BaseRoute, ...]:
        if scope.get("root_path"):
            # Addresses then begin with something that no path of ours says.
            return self.routes
        return self._by_beginning.get(_beginning(scope["path"]), self._anywhere)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first that takes the request, or the first that knows its address at least."""
        partial: tuple[Match, Scope] = Match.NONE, {}
        if scope["type"] != "http":
            return partial
        for route in self._asked(scope):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, _CHOSEN: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**found, _CHOSEN: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that `matches` found."""
        route: BaseRoute = scope[_CHOSEN]
        await route.handle(scope, receive, send)


def routes_of(routes: Any) -> Iterator[APIRoute]:
    """Every API route below, with those of directories and of included routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(route, Directory):
            yield from routes_of(route.routes)
        elif included := getattr(route, "original_router", None):
            yield from routes_of(included.routes)


def _beginnings(route: BaseRoute, prefix: str) -> frozenset[str]:
    below = frozenset(_beginning(prefix + one.path) for one in routes_of([route]))
    # What is none of FastAPI's doesn't say what it takes.
    return below or frozenset({_ANYWHERE})


def _beginning(path: str) -> str:
    """The first part of a path, of the API's the first one after what all of them share."""
    head = f"{BASE}/" if path.startswith(f"{BASE}/") else "/"
    first = path[len(head) :].partition("/")[0]
    return _ANYWHERE if "{" in first else head + first
