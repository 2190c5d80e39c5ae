"""The other assets of a case, for a rule that asks about many."""

from collections.abc import Mapping

from rules.cases.case import Neighbour
from rules.cases.case_fields import CaseFields
from rules.catalog import AssetType, PointType
from rules.located_yaml import nearest
from rules.members import key_of
from rules.rule import Rule

_KEYS = ("type", "where")


def read_around(fields: CaseFields, rule: Rule) -> dict[str, Neighbour]:
    """The assets under `around`, by name, each with the points that the rule asks for."""
    if not rule.groups:
        message = "the rule asks about no other assets, so around changes nothing"
        fields.refuse_key("around", message)
        return {}
    section = fields.section("around")
    if section is None:
        return {}
    found = {}
    for name, body in section.value.items():
        path = (*section.path, name)
        inside = CaseFields(
            section.located, path, {"type": body} if isinstance(body, str) else body or {},
            section.problems,
        )  # fmt: skip
        if not isinstance(name, str) or "/" in name:
            fields.refuse("around", "the name of an asset is text without a /")
            continue
        made = _neighbour(inside, rule)
        if made is not None:
            found[name] = made
    return found


def _neighbour(fields: CaseFields, rule: Rule) -> Neighbour | None:
    fields.known(_KEYS)
    asset_type = fields.value.get("type")
    types = {group.branch.asset_type for group in rule.groups}
    if asset_type not in types:
        wanted = ", ".join(sorted(types))
        fields.refuse_all(f"the rule asks about assets of type {wanted}, not {asset_type!r}")
        return None
    relations = [g.branch.relation for g in rule.groups if g.branch.asset_type == asset_type]
    relation = fields.value.get("where", "")
    if relation and relation not in relations:
        hint = nearest(str(relation), relations)
        fields.refuse("where", f"the rule asks {', '.join(relations)}, not {relation!r}{hint}")
        return None
    codes = [
        point.code
        for group in rule.groups
        if group.branch.asset_type == asset_type and relation in ("", group.branch.relation)
        for point in group.points
    ]
    return Neighbour(str(asset_type), str(relation), tuple(dict.fromkeys(codes)))


def types_around(
    around: Mapping[str, Neighbour], catalog: Mapping[str, AssetType]
) -> dict[str, PointType]:
    """What the points of the other assets are, by `key_of`."""
    return {
        key_of(name, code): catalog[each.asset_type].points[code]
        for name, each in around.items()
        for code in each.points
    }
