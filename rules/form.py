"""A rule as a form of fields, for those who don't write YAML: read from a document, put into one.

Only what the form shows is touched. Every other key, comment and line of a document stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from rules.located_yaml import LocatedYamlError, load

# In the order in which a new document gets them.
_ORDER = (
    "id", "title", "applies_to", "when", "clear_when", "for", "clear_for", "severity",
    "life_safety", "ticket", "reopen_within", "realarm_after", "explanation", "response",
)  # fmt: skip
ABOVE, BELOW = (">", ">="), ("<", "<=")
IS, IS_NOT, HOLDS, FAILS = "is", "is_not", "true", "false"
COMPARISONS = (*ABOVE, *BELOW, IS, IS_NOT, HOLDS, FAILS)

_KEY = re.compile(r"([A-Za-z_]+):(?=\s|$)")
_NUMBER = re.compile(
    r"([^\W\d]\w*)\s*(<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)(?:\s*([^\s\d()<>=!\"'][^\s()<>=!\"']*))?"
)
_STATE = re.compile(r"([^\W\d]\w*)\s*(==|!=)\s*\"([^\"]*)\"")
_TRUTH = re.compile(r"(not\s+)?([^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The fields, as people type them. comparison: one of COMPARISONS.

    limit, clear_limit: numbers as text, in `unit`; for a state its name. delay: `2m`, `3 readings`.
    """

    rule_id: str = ""
    title_en: str = ""
    title_zh: str = ""
    asset_type: str = ""
    point: str = ""
    comparison: str = ">"
    limit: str = ""
    unit: str = ""
    clear_limit: str = ""
    delay: str = ""
    severity: str = "medium"
    life_safety: bool = False
    kind: str = "repair"
    category: str = ""
    team: str = "maintenance"
    respond_within: str = ""
    resolve_within: str = ""
    explanation_en: str = ""
    explanation_zh: str = ""
    response_en: str = ""
    response_zh: str = ""

    @property
    def condition(self) -> str:
        """The condition in the rules' own language; empty while no point is chosen."""
        if not self.point:
            return ""
        if self.comparison in (HOLDS, FAILS):
            return self.point if self.comparison == HOLDS else f"not {self.point}"
        if self.comparison in (IS, IS_NOT):
            sign = "==" if self.comparison == IS else "!="
            return f'{self.point} {sign} "{self.limit}"'
        return _against(self.point, self.comparison, self.limit, self.unit)

    @property
    def clear_condition(self) -> str:
        """The condition of its end; empty when it is simply that the fault holds no more."""
        if not (self.clear_limit and self.point and self.comparison in (*ABOVE, *BELOW)):
            return ""
        sign = "<" if self.comparison in ABOVE else ">"
        return _against(self.point, sign, self.clear_limit, self.unit)


def _against(point: str, sign: str, limit: str, unit: str) -> str:
    return " ".join(filter(None, (point, sign, limit, unit)))


@dataclass(frozen=True, slots=True)
class FormRead:
    """A document as a form. obstacles: why it isn't of the form's shape, as codes; then no form."""

    form: RuleForm | None
    obstacles: tuple[str, ...] = ()


def form_of(document: str) -> FormRead:
    """Read a document as a form, if it says no more than the form can show."""
    if not document.strip():
        return FormRead(RuleForm())
    try:
        value = load(document, "rule", aliases=False).value
    except LocatedYamlError:
        return FormRead(None, ("not_yaml",))
    if not isinstance(value, dict) or not _KEY.match(_first_key_line(document)):
        return FormRead(None, ("not_one_rule",))
    obstacles: list[str] = []
    fields: dict[str, Any] = _condition(value, obstacles)
    ticket, applies = _mapping(value, "ticket"), _mapping(value, "applies_to")
    fields |= {
        "rule_id": _plain(value.get("id")),
        "asset_type": _plain(applies.get("asset_type")),
        "delay": _plain(value.get("for")),
        "severity": _plain(value.get("severity")) or "medium",
        "life_safety": value.get("life_safety") is True,
        "kind": _plain(ticket.get("kind")) or "repair",
        "category": _plain(ticket.get("category")),
        "team": _plain(ticket.get("team")) or "maintenance",
        "respond_within": _plain(ticket.get("respond_within")),
        "resolve_within": _plain(ticket.get("resolve_within")),
    }
    for key in ("title", "explanation", "response"):
        text = value.get(key)
        texts = {"en": text} if isinstance(text, str) else _mapping(value, key)
        fields |= {f"{key}_{each}": _plain(texts.get(each)) for each in ("en", "zh")}
    return FormRead(None if obstacles else RuleForm(**fields), tuple(obstacles))


def _first_key_line(document: str) -> str:
    lines = (line for line in document.splitlines() if line.strip() and not line.startswith("#"))
    return next((line for line in lines if line.rstrip() != "---"), "")


def _mapping(value: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _condition(value: Mapping[Any, Any], obstacles: list[str]) -> dict[str, str]:
    """The fields of `when` and `clear_when`; an obstacle for what they can't hold."""
    when, clear = _plain(value.get("when")), _plain(value.get("clear_when"))
    fields = _fields_of(when) if when else {}
    if fields is None:
        obstacles.append("condition")
        return {}
    if clear:
        back = _fields_of(clear) or {}
        sign = "<" if fields.get("comparison") in ABOVE else ">"
        same = [back.get(key) == fields.get(key) for key in ("point", "unit")]
        if not all(same) or back.get("comparison") != sign or "limit" not in back:
            obstacles.append("clear_condition")
        else:
            fields["clear_limit"] = back["limit"]
    return fields


def _fields_of(condition: str) -> dict[str, str] | None:
    """The fields of one comparison; None for anything else."""
    if found := _NUMBER.fullmatch(condition):
        point, sign, limit, unit = found.groups()
        return {"point": point, "comparison": sign, "limit": limit, "unit": unit or ""}
    if found := _STATE.fullmatch(condition):
        comparison = IS if found[2] == "==" else IS_NOT
        return {"point": found[1], "comparison": comparison, "limit": found[3]}
    found = _TRUTH.fullmatch(condition)
    if found is None or found[2] in ("not", "true", "false"):
        return None
    return {"point": found[2], "comparison": FAILS if found[1] else HOLDS}


def put_into(form: RuleForm, document: str) -> str:
    """The document with what the form says; whatever the form doesn't show stays as it is.

    `document` must be empty or of the form's shape, as `form_of` finds.
    """
    value = load(document, "rule", aliases=False).value if document.strip() else {}
    old = value if isinstance(value, dict) else {}
    blocks = _blocks(document)
    for key, wanted in _wanted(form, old).items():
        if wanted == old.get(key) and (key in old or wanted is None):
            continue
        _put(blocks, key, wanted)
    return "".join(text for _, text in blocks)


def _wanted(form: RuleForm, old: Mapping[Any, Any]) -> dict[str, Any]:
    """The value of each key that the form owns; None: the key is left out."""
    ticket = dict(_mapping(old, "ticket"))
    for name in ("kind", "category", "team", "respond_within", "resolve_within"):
        text = getattr(form, name).strip()
        if text:
            ticket[name] = text
        else:
            ticket.pop(name, None)
    return {
        "id": form.rule_id.strip() or None,
        "title": _texts(form, "title", old) or None,
        "applies_to": {**_mapping(old, "applies_to"), "asset_type": form.asset_type},
        "when": form.condition or None,
        "clear_when": form.clear_condition or None,
        "for": form.delay.strip() or None,
        "severity": form.severity,
        "life_safety": True if form.life_safety else (False if "life_safety" in old else None),
        "ticket": ticket,
        "explanation": _texts(form, "explanation", old) or None,
        "response": _texts(form, "response", old) or None,
    }


def _texts(form: RuleForm, key: str, old: Mapping[Any, Any]) -> Any:
    texts = {each: getattr(form, f"{key}_{each}").strip() for each in ("en", "zh")}
    texts = {each: text for each, text in texts.items() if text}
    before = old.get(key)
    if isinstance(before, str) and texts == {"en": before.strip()}:
        return before
    if isinstance(before, dict) and {k: _plain(v) for k, v in before.items() if v} == texts:
        return before
    return texts


def _blocks(document: str) -> list[tuple[str, str]]:
    """The lines of a document by the key that they belong to; those before the first under ""."""
    blocks: list[tuple[str, str]] = [("", "")]
    for line in document.splitlines(keepends=True):
        found = _KEY.match(line)
        if found:
            blocks.append((found[1], line))
        else:
            key, text = blocks[-1]
            blocks[-1] = (key, text + line)
    if blocks[-1][1] and not blocks[-1][1].endswith("\n"):
        blocks[-1] = (blocks[-1][0], blocks[-1][1] + "\n")
    return blocks


def _put(blocks: list[tuple[str, str]], key: str, wanted: Any) -> None:
    """Replace, add or take out the block of a key; comments after it stay where they are."""
    places = [at for at, (name, _) in enumerate(blocks) if name == key]
    text = "" if wanted is None else _written(key, wanted)
    if places:
        at = places[0]
        blocks[at] = (key if text else "", text + _comments_after(blocks[at][1]))
    elif text:
        before = _ORDER[: _ORDER.index(key)]
        at = max((at for at, (name, _) in enumerate(blocks) if not name or name in before))
        blocks.insert(at + 1, (key, text))


def _comments_after(block: str) -> str:
    lines = block.splitlines(keepends=True)
    kept = len(lines)
    while kept > 1 and (not lines[kept - 1].strip() or lines[kept - 1].startswith("#")):
        kept -= 1
    return "".join(lines[kept:])


def _written(key: str, value: Any) -> str:
    flow = key not in ("explanation", "response")
    if isinstance(value, dict) and not flow:
        return yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, width=96)
    text = yaml.safe_dump(
        value, allow_unicode=True, sort_keys=False, default_flow_style=True, width=10_000
    )
    return f"{key}: {text.removesuffix('...' + chr(10)).strip()}\n"
