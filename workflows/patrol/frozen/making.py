"""Making the files of an edition: both languages, as PDF and as workbook, pictures made small."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from PIL import Image

from core.errors import NotFound
from core.files import FileStore
from core.papers import paper, workbook_of
from workflows.patrol.frozen.canon import digest_of
from workflows.patrol.frozen.layout import document_of
from workflows.patrol.frozen.model import LANGUAGES

# A third of the width of a page at about 150 dots an inch.
THUMBNAIL = (420, 320)
_QUALITY = 68


@dataclass(frozen=True, slots=True)
class Made:
    """An edition whose files are stored. files: as ReportEdition has them."""

    client_id: UUID | None
    content: Mapping[str, Any]
    digest: str
    files: Mapping[str, Mapping[str, Any]]


class Pictures:
    """Small copies of photos, each made once for all the editions that show it."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._made: dict[str, bytes] = {}

    def of(self, content: Mapping[str, Any]) -> dict[str, bytes]:
        """By key the pictures that a content shows."""
        return {key: self._small(key) for key in dict.fromkeys(_shown(content))}

    def _small(self, key: str) -> bytes:
        if key not in self._made:
            self._made[key] = _thumbnail(self._files, key)
        return self._made[key]


def _shown(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("copy"), str):
            yield value["copy"]
        for one in value.values():
            yield from _shown(one)
    elif isinstance(value, list):
        for one in value:
            yield from _shown(one)


def _thumbnail(files: FileStore, key: str) -> bytes:
    target = io.BytesIO()
    try:
        content = files.get(key)
    except NotFound:
        # Somebody took it out of the store; its hash and its time stand all the same.
        Image.new("RGB", THUMBNAIL, "#d5dbe3").save(target, "JPEG")
        return target.getvalue()
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
        # Decoded at once at about the size that is wanted.
        picture.draft("RGB", THUMBNAIL)
        small = picture.convert("RGB")
        small.thumbnail(THUMBNAIL)
        small.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()


def make_edition(
    content: Mapping[str, Any],
    client_id: UUID | None,
    *,
    files: FileStore,
    pictures: Pictures,
    base: str,
    now: datetime,
) -> Made:
    """Typeset an edition and store its files. base: as `document_of`. Raises Unavailable."""
    digest = digest_of(content)
    shown = pictures.of(content)
    stored: dict[str, dict[str, Any]] = {}
    for language in LANGUAGES:
        document = document_of(content, digest, language, base=base)
        for form, make in (("pdf", paper), ("xlsx", workbook_of)):
            made = make(document, shown, now=now)
            stored[f"{form}-{language}"] = {"sha256": files.put(made), "size": len(made)}
    return Made(client_id, content, digest, stored)
