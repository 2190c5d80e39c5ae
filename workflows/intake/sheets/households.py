"""The sheet of households."""

from rules.catalog import Text
from workflows.intake.sheets.columns import SITE, SKIP, Column, Sheet

HOUSEHOLDS = Sheet(
    "households",
    Text("Households", "住户"),
    "households.write",
    (
        SKIP,
        SITE,
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
