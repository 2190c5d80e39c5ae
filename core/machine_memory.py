"""How much memory the machine has, and how much of it is for pages of the readings."""

import os

LEAST_FOR_PAGES, _MOST_FOR_PAGES = 256 * 1024**2, 1024**3
# More than the readings have to live on a mini-PC of 4 GB.
_SHARE = 8


def memory_bytes() -> int:
    """The memory of the machine (sysconf(3))."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def memory_for_pages(whole: int) -> int:
    """What DuckDB may fill with pages on a machine of so much memory, where nobody says."""
    return max(LEAST_FOR_PAGES, min(_MOST_FOR_PAGES, whole // _SHARE))
