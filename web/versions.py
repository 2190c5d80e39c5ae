"""The version that a page showed, as its form sends it back."""

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark


def version_read(text: str) -> int:
    """The version that a form was made of. Invalid when it says none."""
    if not text.isdecimal() or len(text) > 9:
        raise Invalid(
            worded(mark("nothing was changed")),
            problems=[worded(mark("version: load the page again"))],
        )
    return int(text)
