"""Small files of the data folder: there as a whole or not at all, also when the power goes."""

import os
from pathlib import Path


def keep(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Put a text, or bytes, in place of a file, which only its owner may read unless `mode` says
    otherwise.

    On disk before it has its name: a file that was just made stands empty after a loss of power
    otherwise, and whoever finds it takes it for what was kept.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def kept(path: Path) -> str:
    """The text that was kept, without white space around it; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
