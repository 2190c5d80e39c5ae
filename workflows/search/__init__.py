"""The search: places, equipment, people, households and tickets, however they are spelled."""

from workflows.search.households import FoundHousehold, find_households
from workflows.search.index import PlaceIndex
from workflows.search.searching import EACH, Found, fitting, search

__all__ = [
    "EACH",
    "Found",
    "FoundHousehold",
    "PlaceIndex",
    "find_households",
    "fitting",
    "search",
]
