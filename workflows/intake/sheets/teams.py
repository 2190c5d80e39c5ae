"""The sheets of teams and of who is in them."""

from rules.catalog import Text
from workflows.intake.sheets.columns import SITE, SKIP, Column, Sheet, code, names

TEAM = Column(
    "team",
    Text("Team", "班组"),
    Text("Code or name of the team", "班组的编码或名称"),
    Text("maintenance", "工程维修"),
    also=("班组编码", "部门"),
)
LOGIN = Column(
    "login",
    Text("Login", "登录名"),
    Text(
        "What they sign in with: phone or staff number, e-mail; or fill in the name",
        "登录用的手机号、工号或邮箱；与姓名填一项即可",
    ),
    Text("13800000000", "13800000000"),
    also=("手机号", "手机", "电话", "工号", "phone", "mobile", "staff number", "e-mail", "邮箱"),
)
NAME = Column(
    "name",
    Text("Name", "姓名"),
    Text("Enough where only one person is called so", "没有重名时填姓名即可"),
    Text("Wei Chen", "陈伟"),
    also=("full name", "员工", "人员", "员工姓名", "person"),
)
TEAMS = Sheet(
    "teams",
    Text("Teams", "班组"),
    "service.write",
    (
        SKIP,
        SITE,
        code(
            Text(
                "Names it for ever; maintenance, security and service are there already",
                "永久不变的编号；maintenance、security、service 已内置",
            ),
            "pool",
            "班组编码",
        ),
        *names("泳池组", "Pool team"),
        Column(
            "mode",
            Text("Who gets a ticket", "派单方式"),
            Text("Whoever accepts it, if left empty", "不填为抢单"),
            Text("whoever accepts it", "抢单"),
            choices="team_mode",
            width=24,
            also=("mode",),
        ),
        Column(
            "cover",
            Text("Always somebody on duty", "值守时段"),
            Text(
                "Code or name of the calendar in which somebody must be on duty; - for none",
                "必须有人值守的时段，填日历的编码或名称；- 表示没有",
            ),
            Text("always", "always"),
            may_clear=True,
            width=22,
            also=("cover", "calendar", "日历"),
        ),
    ),
)
MEMBERS = Sheet(
    "members",
    Text("Team members", "班组成员"),
    "service.write",
    (
        SKIP,
        SITE,
        Column(TEAM.code, TEAM.title, TEAM.note, TEAM.example, required=True, also=TEAM.also),
        LOGIN,
        NAME,
        Column(
            "skills",
            Text("Skills", "技能"),
            Text(
                "Categories of work with a comma between them; - for all",
                "可接工单的类别，用逗号隔开；- 表示全部",
            ),
            Text("electrical, lift", "电气，电梯"),
            may_clear=True,
            width=24,
            also=("类别", "工种"),
        ),
        Column(
            "within",
            Text("In the team", "是否在组"),
            Text("No takes them out of it; yes if left empty", "填“否”移出班组；不填为是"),
            Text("Yes", "是"),
            choices="yes_no",
            width=12,
        ),
    ),
)
