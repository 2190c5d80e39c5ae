"""What people agree to: one purpose each, in both languages, by version."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

FILE = Path(__file__).with_name("texts.yaml")


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose. title, text: by language; version: of the text, which counts alone.

    A text is a paragraph a line, each with its heading as its first sentence.
    """

    code: str
    version: int
    title: Mapping[str, str]
    text: Mapping[str, str]

    def digest(self, language: str) -> str:
        """SHA-256 (hex) of what somebody is shown: purpose, version, language and text."""
        said = "\n".join((self.code, str(self.version), language, self.text[language]))
        return hashlib.sha256(said.encode()).hexdigest()


def _purpose(code: str, body: Mapping[str, Any]) -> Purpose:
    text = {language: "\n".join(parts) for language, parts in body["text"].items()}
    return Purpose(code, body["version"], body["title"], text)


PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        code: _purpose(code, body)
        for code, body in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
    }
)
