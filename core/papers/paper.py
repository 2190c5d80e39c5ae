"""A document as a PDF."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import segno

from core.papers.document import Block, Document
from core.papers.typesetting import typeset


def paper(document: Document, pictures: Mapping[str, bytes], *, now: datetime) -> bytes:
    """A PDF of a document. pictures: JPEGs by their key. Raises as `typeset`.

    The same document at the same moment is the same file, byte for byte.
    """
    qr = ""
    if document.address:
        made = segno.make(document.address, error="m", micro=False)
        qr = made.svg_inline(border=0, scale=4, omitsize=True)
    data = {
        **{name: getattr(document, name) for name in ("title", "subtitle", "number", "digest")},
        **{name: getattr(document, name) for name in ("checking", "language", "page")},
        "facts": [list(one) for one in document.facts],
        "blocks": parts_told(document.blocks),
        "qr": qr,
    }
    files = {f"{key}.jpg": content for key, content in pictures.items()}
    return typeset("document.typ", data, now=now, files=files)


def parts_told(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Parts as templates draw them, each with its kind: the name of its class in small letters."""
    return [{"kind": type(block).__name__.lower(), **asdict(block)} for block in blocks]
