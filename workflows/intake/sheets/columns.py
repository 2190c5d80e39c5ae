"""What a sheet and its columns are, and the columns that many sheets have."""

from dataclasses import dataclass

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
    """One sheet. permission: what its rows need on the site that they are about.

    above: the column whose value may stand in the title above the headings, or in the sheet's
    name, as a month. passed_over: headings of columns that are not read. decoration: words; a row
    that holds nothing else is not read.
    """

    code: str
    title: Text
    permission: str
    columns: tuple[Column, ...]
    above: str = ""
    passed_over: tuple[str, ...] = ()
    decoration: frozenset[str] = frozenset()

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
SITE = Column(
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
NAMES = (
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


def names(zh: str, en: str) -> tuple[Column, Column]:
    """The names in both languages, with an example of each."""
    first, second = NAMES
    return (
        Column(first.code, first.title, first.note, Text(zh, zh), width=22, also=first.also),
        Column(second.code, second.title, second.note, Text(en, en), width=22, also=second.also),
    )


def code(note: Text, example: str, *also: str) -> Column:
    """The code that a row is found by."""
    return Column("code", Text("Code", "编码"), note, Text(example, example), True, also=also)


LASTING = Text(
    "Names it for ever: letters, digits, _ . and -, at most 60",
    "永久不变的编号：字母、数字、_ . 和 -，最多 60 个字符",
)
