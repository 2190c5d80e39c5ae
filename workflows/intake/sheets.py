"""The sheets that can be handed in: their columns, in both languages, with what each is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rules.catalog import Text

NOTHING = Text()


@dataclass(frozen=True, slots=True)
class Column:
    """One column. choices: the group of words that a cell takes, see workflows.intake.choices.

    open: other words than those of `choices` are taken too. may_clear: "-" empties the field.
    day: dates of Excel are taken, too. also: other headings by which people know it.
    """

    code: str
    title: Text
    note: Text
    example: Text = NOTHING
    required: bool = False
    choices: str = ""
    open: bool = False
    may_clear: bool = False
    width: int = 18
    day: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. permission: what its rows need on the site that they are about."""

    code: str
    title: Text
    permission: str
    columns: tuple[Column, ...]

    def column(self, code: str) -> Column:
        """The column of this code."""
        return next(column for column in self.columns if column.code == code)


CLEAR = "-"
# The sheet of a template that explains the others.
HOW = Text("How to fill it in", "填写说明")
SKIP = Column(
    "skip",
    Text("Skip", "跳过"),
    Text("A row with anything in this column is not read", "本列有内容的行不导入"),
    Text("Example", "示例"),
    width=10,
    also=("不导入",),
)
_SITE = Column(
    "site",
    Text("Site", "项目"),
    Text(
        "Code or name of the site; may stay empty if you have one only",
        "项目编码或名称；只有一个项目时可不填",
    ),
    Text("riverside", "riverside"),
    choices="site",
    also=("小区", "项目编码"),
)
_NAMES = (
    Column(
        "name_zh",
        Text("Name in Chinese", "中文名称"),
        Text("One of the two names is enough", "中英文名称填一个即可"),
        Text("1号楼", "1号楼"),
        width=22,
        also=("名称", "中文名"),
    ),
    Column(
        "name_en",
        Text("Name in English", "英文名称"),
        Text("One of the two names is enough", "中英文名称填一个即可"),
        Text("Building 1", "Building 1"),
        width=22,
        also=("name", "英文名"),
    ),
)


def _names(zh: str, en: str) -> tuple[Column, Column]:
    first, second = _NAMES
    return (
        Column(first.code, first.title, first.note, Text(zh, zh), width=22, also=first.also),
        Column(second.code, second.title, second.note, Text(en, en), width=22, also=second.also),
    )


def _code(note: Text, example: str, *also: str) -> Column:
    return Column("code", Text("Code", "编码"), note, Text(example, example), True, also=also)


_LASTING = Text(
    "Names it for ever: letters, digits, _ . and -, at most 60",
    "永久不变的编号：字母、数字、_ . 和 -，最多 60 个字符",
)
PEOPLE = Sheet(
    "people",
    Text("People", "人员"),
    "people.write",
    (
        SKIP,
        Column(
            "login",
            Text("Login", "登录名"),
            Text(
                "Phone number or staff number they will sign in with",
                "登录用的手机号或工号",
            ),
            Text("13800000000", "13800000000"),
            True,
            also=("手机号", "手机", "电话", "工号", "phone", "mobile", "staff number"),
        ),
        Column(
            "name",
            Text("Name", "姓名"),
            Text("Needed for a new person", "新人员必填"),
            Text("Wei Chen", "陈伟"),
            also=("full name",),
        ),
        Column(
            "language",
            Text("Language", "语言"),
            Text("Chinese if left empty", "不填为中文"),
            Text("Chinese", "中文"),
            choices="language",
            width=12,
        ),
        Column(
            "role",
            Text("Role", "角色"),
            Text(
                "One role a row; a second row of the same login gives a second role",
                "每行一个角色；同一登录名可填多行以给多个角色",
            ),
            Text("Guard", "保安"),
            choices="role",
        ),
        Column(
            "place",
            Text("Where", "范围"),
            Text(
                "Code or name of the site, region or company where the role holds",
                "角色生效的项目、区域或公司的编码或名称",
            ),
            Text("riverside", "riverside"),
            choices="place",
            also=("项目", "site"),
        ),
        Column(
            "team",
            Text("Team", "班组"),
            Text(
                "Code of the team to whose tickets the role is limited; every team if left empty",
                "只能看和处理该班组的工单，填班组编码；不填为全部班组",
            ),
            Text("maintenance", "maintenance"),
            width=14,
        ),
    ),
)
SPACES = Sheet(
    "spaces",
    Text("Spaces", "空间"),
    "places.write",
    (
        SKIP,
        _SITE,
        _code(_LASTING, "1-2-301", "空间编码", "房号"),
        *_names("1号楼2单元301", "Building 1, flat 301"),
        Column(
            "kind",
            Text("Kind", "类型"),
            Text("Choose one or write your own word; Area if empty", "可选或自填；不填为区域"),
            Text("Unit", "户"),
            choices="space_kind",
            open=True,
            width=12,
        ),
        Column(
            "parent",
            Text("Inside", "上级空间"),
            Text("Code of the space around it; - for none", "所属上级空间的编码；- 表示没有"),
            Text("1-2", "1-2"),
            may_clear=True,
            also=("上级编码", "parent"),
        ),
    ),
)
ASSETS = Sheet(
    "assets",
    Text("Assets", "资产"),
    "places.write",
    (
        SKIP,
        _SITE,
        _code(_LASTING, "b1-pump-1", "资产编码"),
        Column(
            "type",
            Text("Type", "类型"),
            Text("Needed for a new asset; choose one", "新资产必填，请选择"),
            Text("Pump", "水泵"),
            choices="asset_type",
            also=("资产类型",),
        ),
        *_names("1号生活水泵", "Pump 1"),
        Column(
            "space",
            Text("Space", "所在空间"),
            Text("Code of the space it stands in; - for none", "所在空间的编码；- 表示没有"),
            Text("b1-pumproom", "b1-pumproom"),
            may_clear=True,
            also=("空间", "位置"),
        ),
        Column(
            "criticality",
            Text("Criticality", "重要程度"),
            Text("Medium if left empty", "不填为中"),
            Text("High", "高"),
            choices="criticality",
            width=12,
        ),
    ),
)
DEVICES = Sheet(
    "devices",
    Text("Devices", "接入设备"),
    "devices.write",
    (
        SKIP,
        _SITE,
        Column(
            "code",
            Text("Code", "编码"),
            Text(
                "Its name in MQTT topics: no blanks, none of / + #, at most 120",
                "MQTT 主题中的设备名：不含空格和 / + #，最多 120 个字符",
            ),
            Text("pump-ctl-1", "pump-ctl-1"),
            True,
            also=("设备编码",),
        ),
        *_names("1号泵控制器", "Pump 1 controller"),
        Column(
            "asset",
            Text("Asset", "资产"),
            Text(
                "Code of the asset that it reports about; - for none",
                "上报对象的资产编码；- 表示没有",
            ),
            Text("b1-pump-1", "b1-pump-1"),
            may_clear=True,
            also=("资产编码",),
        ),
        Column(
            "via",
            Text("Gateway", "网关"),
            Text(
                "Code of the device it speaks through; - for none", "经由的网关设备编码；- 表示没有"
            ),
            Text("gw-b1", "gw-b1"),
            may_clear=True,
            also=("via", "网关编码"),
        ),
        Column(
            "source",
            Text("Source", "数据源"),
            Text(
                "Code of the source; the site's only one if empty",
                "数据源编码；不填为项目唯一的数据源",
            ),
            Text("own", "own"),
            may_clear=True,
            width=12,
        ),
        Column(
            "all_points",
            Text("All points", "全部测点"),
            Text(
                "Yes: it feeds every point of its asset under the point's own code",
                "填“是”：按测点编码上报该资产的全部测点",
            ),
            Text("Yes", "是"),
            choices="yes_no",
            width=12,
        ),
        Column(
            "interval",
            Text("Interval", "上报间隔"),
            Text(
                "Of those points: 10s, 5m or 1h; empty if it speaks on change",
                "上述测点的间隔：10s、5m、1h；变化上报可不填",
            ),
            Text("10s", "10s"),
            width=12,
        ),
    ),
)
POINTS = Sheet(
    "points",
    Text("Points", "测点"),
    "devices.write",
    (
        SKIP,
        _SITE,
        Column(
            "device",
            Text("Device", "接入设备"),
            Text("Code of the device", "接入设备的编码"),
            Text("pump-ctl-1", "pump-ctl-1"),
            True,
            also=("设备", "设备编码"),
        ),
        Column(
            "asset",
            Text("Asset", "资产"),
            Text("Code; the device's own asset if empty", "资产编码；不填为接入设备所属资产"),
            Text("b1-pump-1", "b1-pump-1"),
            also=("资产编码",),
        ),
        Column(
            "point",
            Text("Point", "测点"),
            Text("Code or name of a point of the asset's type", "该资产类型下的测点编码或名称"),
            Text("motor_temperature", "motor_temperature"),
            True,
            width=22,
            also=("测点编码",),
        ),
        Column(
            "key",
            Text("Key", "报文字段"),
            Text(
                "In the device's messages; the point's code if empty",
                "设备报文中的字段名；不填同测点编码",
            ),
            Text("temp", "temp"),
            also=("字段",),
        ),
        Column(
            "interval",
            Text("Interval", "上报间隔"),
            Text("10s, 5m or 1h; - if it speaks on change", "10s、5m、1h；变化上报填 -"),
            Text("10s", "10s"),
            may_clear=True,
            width=12,
        ),
        Column(
            "low",
            Text("Lowest", "下限"),
            Text(
                "Narrows what is physically possible; - for the type's own",
                "物理量程下限；- 表示用类型默认值",
            ),
            Text("-20", "-20"),
            may_clear=True,
            width=10,
        ),
        Column(
            "high",
            Text("Highest", "上限"),
            Text(
                "Narrows what is physically possible; - for the type's own",
                "物理量程上限；- 表示用类型默认值",
            ),
            Text("180", "180"),
            may_clear=True,
            width=10,
        ),
    ),
)
HOUSEHOLDS = Sheet(
    "households",
    Text("Households", "住户"),
    "households.write",
    (
        SKIP,
        _SITE,
        Column(
            "unit",
            Text("Unit", "房号"),
            Text("Code or name of the space, in any spelling", "空间的编码或名称，写法不限"),
            Text("1-2-301", "1栋2单元301"),
            True,
            also=("单元", "户号", "空间编码", "房间", "space", "flat"),
        ),
        Column(
            "name",
            Text("Name", "姓名"),
            Text("Tells one from the others of the unit", "同一房号内以姓名区分"),
            Text("Lei Zhao", "赵磊"),
            True,
            also=("住户", "住户姓名", "业主姓名", "resident", "full name"),
        ),
        Column(
            "phones",
            Text("Phone numbers", "电话"),
            Text("Several with a comma between them; - for none", "多个号码用逗号隔开；- 表示没有"),
            Text("13800138000", "13800138000"),
            may_clear=True,
            width=24,
            also=("手机", "手机号", "联系电话", "phone", "phones", "mobile"),
        ),
        Column(
            "relation",
            Text("Relation", "身份"),
            Text("Owner if left empty", "不填为业主"),
            Text("Owner", "业主"),
            choices="relation",
            width=12,
            also=("关系", "与业主关系"),
        ),
        Column(
            "since",
            Text("Moved in on", "入住日期"),
            Text("A date; - for none", "日期；- 表示没有"),
            Text("2026-03-01", "2026-03-01"),
            may_clear=True,
            width=14,
            day=True,
            also=("since", "入住时间"),
        ),
        Column(
            "until",
            Text("Moves out on", "搬离日期"),
            Text("A date; - for none", "日期；- 表示没有"),
            may_clear=True,
            width=14,
            day=True,
            also=("until", "搬离时间", "租约到期"),
        ),
    ),
)
SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {sheet.code: sheet for sheet in (PEOPLE, SPACES, ASSETS, DEVICES, POINTS, HOUSEHOLDS)}
)
# Numbers are numbers here; everywhere else a number in a cell stands for a text.
NUMERIC = frozenset({"low", "high"})
