"""The sheet of people and their roles."""

from rules.catalog import Text
from workflows.intake.sheets.columns import SKIP, Column, Sheet

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
