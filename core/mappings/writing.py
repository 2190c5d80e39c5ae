"""A mapping's document as text: YAML or JSON, for editors and files."""

from typing import Any

import yaml

from core.mappings.document import LARGEST
from core.mappings.place import Fault
from rules.located_yaml import Located, LocatedYamlError, load
from rules.wording import Message, worded

FILENAME = "mapping"


def from_text(text: str) -> Located | list[Fault]:
    """The document of a text (JSON is YAML), which knows its lines; or why it is none."""
    if len(text) > LARGEST:
        return [Fault((), worded("a mapping has at most %(most)d characters", most=LARGEST))]
    try:
        return load(text, FILENAME, aliases=False)
    except LocatedYamlError as error:
        return [
            Fault((), worded("line %(line)d: %(why)s", line=each.line, why=_message(each.message)))
            for each in error.problems
        ]


def _message(text: str) -> Message:
    return text if isinstance(text, Message) else Message(text)


def as_yaml(document: Any) -> str:
    """A document as people edit it: in its own order, Chinese as it is written."""
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
    return text
