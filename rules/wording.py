"""What a rule's checker says: English text that keeps its template, so others can translate it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self


class Message(str):
    """An English text, which is text like any other wherever nobody translates.

    template: with %(name)s for each of the values, which may be messages too. Without values it
    is what somebody wrote, such as the name of a point, and means the same in every language.
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object] | None

    def __new__(cls, template: str, values: Mapping[str, object] | None = None) -> Self:
        """The template with its values put in."""
        made = super().__new__(cls, template % values if values else template)
        made.template = template
        made.values = values
        return made

    def told(self, translate: Callable[[str], str]) -> str:
        """The same in another language. translate: gives the text for a template, or itself."""
        if self.values is None:
            return str(self)
        text = translate(self.template)
        told = {
            name: value.told(translate) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return text % told if told else text


def worded(template: str, **values: object) -> Message:
    """A message; catalogues are made from the literal templates of these calls."""
    return Message(template, values)


class _InBoth(Message):
    """A message that brings its Chinese along, as what stands in a file of both languages does."""

    __slots__ = ("zh",)
    zh: str

    def told(self, translate: Callable[[str], str]) -> str:
        """Whichever of the two the catalogue is of."""
        return self.zh if translate(_ENGLISH.template) != _ENGLISH else str(self)


# Nobody is shown this one: a catalogue that translates it is none of English.
_ENGLISH = worded("words in English")


def in_both(en: str, zh: str) -> Message:
    """A message of which both languages are known, so that no catalogue has to hold it."""
    made = _InBoth(en)
    made.zh = zh
    return made


def all_in_one(texts: Sequence[str]) -> str:
    """Several texts one after another; empty for none."""
    whole: str = ""
    for text in reversed(texts):
        whole = worded("%(one)s; %(more)s", one=text, more=whole) if whole else text
    return whole


def packed(text: object, *, longest: int = 500) -> Any:
    """What JSON keeps of a text: of a message its template, to be told in any language.

    longest: what is kept of a text without a template, in characters.
    """
    if isinstance(text, Message) and text.values is not None:
        values = {name: packed(value, longest=longest) for name, value in text.values.items()}
        return {"template": text.template, "values": values}
    return text if isinstance(text, int | float) else str(text)[:longest]


def unpacked(kept: Any) -> Any:
    """The text again."""
    if not isinstance(kept, dict):
        return kept
    values = {name: unpacked(value) for name, value in kept["values"].items()}
    return Message(kept["template"], values)


class Unusable(ValueError):
    """What somebody wrote can't be used; `message` tells why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message
