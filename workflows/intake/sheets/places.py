"""The sheets of spaces and assets."""

from rules.catalog import Text
from workflows.intake.sheets.columns import LASTING, SITE, SKIP, Column, Sheet, code, names

SPACES = Sheet(
    "spaces",
    Text("Spaces", "空间"),
    "places.write",
    (
        SKIP,
        SITE,
        code(LASTING, "1-2-301", "空间编码", "房号"),
        *names("1号楼2单元301", "Building 1, flat 301"),
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
        SITE,
        code(LASTING, "b1-pump-1", "资产编码"),
        Column(
            "type",
            Text("Type", "类型"),
            Text("Needed for a new asset; choose one", "新资产必填，请选择"),
            Text("Pump", "水泵"),
            choices="asset_type",
            also=("资产类型",),
        ),
        *names("1号生活水泵", "Pump 1"),
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
