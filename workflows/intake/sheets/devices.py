"""The sheets of devices and their points."""

from rules.catalog import Text
from workflows.intake.sheets.columns import SITE, SKIP, Column, Sheet, names

DEVICES = Sheet(
    "devices",
    Text("Devices", "接入设备"),
    "devices.write",
    (
        SKIP,
        SITE,
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
        *names("1号泵控制器", "Pump 1 controller"),
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
        SITE,
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
