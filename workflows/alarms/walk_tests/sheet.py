"""The sheet of a walk test: what never answered, what answered when and with what, and who signed.

Everything on it stands in rows that nothing changes once it is signed, so that it is the same paper
whenever it is asked for.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.files import FileStore
from core.local_time import zone
from core.papers.document import (
    Block,
    Cell,
    Document,
    Figure,
    Figures,
    Lines,
    Pictures,
    Shown,
    Signatures,
    Table,
)
from core.papers.paper import paper
from core.people import Person
from core.personal import unseal
from core.pictures import read_picture
from core.places import Node, Space
from workflows.alarms.model import Withholding
from workflows.alarms.walk_tests.model import WalkSignerKey, WalkTest
from workflows.alarms.walk_tests.reading import sensors_of

_SIGNATURE = "signature"
_TABLE = (2.2, 2.2, 2.4, 1.6, 2.0)
# Each in English and Chinese.
WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Walk test of sensors", "传感器步行测试记录"),
    "number": ("Number", "编号"),
    "place": ("Place", "测试区域"),
    "span": ("From – until", "起止时间"),
    "by": ("Started by", "发起人"),
    "about": ("What for", "测试说明"),
    "lives": ("Alarms about lives", "生命安全报警"),
    "lives_spoke": ("spoke as always", "照常报警，未屏蔽"),
    "lives_silent": (
        "out of service until {until}; asked for by {asked}, confirmed by {confirmed}; patrol "
        "instead: {patrol}",
        "停用至 {until}；申请人 {asked}，确认人 {confirmed}；替代巡查：{patrol}",
    ),
    "short": ("In short", "概要"),
    "sensors": ("Sensors", "传感器总数"),
    "answered": ("Answered", "已响应"),
    "ticked": ("Ticked with a photo", "已拍照确认"),
    "silent": ("Never answered", "未响应"),
    "not_ticked": ("Answered, but not ticked", "已响应，未确认"),
    "all_answered": ("Every sensor answered.", "全部传感器均已响应。"),
    "none": ("None.", "无。"),
    "sensor": ("Sensor", "传感器"),
    "watches": ("What it watches", "监测对象"),
    "answer": ("Answer", "响应内容"),
    "when": ("When", "时间"),
    "who": ("Ticked by", "确认人"),
    "alarm": ("Alarm", "触发报警"),
    "photos": ("Photos", "照片"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "event": ("it happened", "已发生"),
    "signed": ("Signed by {name}, {at}", "签字人：{name}，{at}"),
    "erased": ("(name erased)", "（姓名已删除）"),
    "signature": ("Signature", "签字"),
    "tester": ("Who tested", "测试人"),
    "witness": ("Who was there", "见证人"),
    "date": ("Date", "日期"),
    "page": ("Page {n} of {of}", "第 {n} 页，共 {of} 页"),
    "checking": (
        "The digest is the SHA-256 of what was tested and how it answered; the product shows it "
        "beside this test.",
        "摘要为测试项目及响应结果的SHA-256值，可在系统中该次测试页面核对。",
    ),
    "unsigned": ("Not signed yet.", "尚未签字。"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet shows, read in one go. pictures: SHA-256 by key.

    silent_until: how long alarms about lives were out of service for the test at most.
    """

    number: str
    site: Mapping[str, str]
    place: Mapping[str, str]
    time_zone: str
    row: WalkTest
    people: Mapping[str, str]
    sensors: Sequence[Mapping[str, Any]]
    pictures: Mapping[str, str]
    signer: str | None
    digest: str
    silent_until: datetime | None = None


def sheet_of(session: Session, row: WalkTest) -> Sheet:
    """Everything that the sheet of a test says now."""
    site, space = session.get_one(Node, row.site_id), session.get_one(Space, row.space_id)
    sensors = sensors_of(session, row)
    ids = (row.started_by, row.lives_asked_by, row.lives_confirmed_by)
    people = {str(one): session.get_one(Person, one).name for one in ids if one is not None}
    pictures = {f"photo-{n}": one["copy"] for n, one in enumerate(sensors) if one["copy"]}
    if row.signature:
        pictures[_SIGNATURE] = row.signature
    key = session.get(WalkSignerKey, row.id)
    signer = unseal(key.key, row.signer) if key is not None and row.signer is not None else None
    return Sheet(
        number=f"{space.code}-{row.starts_at:%Y%m%d-%H%M}",
        site=dict(site.name),
        place=dict(space.name) or {"en": space.code},
        time_zone=site.time_zone,
        row=row,
        people=people,
        sensors=sensors,
        pictures=pictures,
        signer=signer,
        digest=row.digest or digest_of(row, sensors),
        silent_until=_silent_until(session, row),
    )


def _silent_until(session: Session, row: WalkTest) -> datetime | None:
    """A test may have been made longer than two people agreed on, or one of them ended it early."""
    statement = select(Withholding.until, Withholding.ended_at).where(
        Withholding.cause_id == row.id, Withholding.confirmed_by.is_not(None)
    )
    ends = [
        min(each for each in (until, ended) if each is not None)
        for until, ended in session.execute(statement)
        if until is not None
    ]
    return max(ends, default=None)


def digest_of(row: WalkTest, sensors: Sequence[Mapping[str, Any]]) -> str:
    """The SHA-256 of what was tested and how it answered. Names of people are no part of it."""
    tested = [
        {
            "device": str(one["device_id"]),
            "answered": one["answered_at"] and one["answered_at"].isoformat(),
            "value": one["value"],
            "ticked": one["ticked_at"] and one["ticked_at"].isoformat(),
            "photo": one["copy"],
            "note": one["note"],
        }
        for one in sorted(sensors, key=lambda one: str(one["device_id"]))
    ]
    said = {
        "test": str(row.id),
        "from": row.starts_at.isoformat(),
        "until": row.ends_at.isoformat(),
        "lives_confirmed_by": row.lives_confirmed_by and str(row.lives_confirmed_by),
        "sensors": tested,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def sheet_paper(sheet: Sheet, files: FileStore, language: str, *, now: datetime) -> bytes:
    """The sheet as a PDF in one language. Unavailable where the machine lacks the font."""
    pictures = {key: files.get(digest) for key, digest in sheet.pictures.items()}
    if _SIGNATURE in pictures:
        pictures[_SIGNATURE] = read_picture(pictures[_SIGNATURE]).copy
    made = _Writer(sheet, language).document()
    return paper(made, pictures, now=sheet.row.signed_at or now)


class _Writer:
    """Writes a sheet in one language and by the clock of its site."""

    def __init__(self, sheet: Sheet, language: str) -> None:
        self._sheet = sheet
        self._language = language

    def say(self, key: str, **values: str) -> str:
        text = WORDS[key][self._language == "zh"]
        return text.format(**values) if values else text

    def _name(self, text: Mapping[str, str]) -> str:
        return text.get(self._language) or next((one for one in text.values() if one), "")

    def _moment(self, at: datetime | None) -> str:
        if at is None:
            return ""
        return f"{at.astimezone(zone(self._sheet.time_zone)):%Y-%m-%d %H:%M:%S}"

    def document(self) -> Document:
        sheet = self._sheet
        return Document(
            title=self.say("title"),
            subtitle=f"{self._name(sheet.site)} · {self._name(sheet.place)}",
            number=sheet.number,
            digest=sheet.digest,
            facts=self._facts(),
            blocks=list(self._blocks()),
            checking=self.say("checking"),
            language=self._language,
            page=self.say("page", n="{n}", of="{of}"),
        )

    def _facts(self) -> list[tuple[str, str]]:
        row, people = self._sheet.row, self._sheet.people
        lives = self.say("lives_spoke")
        if row.lives_confirmed_by is not None:
            lives = self.say(
                "lives_silent",
                until=self._moment(self._sheet.silent_until or row.ends_at),
                asked=people[str(row.lives_asked_by)],
                confirmed=people[str(row.lives_confirmed_by)],
                patrol=row.patrol,
            )
        return [
            (self.say("number"), self._sheet.number),
            (self.say("place"), self._name(self._sheet.place)),
            (self.say("span"), f"{self._moment(row.starts_at)} – {self._moment(row.ends_at)}"),
            (self.say("by"), people[str(row.started_by)]),
            (self.say("about"), row.reason),
            (self.say("lives"), lives),
        ]

    def _blocks(self) -> list[Block]:
        sensors = self._sheet.sensors
        silent = [one for one in sensors if one["answered_at"] is None]
        loose = [one for one in sensors if one["answered_at"] and not one["ticked_at"]]
        ticked = [one for one in sensors if one["ticked_at"]]
        figures = [
            Figure(self.say("sensors"), str(len(sensors))),
            Figure(self.say("answered"), str(len(sensors) - len(silent)), tone="good"),
            Figure(self.say("ticked"), str(len(ticked))),
            Figure(self.say("silent"), str(len(silent)), tone="bad" if silent else "good"),
        ]
        columns = [self.say("sensor"), self.say("watches")]
        rows: list[list[str | Cell]] = [
            [Cell(self._called(one), "bad"), self._watched(one)] for one in silent
        ]
        blocks: list[Block] = [
            Figures(self.say("short"), figures),
            Table(self.say("silent"), columns, (1, 1.4), rows, empty=self.say("all_answered")),
            self._answers("not_ticked", loose),
            self._answers("ticked", ticked),
        ]
        shown = [
            Shown(f"photo-{number}", [self._called(one), self._moment(one["ticked_at"])])
            for number, one in enumerate(sensors)
            if one["copy"]
        ]
        if shown:
            blocks.append(Pictures(self.say("photos"), shown))
        return [*blocks, *self._signed()]

    def _answers(self, title: str, sensors: Sequence[Mapping[str, Any]]) -> Table:
        names = ("sensor", "watches", "answer", "when", "who")
        rows = [
            [
                self._called(one),
                self._watched(one),
                self._answer(one),
                self._moment(one["answered_at"]),
                "\n".join(part for part in (one["ticked_by_name"] or "", one["note"]) if part),
            ]
            for one in sensors
        ]
        columns = [self.say(name) for name in names]
        return Table(self.say(title), columns, _TABLE, rows, empty=self.say("none"))

    def _called(self, one: Mapping[str, Any]) -> str:
        name = self._name(one["name"])
        return f"{name} ({one['code']})" if name and name != one["code"] else str(one["code"])

    def _watched(self, one: Mapping[str, Any]) -> str:
        return ", ".join(self._name(asset["name"]) or asset["code"] for asset in one["assets"])

    def _answer(self, one: Mapping[str, Any]) -> str:
        point, value = one["point"], one["value"]
        if point is None or value is None:
            return ""
        said = self._value(point, value)
        alarms = [self._name(alarm["title"]) for alarm in one["alarms"]]
        lines = [f"{self._name(point.name) or point.code}: {said}"]
        if alarms:
            lines.append(f"{self.say('alarm')}: {', '.join(alarms)}")
        return "\n".join(lines)

    def _value(self, point: Any, value: float) -> str:
        if point.kind == "event":
            return self.say("event")
        if point.kind == "boolean":
            return self.say("yes" if value else "no")
        if point.kind == "state":
            states = point.states or []
            return states[int(value)] if 0 <= int(value) < len(states) else str(int(value))
        return f"{value:g} {point.unit or ''}".rstrip()

    def _signed(self) -> list[Block]:
        row = self._sheet.row
        if row.signed_at is None:
            roles = [self.say("tester"), self.say("witness")]
            return [Signatures(self.say("signature"), roles, self.say("date"))]
        name = self._sheet.signer or self.say("erased")
        line = self.say("signed", name=name, at=self._moment(row.signed_at))
        return [
            Lines(self.say("signature"), [line]),
            Pictures("", [Shown(_SIGNATURE, [name])]),
        ]
