"""Words that cells may hold for the codes that are stored, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from core.households import RELATIONS
from core.permissions import STAFF_ROLES
from core.places import CRITICALITIES
from core.teams import MODES
from rules.catalog import Catalog, Text

CRITICALITY = {
    "low": Text("Low", "低"),
    "medium": Text("Medium", "中"),
    "high": Text("High", "高"),
    "critical": Text("Critical", "紧急"),
}
ROLE = {
    "guard": Text("Guard", "保安"),
    "technician": Text("Technician", "维修工"),
    "service_desk": Text("Service desk", "客服前台"),
    "accountant": Text("Accountant", "会计"),
    "safety_officer": Text("Safety officer", "安全主管"),
    "supervisor": Text("Supervisor", "主管"),
    "manager": Text("Manager", "经理"),
    "auditor": Text("Auditor", "审计员"),
    "data_protection": Text("Data protection", "个人信息保护负责人"),
    "administrator": Text("Administrator", "系统管理员"),
}
LANGUAGE = {"en": Text("English", "英文"), "zh": Text("Chinese", "中文")}
YES_NO = {"yes": Text("Yes", "是"), "no": Text("No", "否")}
# A space's kind is a word of whoever describes the site; these are only offered.
SPACE_KIND = {
    "building": Text("Building", "楼栋"),
    "entrance": Text("Entrance", "单元"),
    "floor": Text("Floor", "楼层"),
    "unit": Text("Unit", "户"),
    "room": Text("Room", "房间"),
    "area": Text("Area", "区域"),
    "outdoor": Text("Outdoor", "室外"),
}
RELATION = {
    "owner": Text("Owner", "业主"),
    "tenant": Text("Tenant", "租户"),
    "family": Text("Family", "家属"),
    "other": Text("Other", "其他"),
}
TEAM_MODE = {
    "grab": Text("whoever accepts it", "抢单（谁接谁办）"),
    "round_robin": Text("those on duty, in turn", "值班人员轮流"),
    "load": Text("whoever on duty has the least", "值班人员中单最少者"),
}
CHOICES: Mapping[str, Mapping[str, Text]] = MappingProxyType(
    {
        "criticality": CRITICALITY,
        "role": ROLE,
        "language": LANGUAGE,
        "yes_no": YES_NO,
        "space_kind": SPACE_KIND,
        "relation": RELATION,
        "team_mode": TEAM_MODE,
    }
)
# What people also write.
_ALSO: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "yes_no": {"y": "yes", "true": "yes", "1": "yes", "n": "no", "false": "no", "0": "no"},
        "relation": {"房东": "owner", "租客": "tenant", "家人": "family"},
        "language": {"简体中文": "zh", "汉语": "zh", "英语": "en"},
    }
)
assert tuple(CRITICALITY) == CRITICALITIES
assert tuple(ROLE) == STAFF_ROLES
assert tuple(RELATION) == RELATIONS
assert tuple(TEAM_MODE) == MODES


def choices_of(group: str, catalog: Catalog) -> Mapping[str, Text]:
    """The codes of a group with their words; asset types are those of the installation."""
    if group == "asset_type":
        return {code: kind.name for code, kind in catalog.items()}
    return CHOICES[group]


def understand(known: Mapping[str, Text], text: str, group: str = "") -> str | None:
    """The code that a text means, as code or as word of either language; None for no such one."""
    wanted = text.casefold()
    for code, words in known.items():
        if wanted in (code.casefold(), words.en.casefold(), words.zh.casefold()):
            return code
    return _ALSO.get(group, {}).get(wanted)
