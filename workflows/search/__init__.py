"""The search: places, equipment, people and tickets, however somebody spells them."""

from workflows.search.index import PlaceIndex
from workflows.search.searching import Found, search

__all__ = ["Found", "PlaceIndex", "search"]
