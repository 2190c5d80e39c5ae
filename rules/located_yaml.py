"""YAML read into plain values that still know the line and column they came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import ValidationError

from rules.wording import Message, worded
from rules.yaml_libyaml import said_by_libyaml
from rules.yaml_scalars import Plain, resolve, source_offsets

_MOST_CHARACTERS = 16 * 1024 * 1024
_DEEPEST = 32
# Aliases share their value, but whoever walks the result meets it every time: bound the walk.
_MOST_ALIASED_VALUES = 100_000

Key = str | int
Path = Sequence[Key]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"

    @property
    def text(self) -> Message:
        """The same as one message, which keeps what can be translated."""
        place = f"{self.file}:{self.line}:{self.column}"
        return Message("%(place)s: %(message)s", {"place": place, "message": self.message})


class LocatedYamlError(ValueError):
    """The text is not YAML as we take it; `problems` tells where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


@dataclass(slots=True)
class _Node:
    value: Any
    start: int
    line: int
    column: int
    end: int = 0
    # Where the text that belongs to it begins: for a document, its leading comments.
    lead: int = -1
    size: int = 1
    style: str | None = None
    keys: dict[Key, "_Node"] = field(default_factory=dict)
    children: dict[Key, "_Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """One YAML document: its plain `value`, and where each part of it stands in `filename`."""

    value: Any
    filename: str
    text: str
    _root: _Node

    def where(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of the value at `path`, or of its nearest present ancestor."""
        node = self._find(path)
        return node.line, node.column

    def where_key(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of the key that ends `path`, or of its nearest ancestor."""
        if not path:
            return self.where(path)
        key = self._find(path[:-1]).keys.get(path[-1])
        return (key.line, key.column) if key else self.where(path)

    def within(self, path: Path, offset: int) -> tuple[int, int]:
        """Line and column (from 1) of character `offset` of the text value at `path`.

        Follows the text through quotes, escapes, block and folded scalars.
        """
        node = self._find(path)
        offsets = source_offsets(self.text[node.start : node.end], str(node.value), node.style)
        place = node.start + offsets[min(offset, len(offsets) - 1)]
        line_start = self.text.rfind("\n", 0, place) + 1
        return self.text.count("\n", 0, place) + 1, place - line_start + 1

    def source(self, path: Path = ()) -> str:
        """The text of the value at `path`, indented as a document of its own.

        A whole document keeps the comments before its first key.
        """
        node = self._find(path)
        margin = " " * (node.column - 1)
        piece = margin + self.text[node.start : node.end]
        if node.lead >= 0:
            piece = self.text[node.lead : node.end].strip("\r\n")
        lines = piece.rstrip().split("\n")
        return "\n".join(line.removeprefix(margin) for line in lines) + "\n"

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value at `path`."""
        return Problem(self.filename, *self.where(path), message)

    def problem_with_key(self, path: Path, message: str) -> Problem:
        """A problem with the key that ends `path`."""
        return Problem(self.filename, *self.where_key(path), message)

    def _find(self, path: Path) -> _Node:
        node = self._root
        for part in path:
            if part not in node.children:
                break
            node = node.children[part]
        return node


def load(text: str, filename: str, *, aliases: bool = True) -> Located:
    """Reads exactly one document. Raises LocatedYamlError (syntax, duplicate keys, depth, size)."""
    documents = load_all(text, filename, aliases=aliases)
    if len(documents) > 1:
        second = documents[1].where(())
        message = worded("only one document is allowed here")
        raise LocatedYamlError([Problem(filename, *second, message)])
    return documents[0] if documents else _empty(text, filename)


def load_all(text: str, filename: str, *, aliases: bool = True) -> list[Located]:
    """Reads every document of `text`, separated by `---`; empty ones are left out.

    Raises LocatedYamlError for text that is not YAML, duplicate keys, too deep nesting, aliases
    that expand too far (or any, with `aliases=False`), tags and non-text keys.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > _MOST_CHARACTERS:
        message = worded("the file is larger than 16 MiB")
        raise LocatedYamlError([Problem(filename, 1, 1, message)])
    reader = _Reader(text, filename, aliases)
    try:
        roots = list(reader.documents())
    except yaml.YAMLError as error:
        raise LocatedYamlError([_syntax_problem(error, filename)]) from None
    if reader.problems:
        raise LocatedYamlError(reader.problems)
    return [Located(root.value, filename, text, root) for root in roots if root.value is not None]


def _empty(text: str, filename: str) -> Located:
    return Located(None, filename, text, _Node(None, 0, 1, 1))


def _syntax_problem(error: yaml.YAMLError, filename: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = said_by_libyaml(getattr(error, "problem", None), getattr(error, "context", None))
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    why = message or str(error).split("\n")[0]
    return Problem(filename, line, column, worded("not valid YAML: %(why)s", why=why))


class _Reader:
    """Builds nodes from libyaml's events, so that depth and aliases are bounded as they come."""

    def __init__(self, text: str, filename: str, aliases: bool) -> None:
        self._events = self._parse(text)
        self._filename = filename
        self._aliases = aliases
        self._anchors: dict[str, _Node] = {}
        self._aliased = 0
        self.problems: list[Problem] = []

    @staticmethod
    def _parse(text: str) -> Iterator[Any]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return iter(yaml.parse(text, Loader=loader))

    @staticmethod
    def _end(event: Any) -> int:
        return int(event.end_mark.index)

    def _next(self) -> Any:
        return next(self._events)

    def documents(self) -> Iterator[_Node]:
        lead = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                lead = self._end(event) if event.explicit else lead
                root = self._node(self._next(), 1)
                root.lead, lead = lead, root.end
                yield root

    def _refuse(self, event: Any, message: Message) -> None:
        mark = event.start_mark
        self.problems.append(Problem(self._filename, mark.line + 1, mark.column + 1, message))

    def _stop(self, event: Any, message: Message) -> LocatedYamlError:
        self._refuse(event, message)
        return LocatedYamlError(self.problems)

    def _node(self, event: Any, depth: int) -> _Node:
        if depth > _DEEPEST:
            message = worded("nested deeper than %(deepest)s levels", deepest=_DEEPEST)
            raise self._stop(event, message)
        if isinstance(event, yaml.AliasEvent):
            return self._aliased_node(event)
        mark = event.start_mark
        node = _Node(None, mark.index, mark.line + 1, mark.column + 1, event.end_mark.index)
        if event.tag not in (None, "!"):
            self._refuse(event, worded("tags such as %(tag)s are not used here", tag=event.tag))
        self._fill(node, event, depth)
        if event.anchor:
            self._anchor(node, event)
        return node

    def _fill(self, node: _Node, event: Any, depth: int) -> None:
        if isinstance(event, yaml.ScalarEvent):
            node.style = event.style
            node.value = resolve(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(node, depth)
        else:
            self._mapping(node, depth)

    def _anchor(self, node: _Node, event: Any) -> None:
        if not self._aliases:
            self._refuse(event, worded("anchors are not used here: each rule stands on its own"))
        self._anchors[event.anchor] = node

    def _aliased_node(self, event: Any) -> _Node:
        target = self._anchors.get(event.anchor)
        if target is None:
            # An alias inside its own anchor is still open, and would make a value without end.
            message = worded("*%(anchor)s has no finished anchor before it", anchor=event.anchor)
            raise self._stop(event, message)
        self._aliased += target.size
        if self._aliased > _MOST_ALIASED_VALUES:
            message = worded(
                "aliases stand for more than %(most)s values", most=f"{_MOST_ALIASED_VALUES:,}"
            )
            raise self._stop(event, message)
        return target

    def _sequence(self, node: _Node, depth: int) -> None:
        node.value = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            child = self._node(event, depth + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
            node.size += child.size
        node.end = self._end(event)

    def _mapping(self, node: _Node, depth: int) -> None:
        node.value = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            child = self._node(self._next(), depth + 1)
            node.size += child.size
            if self._usable_key(node, key, event):
                node.keys[key.value] = key
                node.children[key.value] = child
                node.value[key.value] = child.value
        node.end = self._end(event)

    def _usable_key(self, node: _Node, key: _Node, event: Any) -> bool:
        if not isinstance(key.value, str | int) or isinstance(key.value, bool):
            self._refuse(event, worded("a key must be text"))
            return False
        if key.value in node.keys:
            first = node.keys[key.value].line
            message = worded(
                "%(key)s stands twice; first on line %(line)s", key=repr(key.value), line=first
            )
            self._refuse(event, message)
            return False
        return True


def nearest(word: str, known: Sequence[str]) -> Message:
    """`; did you mean 'x'?` for the closest of `known`, or nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return worded("; did you mean '%(word)s'?", word=near[0]) if near else Message("")


def validation_problems(
    error: ValidationError, located: Located, prefix: Path = ()
) -> list[Problem]:
    """Every fault that pydantic found in the value at `prefix`, at its place in the file.

    Parts of pydantic's locations that are no keys (names of union members) are passed over.
    """
    problems = []
    for fault in error.errors(include_url=False):
        path = _present(located, prefix, fault["loc"])
        if fault["type"] == "extra_forbidden":
            key = repr(fault["loc"][-1])
            message: str = worded("unknown key %(key)s%(hint)s", key=key, hint=Message(""))
            problems.append(located.problem_with_key(path, message))
        elif fault["type"] == "missing":
            message = worded("'%(key)s' is missing", key=fault["loc"][-1])
            problems.append(located.problem(path, message))
        else:
            message = _name(path) + fault["msg"].removeprefix("Value error, ")
            problems.append(located.problem(path, message))
    return sorted(problems)


def _name(path: Path) -> str:
    return f"{path[-1]}: " if path and isinstance(path[-1], str) else ""


def _present(located: Located, prefix: Path, loc: Path) -> tuple[Key, ...]:
    path = tuple(prefix)
    node = located._find(path)
    for part in loc:
        if part in node.children:
            node = node.children[part]
            path = (*path, part)
    return path


__all__ = [
    "Located",
    "LocatedYamlError",
    "Plain",
    "Problem",
    "load",
    "load_all",
    "nearest",
    "validation_problems",
]
