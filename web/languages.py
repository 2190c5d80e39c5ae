"""The two languages of the interface: their catalogues, and which one a reader gets."""

import io
from collections.abc import Callable, Mapping
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

# A language of ours and the locale in which its dates and numbers are written.
LANGUAGES: Mapping[str, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
CATALOGUES = Path(__file__).parent / "translations"


def mark(text: str) -> str:
    """Mark a text for the catalogue where it is defined; it is translated where it is shown."""
    return text


def catalogue(language: str) -> Catalog:
    """Every text of a language: one .po file for each area of the console, taken together.

    ValueError where two areas translate one text differently.
    """
    whole = Catalog(locale=language)
    for path in sorted((CATALOGUES / language).glob("*.po")):
        with path.open("rb") as file:
            part = read_po(file, locale=language, abort_invalid=True)
        for message in part:
            if not message.id:
                continue
            standing = whole.get(message.id)
            if standing is not None and standing.string != message.string:
                raise ValueError(f"{path.name} translates {message.id!r} unlike another area")
            whole[message.id] = message
    return whole


def area(name: str) -> list[str]:
    """The texts of one area of the catalogue, in English."""
    with (CATALOGUES / "zh" / f"{name}.po").open("rb") as file:
        return [str(message.id) for message in read_po(file, locale="zh") if message.id]


@cache
def translations(language: str) -> GNUTranslations:
    """The catalogue of a language, compiled in memory from its .po files."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def locale_of(language: str) -> Locale:
    """How dates and numbers are written in a language."""
    return Locale.parse(LANGUAGES[language])


def known(wanted: str | None) -> str | None:
    """Our language for a locale such as `zh-CN` or `en_GB`; None for one that we don't speak."""
    language = (wanted or "").lower().replace("-", "_").partition("_")[0]
    return language if language in LANGUAGES else None


def preferred(accept_language: str) -> str:
    """The best of our languages for an Accept-Language header (RFC 9110); English at worst."""
    weighted = [_weighted(part) for part in accept_language.split(",") if part.strip()]
    wishes = [tag for quality, tag in sorted(weighted, key=lambda item: -item[0]) if quality > 0]
    found = negotiate_locale([wish.partition("-")[0] for wish in wishes], list(LANGUAGES), sep="-")
    return found or "en"


def translator(accept_language: str) -> Callable[[str], str]:
    """The words of the catalogue for an Accept-Language header."""
    return translations(preferred(accept_language)).gettext


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameters = part.strip().partition(";")
    quality = parameters.strip().removeprefix("q=")
    try:
        return (float(quality) if quality else 1.0), tag.strip().lower()
    except ValueError:
        return 0.0, tag
