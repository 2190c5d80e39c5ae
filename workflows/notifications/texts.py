"""What people are told, in their own language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.channels.message import Message
from workflows.notifications.model import ASK_FOR_HANDS, KIND_OF_ONE, LIST_OF

# What happened, by the kind of the fact: (English, Chinese).
WHAT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ticket.open": ("New ticket", "新工单"),
        "ticket.reopen": ("Ticket opened again", "工单重开"),
        "ticket.announce": ("It happened again", "故障再次发生"),
        "ticket.still": ("Still not over", "故障仍未恢复"),
        "ticket.incident": ("Several alarms with one cause", "多条报警，同一原因"),
        "ticket.assign": ("A ticket for you", "派给您的工单"),
        "colleagues.assign": ("A ticket for your team", "派给您班组的工单"),
        "ticket.release": ("A ticket waits for somebody again", "工单退回，待接单"),
        "ticket.warn": ("A deadline comes near", "时限将至"),
        "ticket.overdue": ("A deadline was missed", "工单超时"),
        "ticket.escalate": ("Passed up to you", "工单升级至您"),
        "ticket.accept": ("Your report was accepted", "您报的事已受理"),
        "ticket.start": ("Somebody is at work on your report", "您报的事正在处理"),
        "ticket.resolve": ("Your report is done", "您报的事已处理"),
        "ticket.close": ("Your report is closed", "您报的事已结案"),
        "ticket.urge": ("A resident asks how far it is", "住户催办"),
        "ticket.mention": ("You are named in a note", "有人在备注中提到您"),
        "ticket.contractor": ("No contractor comes", "外包单位未接单"),
        "fire_alarm.fire": ("FIRE, confirmed on the spot", "现场确认火警"),
        "fire_alarm.lapse": (
            "Fire alarm nobody confirmed: treat it as a fire",
            "火警逾时未确认，按火警处置",
        ),
        "sos.raise": ("SOS: somebody needs help", "紧急求助，请立即处置"),
        "sos.again": ("SOS: pressed again", "再次紧急求助，请立即处置"),
        "sos.escalate": ("SOS that nobody has answered", "紧急求助无人响应"),
        "guard_task.offer": ("Can you go there?", "请前往查看，能去吗？"),
        "guard_task.send": ("You are sent there", "派您前往查看"),
        "guard_task.pass_up": ("Nobody can go to an alarm", "报警点无人可派"),
        "guard_task.late": ("A guard is not there in time", "保安未按时到达报警点"),
        "lone_worker.remind": ("Check in: are you well?", "请签到报平安"),
        "roster.gap": ("Nobody is on duty ahead", "即将无人值班"),
        "handover.pass_up": ("A hand-over waits for you", "交接班无人接收"),
        "round.late": ("A round has not begun", "巡更未按时开始"),
        "round.late_passed_up": ("A round has still not begun", "巡更仍未开始"),
        "round.miss": ("Checkpoints were missed", "有漏巡点"),
        "round.miss_passed_up": ("Checkpoints are still missed", "漏巡点仍未补巡"),
        "post.short": ("Too few are at a post", "岗位缺员"),
        "post.unread_orders": (
            "Somebody is at a post without its orders read",
            "上岗人员未阅岗位须知",
        ),
        "statute.break": ("Plans do not keep their statute", "巡更计划不符合规定"),
        "patrol_mark.make": ("A question about your round", "您的巡更有一处疑问，请说明"),
        "patrol_report.annex": ("A report that you read has an annex", "您阅读过的报告有新附件"),
        "resident.accept": ("Your report was accepted", "您报的事已受理"),
        "resident.come": ("Somebody is on the way", "维修人员正在赶来"),
        "resident.start": ("Somebody is at work on it", "您报的事正在处理"),
        "resident.resolve": ("Your report is done", "您报的事已处理"),
        "resident.close": ("Your report is closed", "您报的事已结案"),
        "resident.reopen": ("Your report is open again", "您报的事已重新处理"),
        "contractor.offer": ("A job for you", "有新工单待您确认"),
        "test": ("Test: can we reach you?", "测试：能联系到您吗？"),
    }
)
# What happened to many tickets at once. Their number stands first, as the eye looks for it.
WHAT_OF_MANY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "tickets.assign": ("{n} tickets are yours", "{n} 张工单派给了您"),
        "tickets.to_team": ("{n} tickets for your team", "{n} 张工单派给了您的班组"),
        "tickets.release": ("{n} tickets wait for somebody again", "{n} 张工单退回，待接单"),
        "tickets.reopen": ("{n} tickets are open again", "{n} 张工单重开"),
        "tickets.accept": ("{n} of your reports were accepted", "您报的 {n} 件事已受理"),
        "tickets.resolve": ("{n} of your reports are done", "您报的 {n} 件事已处理"),
        "tickets.close": ("{n} of your reports are closed", "您报的 {n} 件事已结案"),
    }
)
FIRST_OF_MANY = ("most urgent", "最紧急")
ACCEPT = ("Accept", "接单")
ACCEPT_ALL = ("Accept all", "全部接单")
ANSWER = ("Answer", "确认")
# What stands in the place of a button that was pressed.
CAME: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "accepted": ("It is yours", "已接单"),
        "all": ("They are yours", "已全部接单"),
        "some": ("Some of them are yours", "已接部分工单"),
        "taken": ("Somebody has it", "已被他人接单"),
        "seen": ("Seen", "已确认"),
        "again": ("Answered", "已处理"),
    }
)
PRIORITY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "low": ("low", "低"),
        "medium": ("medium", "中"),
        "high": ("high", "高"),
        "critical": ("critical", "紧急"),
    }
)


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[1] if language == "zh" else pair[0]


def _name(names: Mapping[str, str], language: str) -> str:
    other = "en" if language == "zh" else "zh"
    found = (names.get(key) for key in (language, "und", other))
    return next((text for text in found if text), "")


def came_of_it(came: str, language: str) -> str:
    """What a pressed button says. came: accepted, all, some, taken, seen, or again."""
    return _in(language, CAME[came])


def message(
    kind: str, facts: Mapping[str, Any], language: str, *, link: str, reference: str
) -> Message:
    """A notice in somebody's language, as channels send it.

    facts: number, priority and when as they stand, `outside` what else may be said of a ticket;
    title and place are said of what is about no ticket.
    """
    facts = _outward(facts)
    if kind in WHAT_OF_MANY:
        if facts.get("count", 1) > 1:
            return _of_many(kind, facts, language, link=link, reference=reference)
        # Of many that were told one is left.
        kind = KIND_OF_ONE[kind]
    what = _in(language, WHAT[kind])
    title = _name(facts.get("title", {}), language)
    place = _name(facts.get("place", {}), language)
    number = f"#{facts['number']} " if facts.get("number") else ""
    head = f"{what}: {number}{title}".rstrip(": ") if title or number else what
    lines = _place_and_level(facts, language)
    lines += [facts["when"]] if facts.get("when") else []
    accepts = kind in ASK_FOR_HANDS
    return Message(
        title=head,
        body="\n".join(lines),
        link=link,
        # A template's variable holds 35 characters at most.
        short=f"{title or what} {place}".strip()[:35],
        accept=_in(language, ACCEPT if accepts else ANSWER),
        reference=reference,
        plain=f"{what} {number}".strip(),
        page=_page(facts),
        takes=accepts,
    )


def _outward(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts without what must not leave the house."""
    if not facts.get("number"):
        return facts
    return {**facts, **facts.get("outside", {"title": {}, "place": {}})}


def _of_many(
    kind: str, facts: Mapping[str, Any], language: str, *, link: str, reference: str
) -> Message:
    """What one message says of many tickets: how many, and which of them comes first."""
    what = _in(language, WHAT_OF_MANY[kind]).format(n=facts["count"])
    title = _name(facts.get("title", {}), language)
    first = _in(language, FIRST_OF_MANY)
    number = f"#{facts['number']}" if facts.get("number") else ""
    colon, comma = ("：", "，") if language == "zh" else (": ", ", ")
    lines = [f"{first}{colon}{number} {title}".rstrip()]
    lines += _place_and_level(facts, language)
    takes = kind == "tickets.assign"
    return Message(
        title=what,
        body="\n".join(lines),
        link=link,
        short=f"{what}{colon}{title}"[:35],
        accept=_in(language, ACCEPT_ALL if takes else ANSWER),
        reference=reference,
        plain=f"{what}{comma}{first} {number}".strip(),
        page=LIST_OF[kind],
        takes=takes,
    )


def _place_and_level(facts: Mapping[str, Any], language: str) -> list[str]:
    place = _name(facts.get("place", {}), language)
    lines = [place] if place else []
    if facts.get("priority") in PRIORITY:
        level = _in(language, PRIORITY[facts["priority"]])
        lines.append(f"优先级：{level}" if language == "zh" else f"Priority: {level}")
    return lines


def _page(facts: Mapping[str, Any]) -> str:
    if facts.get("report"):
        return f"/home/reports/{facts['report']}"
    if facts.get("job"):
        return f"/jobs/{facts['job']}"
    return f"/tickets/{facts['number']}" if facts.get("number") else ""


def outside_message(
    kind: str, facts: Mapping[str, Any], language: str, *, link: str, reference: str
) -> Message:
    """What somebody outside is sent: what happened and where, nothing that others wrote.

    facts: place as it stands.
    """
    what = _in(language, WHAT[kind])
    place = _name(facts.get("place", {}), language)
    return Message(
        title=what,
        body=place,
        link=link,
        short=f"{what} {place}".strip()[:35],
        accept=_in(language, ANSWER),
        reference=reference,
    )
