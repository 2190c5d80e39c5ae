"""How much memory we may have, and how much of it is for pages of the readings."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

LEAST_FOR_PAGES, _MOST_FOR_PAGES = 256 * 1024**2, 1024**3
# More than the readings have to live on a mini-PC of 4 GB.
_SHARE = 8


def memory_bytes(root: Path = Path("/")) -> int:
    """The memory of the machine (sysconf(3)), or less where a control group allows no more.

    A container sees the whole machine, and is killed at its own limit. root: where /proc and /sys
    are.
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """What our control group and those above it may use, bytes (cgroups(7))."""
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for group in groups:
        number, controllers, path = group.split(":", 2)
        if number == "0":
            yield from _of(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _of(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _of(top: Path, path: str, name: str) -> Iterator[int]:
    # A container may see its own group alone, at the top, and the path by which the machine knows
    # it; what is not there limits nothing.
    inside = PurePosixPath(path.lstrip("/"))
    for group in (inside, *inside.parents):
        try:
            yield int((top / group / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            # None of that name, or the word for no limit: max.
            continue


def memory_for_pages(whole: int) -> int:
    """What DuckDB may fill with pages where there is so much memory, and nobody says."""
    return max(LEAST_FOR_PAGES, min(_MOST_FOR_PAGES, whole // _SHARE))
