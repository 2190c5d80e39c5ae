"""Texts as they are compared: however somebody's keyboard writes them."""

import re
import unicodedata

# What people write between and around the numbers of a unit: 3栋2单元1201, 3#2-1201, Bldg 3 Unit 2.
UNIT_WORDS = re.compile(
    r"号楼|号|幢|栋|楼|座|单元|层|室|房|#|-|/|–|—|_|\."
    r"|\b(?:building|bldg|block|blk|unit|flat|apartment|apt|room|rm|floor|fl|no)\b"
)
_DIGITS = re.compile(r"\d+")


def fold(text: str) -> str:
    """The text without what makes no difference: full width, upper case, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def unit_key(text: str) -> tuple[str, ...]:
    """The same for every spelling of a unit's number: 3栋2单元1201 and 3-2-1201; () without one."""
    plain = UNIT_WORDS.sub(" ", fold(text))
    found = [number.lstrip("0") or "0" for number in _DIGITS.findall(plain)]
    return (*found, *_DIGITS.sub(" ", plain).split()) if found else ()
