"""The search: places, equipment, people, households and tickets, however they are spelled."""

from workflows.search.households import FoundHousehold, find_households
from workflows.search.index import PlaceIndex
from workflows.search.searching import Found, search

__all__ = ["Found", "FoundHousehold", "PlaceIndex", "find_households", "search"]
