"""In which language the command line tells what is wrong with rules."""

import os
from collections.abc import Mapping

from rules.wording import Message
from web import languages

# In the order in which POSIX asks them.
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_of(environment: Mapping[str, str]) -> str:
    """That of the first variable that is set (POSIX.1-2017, 8.2); English if we don't speak it."""
    named = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    return languages.known(named.partition(".")[0]) or "en"


def told(text: str) -> str:
    """A text in the language of the terminal, if it is one that can be told in others."""
    if not isinstance(text, Message):
        return text
    return text.told(languages.translations(language_of(os.environ)).gettext)
