"""Commands of the set-up: run with visible progress, and remembered by a hash of their inputs."""

import hashlib
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".state"
# The last lines of a failed command say why it failed; the whole log would bury them.
TAIL_LINES = 30


class SetUpError(Exception):
    """The set-up cannot go on; the text says what to install or do."""


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fingerprint(files: Iterable[Path], *facts: str) -> str:
    """A SHA-256 over the names and contents of the files and over further facts."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for fact in facts:
        digest.update(f"{fact}\0".encode())
    return digest.hexdigest()


def read_stamp(name: str) -> str:
    """What was last written under this name, or the empty string."""
    stamp = STATE / name
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def write_stamp(name: str, value: str) -> None:
    """Remember that the work under this name is done for these inputs."""
    STATE.mkdir(exist_ok=True)
    (STATE / name).write_text(value, encoding="utf-8")


def run(
    command: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    progress: str | None = None,
    total: int = 0,
) -> None:
    """Run a command; show the lines that match `progress`, numbered, and its end if it fails.

    The first group of the `progress` expression is shown with its number; a match without it
    shows the line's beginning. None shows every line.
    """
    tail = deque[str](maxlen=TAIL_LINES)
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        _show(map(str.rstrip, process.stdout), tail, progress or ".", total)
    if process.returncode != 0:
        raise SetUpError("\n".join([f"{' '.join(command)} failed:", *tail]))


def _show(lines: Iterable[str], tail: deque[str], progress: str, total: int) -> None:
    started, count = time.monotonic(), 0
    for line in lines:
        tail.append(line)
        shown = re.match(progress, line)
        if shown:
            counted = shown[1] if shown.re.groups else None
            count += counted is not None
            text = f"{count}/{total} {counted}" if counted and total else counted or line[:70]
            say(f"      {time.monotonic() - started:5.1f} s  {text}")
