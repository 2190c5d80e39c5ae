"""Templates: one environment a language, everything escaped, nothing inline."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import CodeType

from fastapi.responses import HTMLResponse
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from core.markdown import rendered
from core.pictures import CHOOSABLE
from core.voice import LARGEST_VOICE, LONGEST
from web.bundle import Bundle
from web.calls_shown import call_bar
from web.delays import delay_told
from web.languages import LANGUAGES, translations
from web.reader import Reader
from web.reasons import told
from web.rule_problems import problem_told
from web.said import said
from web.scan_marks import marks_of
from web.visit import Visit
from workflows.patrol import GRADES, KINDS, REASONS
from workflows.tickets.mentions import without_names

TEMPLATES = Path(__file__).parent / "templates"


class Templates:
    """Renders pages in the reader's language."""

    def __init__(self, bundle: Bundle) -> None:
        compiled = _Compiled()
        self._environments = {
            language: _environment(language, bundle, compiled) for language in LANGUAGES
        }

    def render(self, name: str, reader: Reader, **context: object) -> str:
        """The text of a template for a reader."""
        template = self._environments[reader.language].get_template(name)
        return template.render(reader=reader, **context)

    def page(self, name: str, visit: Visit, status: int = 200, **context: object) -> HTMLResponse:
        """A page, or a part of one, for somebody who is signed in."""
        # section: which of the places in the header this page belongs to.
        text = self.render(name, visit.reader, visit=visit, **{"section": "", **context})
        return HTMLResponse(text, status)


class _Compiled(BytecodeCache):
    """What each template was compiled to: the same in every language, which asks for its texts."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what the template became, unless its text has changed."""
        checksum, code = self._codes.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember what the template became."""
        assert bucket.code is not None
        self._codes[bucket.key] = (bucket.checksum, bucket.code)


def _environment(language: str, bundle: Bundle, compiled: BytecodeCache) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=compiled,
    )
    catalogue = translations(language)
    # The extension adds this method to the environment when it is loaded.
    install = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(catalogue.gettext, catalogue.ngettext, newstyle=True)
    environment.globals["bundled"] = bundle.address
    environment.globals["photo_types"] = CHOOSABLE
    environment.globals["voice_limits"] = {"longest": LONGEST, "largest": LARGEST_VOICE}
    environment.globals["proof"] = {
        "grades": {grade.value: text for grade, text in GRADES.items()},
        "kinds": KINDS,
        "reasons": REASONS,
    }
    environment.globals["marks_of"] = marks_of
    environment.globals["call_bar"] = call_bar
    environment.filters["said"] = said
    environment.filters["markdown"] = rendered
    environment.filters["without_names"] = without_names
    environment.globals["reason_told"] = told
    environment.globals["delay_told"] = delay_told
    environment.globals["problem_told"] = problem_told
    environment.filters["instant"] = instant
    environment.filters["sample"] = sample
    return environment


def instant(moment: datetime) -> str:
    """A moment as browsers read it, for the datetime attribute."""
    return moment.isoformat().replace("+00:00", "Z")


def sample(values: Mapping[str, object], limit: int = 8) -> list[tuple[str, str]]:
    """The first values of a device's sample as short texts."""
    return [(str(key)[:40], str(value)[:40]) for key, value in list(values.items())[:limit]]
