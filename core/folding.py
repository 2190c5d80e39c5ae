"""Texts as they are compared: however somebody's keyboard writes them."""

import unicodedata


def fold(text: str) -> str:
    """The text without what makes no difference: full width, upper case, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
