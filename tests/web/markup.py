"""Reads a page the way a screen reader does: headings, landmarks, labels, what could be inline."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Markup(HTMLParser):
    """What a page consists of."""

    text: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labels_for: set[str] = field(default_factory=set)
    unlabelled: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    _controls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _within_label: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag == "label":
            self.labels_for.add(given.get("for", ""))
            self._within_label = True
        if tag == "form":
            self.forms.append({"method": given.get("method", "get"), "csrf": ""})
        if tag == "input" and given.get("name") == "csrf":
            self.forms[-1]["csrf"] = given["value"]
        if (
            tag in ("input", "select", "textarea")
            and given.get("type") != "hidden"
            and not self._within_label
        ):
            self._controls.append((tag, given))
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of one element."""
        if tag == "label":
            self._within_label = False

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if data.strip():
            self.text.append(data.strip())

    @property
    def without_label(self) -> list[str]:
        """Form controls that nothing names."""
        return [
            given.get("name", tag)
            for tag, given in self._controls
            if given.get("id") not in self.labels_for and "aria-label" not in given
        ]


def read(html: str) -> Markup:
    """Parse a page."""
    markup = Markup()
    markup.feed(html)
    return markup
