"""In which language an answer speaks: that of its Accept-Language, where we have the words."""

from collections.abc import Callable, Iterable

from fastapi import Request

from rules.wording import Message

# Gives the text for an English one, or that one itself.
Translate = Callable[[str], str]
# Gives that of an Accept-Language header (RFC 9110). Whoever keeps the catalogues sets it as
# `app.state.translators`; without any, answers are in English.
Translators = Callable[[str], Translate]


def as_written(text: str) -> str:
    """English."""
    return text


def in_english(accept_language: str) -> Translate:
    """For an API that has no catalogues beside it."""
    del accept_language
    return as_written


def translator(request: Request) -> Translate:
    """The words for whoever asks."""
    translators: Translators = request.app.state.translators
    return translators(request.headers.get("accept-language", ""))


def told(text: str, translate: Translate) -> str:
    """A text in another language, if it is one that can be told in others."""
    return text.told(translate) if isinstance(text, Message) else text


def all_told(texts: Iterable[str], translate: Translate) -> list[str]:
    """The same for several."""
    return [told(text, translate) for text in texts]
