"""Templates are compiled once, whatever the languages of their readers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from web import templating
from web.bundle import Bundle
from web.reader import Reader
from web.templating import Templates


def reader(language: str) -> Reader:
    return Reader(language, datetime(2026, 11, 24, tzinfo=UTC), UTC)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The names of the templates that are compiled, as they are."""
    names: list[Any] = []
    compile_ = Environment.compile

    def note(self: Environment, source: Any, name: Any = None, *more: Any, **named: Any) -> Any:
        names.append(name)
        return compile_(self, source, name, *more, **named)

    monkeypatch.setattr(Environment, "compile", note)
    return names


def test_another_language_needs_no_template_compiled_anew(compiled: list[Any]) -> None:
    templates = Templates(Bundle())
    facts: dict[str, Any] = {"title": "", "status": 404, "detail": "", "advice": "", "problems": ()}
    facts["back"] = ("/", "")
    english = templates.render("error.html", reader("en"), guest=False, **facts)
    assert sorted(compiled) == ["base.html", "error.html", "icons.html"]
    chinese = templates.render("error.html", reader("zh"), guest=False, **facts)
    assert len(compiled) == 3
    assert "Skip to the content" in english
    assert "Skip to the content" not in chinese


def test_a_template_that_was_changed_is_compiled_anew(
    compiled: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templating, "TEMPLATES", tmp_path)
    page = tmp_path / "page.html"
    page.write_text("one")
    templates = Templates(Bundle())
    assert templates.render("page.html", reader("en")) == "one"
    page.write_text("another")
    assert templates.render("page.html", reader("zh")) == "another"
    assert len(compiled) == 2
