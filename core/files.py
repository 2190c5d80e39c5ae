"""Files that people hand in, kept under the hash of their content; on a disk or in a bucket."""

import hashlib
import os
import uuid

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from core.errors import NotFound, Unavailable
from core.settings import Settings
from rules.wording import worded


def files_url(settings: Settings) -> str:
    """Where files are kept: as set, else in the data folder."""
    return settings.files_url or str(settings.data_dir.absolute() / "files")


class FileStore:
    """Content by its SHA-256, in hex; what is stored twice stands once.

    url: a folder, or whatever fsspec knows and has a driver for, such as s3://bucket/prefix.
    """

    def __init__(self, url: str) -> None:
        self._fs, root = url_to_fs(url)
        self._root = str(root).rstrip("/")

    def put(self, content: bytes) -> str:
        """Store content; returns its hash. Unavailable when the store does not take it."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        try:
            if not self._fs.exists(path):
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                # Whole or not at all: a killed process leaves a name that nobody asks for.
                half = f"{path}.{uuid.uuid4().hex}"
                self._fs.pipe_file(half, content)
                self._on_disk(half)
                self._fs.mv(half, path)
                self._on_disk(path.rpartition("/")[0])
        except OSError as error:
            raise Unavailable(
                worded("the store of files takes nothing"), advice=worded("Try again in a moment.")
            ) from error
        return digest

    def _on_disk(self, path: str) -> None:
        """Wait until a file, or the names in a folder, would stand after a loss of power; a bucket
        sees to that itself.

        A name may be on the disk before its content: it would be found empty, and never be stored
        again.
        """
        if not isinstance(self._fs, LocalFileSystem):
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def get(self, digest: str) -> bytes:
        """The content. NotFound when it is not there, Unavailable when it can't be read."""
        try:
            return bytes(self._fs.cat_file(self._path(digest)))
        except FileNotFoundError:
            raise NotFound(worded("the file is not there any more")) from None
        except OSError as error:
            raise Unavailable(
                worded("the store of files does not answer"),
                advice=worded("Try again in a moment."),
            ) from error

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest[2:]}"
