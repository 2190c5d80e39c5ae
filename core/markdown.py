"""Markdown that people write, as HTML that can do no harm."""

import re
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

_HARMLESS = re.compile(r"(https?://|mailto:|tel:|/(?!/)|#)", re.IGNORECASE)


@cache
def _renderer() -> MarkdownIt:
    # Raw HTML is escaped. Pictures would be fetched from elsewhere, and tell who reads.
    writer = MarkdownIt("commonmark", {"html": False, "linkify": False})
    writer.validateLink = _leads_somewhere  # type: ignore[method-assign]
    return writer.enable("table").disable(["image", "html_block", "html_inline"])


def _leads_somewhere(url: str) -> bool:
    """Whether a link may be one: to the web, to a mail address, a telephone, or on this page."""
    return _HARMLESS.match(url.strip()) is not None


def rendered(text: str) -> Markup:
    """CommonMark with tables as HTML, with headings one level below those of a page's sections."""
    tokens = _renderer().parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return Markup(_renderer().renderer.render(tokens, _renderer().options, {}))
