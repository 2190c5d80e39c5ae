"""What a rule says of causes: the family of what it finds, and the rules that explain it away."""

from collections.abc import Collection
from dataclasses import dataclass

from rules.document_fields import Fields
from rules.located_yaml import nearest
from rules.rule import FAMILIES
from rules.wording import worded

_MOST = 20


@dataclass(frozen=True, slots=True)
class Causes:
    """family: one of FAMILIES, or None. inhibited_by: ids of rules, in the order as written."""

    family: str | None = None
    inhibited_by: tuple[str, ...] = ()


def read_causes(fields: Fields) -> Causes:
    """The keys `family` and `inhibited_by` of a rule."""
    family = None
    if fields.value.get("family") is not None:
        family = fields.choice("family", FAMILIES)
    return Causes(family, _inhibitors(fields))


def _inhibitors(fields: Fields) -> tuple[str, ...]:
    value = fields.value.get("inhibited_by")
    if value is None:
        return ()
    ids = value if isinstance(value, list) else [value]
    if fields.value.get("life_safety") is True:
        fields.refuse(
            "inhibited_by",
            worded(
                "an alarm about lives is never inhibited; take inhibited_by out, or, if no life"
                " hangs on it, life_safety"
            ),
        )
    elif not ids or len(ids) > _MOST or not all(isinstance(each, str) and each for each in ids):
        message = worded("inhibited_by must be a list of 1 to %(most)s rule ids", most=_MOST)
        fields.refuse("inhibited_by", message)
    return tuple(dict.fromkeys(str(each) for each in ids))


def refuse_unknown(fields: Fields, inhibited_by: Collection[str], known: Collection[str]) -> None:
    """A problem for every inhibitor that is none of the `known` rules."""
    for each in inhibited_by:
        if each not in known:
            hint = nearest(each, sorted(known))
            message = worded("there is no rule %(rule)s%(hint)s", rule=repr(each), hint=hint)
            fields.refuse("inhibited_by", message)
