"""Reasons about many assets, told in the reader's language; see `web.reasons`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rules.catalog import Catalog
from rules.members import asset_of
from web.languages import mark
from web.naming import point_name, type_name
from web.reader import Reader

_NAME = r"[^\W\d]\w*"
# `count(pump.motor_temperature > 60 °C in building) 2 of 3 >= 2 [pump-1: …; pump-3: …]`
PIECE = (
    r"(?P<many>(?P<denied>not )?(?P<asked>any|all|count)\("
    rf"(?P<question>(?:\(|not )*(?P<about>{_NAME})\.{_NAME}[^\[\]]*?)"
    r" (?P<relation>in \w+|below|above)\)"
    r"(?: (?P<yes>\d+(?: to \d+)?) of (?P<all>\d+))?"
    r"(?: (?P<bound>[<>]=?|[!=]=) (?P<than>-?\d[\d.]*(?:e[+-]?\d+)?))?"
    r"(?: \[(?P<who>[^\[\]]*)\])?)"
)
_MORE = re.compile(r"and (\d+) more")
_QUALIFIED = re.compile(rf"\b{_NAME}\.(?=[^\W\d_])")
_WHERE = {
    "in space": mark("in its space"),
    "in site": mark("on the site"),
    "in room": mark("in the same room"),
    "in floor": mark("on the same floor"),
    "in building": mark("in the same building"),
    "below": mark("supplied by it"),
    "above": mark("supplying it"),
}
_SAID = {
    ("any", True): mark("%(kind)s %(where)s: at least one says “%(question)s”"),
    ("any", False): mark("%(kind)s %(where)s: none says “%(question)s”"),
    ("all", True): mark("%(kind)s %(where)s: all say “%(question)s”"),
    ("all", False): mark("%(kind)s %(where)s: not all say “%(question)s”"),
}
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}

Tell = Callable[[str, str | None], str]
Assets = Mapping[str, Mapping[str, Any]]


def tell_many(
    found: re.Match[str], reader: Reader, catalog: Catalog, assets: Assets, tell: Tell
) -> str:
    """One such piece. assets: what is known of the members, by code; tell: tells a condition of an
    asset type."""
    say, about = reader.translate, found["about"]
    question = tell(_QUALIFIED.sub("", found["question"]), about)
    kind, where = type_name(catalog, about, reader), _where(found["relation"], reader)
    who = _who(found["who"] or "", reader, assets, lambda text: tell(text, about))
    if found["asked"] == "count":
        text = say(
            mark("%(kind)s %(where)s: %(count)s of %(all)s say “%(question)s” (%(limit)s)")
            if found["yes"]
            # The rule itself, before anybody was asked.
            else mark("%(kind)s %(where)s: %(limit)s of them say “%(question)s”"),
            kind=kind,
            where=where,
            count=_range(found["yes"] or "", reader),
            all=found["all"],
            question=question,
            limit=f"{_SIGNS.get(found['bound'], found['bound'])} {found['than']}",
        )
    else:
        said = _SAID[found["asked"], not found["denied"]]
        text = say(said, kind=kind, where=where, question=question)
    return say(mark("%(what)s (%(who)s)"), what=text, who=who) if who else text


def tell_question(found: re.Match[str], reader: Reader, catalog: Catalog, tell: Tell) -> str:
    """Only who is asked what, without what they say."""
    about = found["about"]
    return reader.translate(
        mark("%(kind)s %(where)s: “%(question)s”?"),
        kind=type_name(catalog, about, reader),
        where=_where(found["relation"], reader),
        question=tell(_QUALIFIED.sub("", found["question"]), about),
    )


def _where(relation: str, reader: Reader) -> str:
    known = _WHERE.get(relation)
    if known is not None:
        return reader.translate(known)
    kind = relation.removeprefix("in ")
    return reader.translate(mark("in the same “%(kind)s”"), kind=kind)


def _range(count: str, reader: Reader) -> str:
    low, _, high = count.partition(" to ")
    return reader.translate(mark("%(low)s to %(high)s"), low=low, high=high) if high else low


def _who(text: str, reader: Reader, assets: Assets, tell: Callable[[str], str]) -> str:
    said = []
    for part in text.split("; ") if text else ():
        if more := _MORE.fullmatch(part):
            said.append(reader.translate(mark("and %(number)s more"), number=more[1]))
            continue
        code, _, values = part.partition(": ")
        said.append(
            reader.translate(
                mark("%(asset)s: %(values)s"),
                asset=asset_name(assets, code, reader),
                values=tell(values),
            )
        )
    return reader.translate(mark("; ")).join(said)


def asset_name(assets: Assets, code: str, reader: Reader) -> str:
    """What people call a member; its code where nothing else is known."""
    return reader.text(assets.get(code, {}).get("name", {})) or code


def input_name(
    key: str, asset_type: str | None, assets: Assets, catalog: Catalog, reader: Reader
) -> str:
    """What people call a point that a decision rests on, with its asset where that is another."""
    code = asset_of(key)
    if not code:
        return point_name(catalog.get(asset_type or ""), key, {}, reader)
    own = catalog.get(str(assets.get(code, {}).get("type", "")))
    point = point_name(own, key.rpartition("/")[2], {}, reader)
    return f"{asset_name(assets, code, reader)} · {point}"
