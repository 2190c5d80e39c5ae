"""The sheets of rosters: a month as a table, as it hangs on the wall, and a row for each day."""

from rules.catalog import Text
from workflows.intake.sheets.columns import NOTHING, SITE, SKIP, Column, Sheet
from workflows.intake.sheets.teams import LOGIN, NAME, TEAM

DAYS = tuple(f"d{number}" for number in range(1, 32))
_TEAM = Column(
    TEAM.code,
    TEAM.title,
    Text(
        "Code or name; may stay empty if they are in one team only",
        "编码或名称；只在一个班组时可不填",
    ),
    TEAM.example,
    also=TEAM.also,
)
_SHIFT = Text(
    "A shift code of the site, hours such as 08:00-16:00, several with / between them, or off; "
    "empty: as it stands",
    "本项目的班次（如早、中、夜）、起止时间（如 08:00-16:00），多个用 / 隔开；休息填“休”；"
    "留空不修改",
)


def _day(number: int) -> Column:
    examples = (Text("Early", "早"), Text("Early", "早"), Text("off", "休"), Text("Night", "夜"))
    return Column(
        f"d{number}",
        Text(str(number), str(number)),
        _SHIFT if number == 1 else NOTHING,
        examples[number - 1] if number <= len(examples) else NOTHING,
        width=30 if number == 1 else 6,
        also=(f"{number}日", f"{number}号", f"{number:02d}", f"day {number}"),
    )


MONTH = Sheet(
    "roster",
    Text("Roster by month", "排班表"),
    "rosters.write",
    (
        SKIP,
        SITE,
        _TEAM,
        LOGIN,
        NAME,
        Column(
            "month",
            Text("Month", "月份"),
            Text(
                "Like 2026-12; may stand in a title above the headings instead",
                "如 2026-12；也可写在表头上方的标题里",
            ),
            Text("2026-12", "2026-12"),
            width=12,
            day=True,
            also=("年月",),
        ),
        *map(_day, range(1, 32)),
    ),
    above="month",
    # What the tables that hang on walls also have.
    passed_over=("序号", "岗位", "职务", "合计", "备注", "出勤天数", "no", "total", "remarks"),
    decoration=frozenset("一二三四五六日天")
    | {f"{word}{day}" for word in ("周", "星期") for day in "一二三四五六日天"}
    | {"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
)
BY_DAY = Sheet(
    "roster_days",
    Text("Roster by day", "排班明细"),
    "rosters.write",
    (
        SKIP,
        SITE,
        _TEAM,
        LOGIN,
        NAME,
        Column(
            "day",
            Text("Date", "日期"),
            Text("A date; the shift begins on it", "日期；班次在当天开始"),
            Text("2026-12-01", "2026-12-01"),
            True,
            width=14,
            day=True,
            also=("day",),
        ),
        Column(
            "shift",
            Text("Shift", "班次"),
            _SHIFT,
            Text("Early", "早"),
            True,
            width=30,
            also=("shift code", "班"),
        ),
    ),
)
