"""What people wrote, with the colleagues whom it names set apart."""

from collections.abc import Mapping
from typing import Any


def said(note: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The text of a note in pieces: with each, whether it is the name of a colleague."""
    pieces = [(str(note["body"]), False)]
    for name in sorted((f"@{each['name']}" for each in note["mentions"]), key=len, reverse=True):
        pieces = [new for piece in pieces for new in _apart(piece, name)]
    return pieces


def _apart(piece: tuple[str, bool], name: str) -> list[tuple[str, bool]]:
    text, named = piece
    if named:
        return [piece]
    around = text.split(name)
    found = [(around[0], False)]
    for rest in around[1:]:
        found += [(name, True), (rest, False)]
    return [(words, known) for words, known in found if words]
