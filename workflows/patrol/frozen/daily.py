"""What a daily report says, laid out in one language."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.papers.document import (
    Bars,
    Block,
    Cell,
    Figure,
    Figures,
    Heat,
    Lines,
    Pictures,
    Shown,
    Strip,
    Table,
)
from workflows.patrol.frozen.words import Writer
from workflows.patrol.rounds.closing import WITHOUT_POSITIONS

Content = Mapping[str, Any]
# As many pictures as a report shows; of the others it says the hashes.
MOST_PICTURES = 360
# Under these shares a figure is doubtful, or bad, in percent.
_GOOD, _DOUBTFUL = 95, 80
_POINT_TONES = {"scanned": "good", "missed": "bad", "unknown": "doubtful", "open": "doubtful"}


def daily_blocks(content: Content, writer: Writer) -> list[Block]:
    """The parts of a daily report, the summary first. What a reader is not told is left out."""
    made: list[Block] = [_summary(content, writer)]
    if _is_empty(content):
        made.append(Lines("", [writer.say("nothing_happened")]))
    made.append(_trend(content, writer))
    made += _posts(content, writer)
    made += _rounds(content, writer)
    for name, make in _PARTS.items():
        if content[name] is not None:
            made += make(content, writer)
    if any(any(one["by_hour"]) for one in content["figures"]["visits"]):
        made.append(_coverage(content, writer))
    return made


def _is_empty(content: Content) -> bool:
    return not (content["rounds"] or content["reports"] or content["tickets"] or content["calls"])


def _summary(content: Content, writer: Writer) -> Figures:
    sums = content["figures"]["sums"]
    closed = sums["complete"] + sums["incomplete"] + sums["missed_whole"]
    due = sums["scanned"] + sums["missed"] + sums["unknown"]
    figures = [
        _share("rounds_complete", sums["complete"], closed, writer),
        _share("points_scanned", sums["scanned"], due, writer),
        _share("in_window", sums["inside"], sums["scanned"], writer),
        _missed(sums, writer),
        _manning(content, writer),
    ]
    if content["reports"] is not None:
        photos = sum(len(one["photos"]) for one in content["reports"])
        note = writer.say("with_photos", n=photos)
        figures.append(Figure(writer.say("reports_count"), str(len(content["reports"])), note))
    if content["marks"] is not None:
        figures.append(_marks_count(content["marks"], writer))
    if content["tickets"] is not None:
        figures.append(_tickets_count(content, writer))
    if content["calls"] is not None and content["calls"]:
        count = str(len(content["calls"]))
        figures.append(Figure(writer.say("calls_count"), count, "", "bad"))
    return Figures(writer.say("summary"), figures)


def _share(key: str, part: int, whole: int, writer: Writer) -> Figure:
    if whole == 0:
        return Figure(writer.say(key), "–", writer.say("nothing_due"))
    percent = part * 100 // whole
    tone = "good" if percent >= _GOOD else "doubtful" if percent >= _DOUBTFUL else "bad"
    note = writer.say("of", part=part, whole=whole)
    return Figure(writer.say(key), writer.percent(part, whole), note, tone)


def _missed(sums: Mapping[str, int], writer: Writer) -> Figure:
    note = ""
    if sums["unknown"]:
        note = writer.say("unknown_points", n=sums["unknown"])
    elif sums["annexed"]:
        note = writer.say("annexed_points", n=sums["annexed"])
    tone = "bad" if sums["missed"] else "doubtful" if sums["unknown"] else "good"
    return Figure(writer.say("missed"), str(sums["missed"]), note, tone)


def _manning(content: Content, writer: Writer) -> Figure:
    posts = content["posts"]
    name = writer.say("posts_short")
    if not posts:
        return Figure(name, "–", writer.say("no_posts"))
    short = [one for one in posts if one["short_min"]]
    if not short:
        return Figure(name, writer.span(0), writer.say("fully_manned"), "good")
    minutes = sum(one["short_min"] for one in short)
    note = writer.say("posts_count", n=len(short), of=len(posts))
    return Figure(name, writer.span(minutes), note, "bad")


def _marks_count(marks: Sequence[Content], writer: Writer) -> Figure:
    waiting = sum(one["state"] in ("open", "answered") for one in marks)
    upheld = sum(one["state"] == "upheld" for one in marks)
    said = [writer.say("undecided", n=waiting)] if waiting else []
    said += [writer.say("upheld_count", n=upheld)] if upheld else []
    tone = "bad" if upheld else "doubtful" if waiting else ""
    return Figure(writer.say("marks_count"), str(len(marks)), " · ".join(said), tone)


def _tickets_count(content: Content, writer: Writer) -> Figure:
    opened = sum(one["opened_at"] is not None for one in content["tickets"])
    ended = sum(one["ended_at"] is not None for one in content["tickets"])
    alarms = content["alarms"]
    note = "" if alarms is None else writer.say("alarms_count", n=len(alarms))
    return Figure(writer.say("tickets_count"), f"{opened} / {ended}", note)


def _trend(content: Content, writer: Writer) -> Bars:
    days = content["figures"]["trend"]
    shares = [one["scanned"] / one["due"] if one["due"] else None for one in days]
    return Bars(writer.say("trend"), [writer.short_day(one["day"]) for one in days], shares)


def _posts(content: Content, writer: Writer) -> Iterable[Table]:
    columns = [writer.say(key) for key in ("person", "from", "until", "how")]
    day = content["day"]
    for number, post in enumerate(content["posts"]):
        time = writer.span(post["to_man_min"])
        note = [writer.say("needed", n=post["minimum_crew"], time=time)]
        if post["short_min"]:
            spans = ", ".join(
                f"{writer.clock(one['from'], day)} – {writer.clock(one['until'], day)}"
                for one in post["short"]
            )
            time = writer.span(post["short_min"])
            note.append(writer.say("short_from", time=time, spans=spans))
        rows = [
            [
                called(content, one["person_id"]),
                writer.clock(one["from"], day),
                writer.clock(one["until"], day) or writer.say("still"),
                writer.say(f"way_{one['came']}"),
            ]
            for one in post["crew"]
        ]
        yield Table(
            "" if number else writer.say("posts"),
            columns,
            (4, 2, 2, 3),
            rows,
            writer.name(post["name"]),
            writer.say("nobody_there"),
            " · ".join(note),
        )


def _rounds(content: Content, writer: Writer) -> Iterable[Table]:
    columns = [writer.say(key) for key in ("checkpoint", "state", "scanned_at", "proof", "remark")]
    if not content["rounds"]:
        yield Table(writer.say("rounds"), columns, (1,) * 5, [], "", writer.say("no_rounds"))
    for number, one in enumerate(content["rounds"]):
        rows = [_point(content, point, writer) for point in one["points"]]
        title = "" if number else writer.say("rounds")
        begins, ends = (writer.clock(one[key], content["day"]) for key in ("planned_at", "ends_at"))
        head = f"{writer.name(one['route_name'])} {begins} – {ends}"
        note = _round(content, one, writer)
        yield Table(title, columns, (5, 2, 2.2, 2.4, 4), rows, head, "", note)


def _round(content: Content, one: Content, writer: Writer) -> str:
    day = content["day"]
    said = [writer.say(f"round_{one['state']}")]
    if one["began_at"]:
        person = called(content, one["person_id"]) or writer.say("nobody")
        said.append(writer.say("began", time=writer.clock(one["began_at"], day), person=person))
    if one["reason"]:
        said.append(one["reason"])
    return " · ".join(said)


def _point(content: Content, point: Content, writer: Writer) -> list[str | Cell]:
    remarks = []
    if point["scanned_at"] and not point["inside"]:
        remarks.append(writer.say("beside_window"))
    if point["annexed"]:
        remarks.append(writer.say("told_later"))
    elif point["channel"] in ("sync", "import"):
        remarks.append(writer.say(f"by_{point['channel']}"))
    if point["reason"] == WITHOUT_POSITIONS:
        remarks.append(writer.say("no_other_way"))
    elif point["reason"]:
        remarks.append(point["reason"])
    state = point["state"]
    return [
        _place(point, writer),
        Cell(writer.say(f"point_{state}"), _POINT_TONES.get(state, "")),
        writer.seconds(point["scanned_at"], content["day"]),
        writer.grade(point["grade"]),
        " · ".join(remarks),
    ]


def _place(one: Content, writer: Writer) -> str:
    """A checkpoint by its name, and by what is printed on it where that says something else."""
    name = writer.name(one["name"])
    return name if name.casefold() == one["code"].casefold() else f"{name} ({one['code']})"


def report_row(content: Content, one: Content, writer: Writer) -> list[str | Cell]:
    """A guard's report as a row."""
    said = [one["text"]] if one["text"] else []
    said += [
        f"{question} {writer.say('answered_yes' if yes else 'answered_no')}"
        for question, yes in checks_of(one, writer)
    ]
    said += [
        writer.say("added", time=writer.moment(each["at"]), text=each["text"])
        for each in one["additions"]
        if each["text"]
    ]
    if one["photos"]:
        said.append(writer.say("with_photos", n=len(one["photos"])))
    if one["voice_notes"]:
        said.append(writer.say("voice_notes", n=one["voice_notes"]))
    if one["closing"]:
        said.append(writer.say("closing_word", text=one["closing"]))
    name = writer.name(one["name"])
    number = "" if one["ticket_number"] is None else f"#{one['ticket_number']}"
    return [
        writer.clock(one["occurred_at"], content.get("day", "")),
        "\n".join([name, *said]),
        writer.name(one["checkpoint_name"]) or writer.say("no_place"),
        called(content, one["person_id"]),
        number,
    ]


def checks_of(one: Content, writer: Writer) -> list[tuple[str, bool]]:
    """What was ticked, in words."""
    return [(writer.name(each["name"]), each["yes"]) for each in one["checks"]]


def reports_table(content: Content, reports: Sequence[Content], writer: Writer) -> Table:
    """Guards' reports."""
    columns = [writer.say(key) for key in ("time", "what", "where", "by", "ticket")]
    rows = [report_row(content, one, writer) for one in reports]
    empty = writer.say("no_reports")
    return Table(writer.say("reports"), columns, (1.5, 6, 3, 2, 1.4), rows, "", empty)


def photo_blocks(reports: Sequence[Content], writer: Writer) -> Iterable[Block]:
    """The photos of reports at their checkpoints; of those that are too many their hashes."""
    shown: list[Shown] = []
    rest: list[Shown] = []
    by_place = sorted(reports, key=lambda one: one["checkpoint_code"] or "~")
    photos = [(one, photo) for one in by_place for photo in one["photos"]]
    for number, (one, photo) in enumerate(photos):
        place = writer.name(one["checkpoint_name"]) or writer.say("no_place")
        caption = [
            place,
            f"{writer.name(one['name'])} · "
            f"{writer.say('photo_taken', time=writer.moment(photo['taken_at']))}",
            f"SHA-256 {photo['sha256'][:32]}\n{photo['sha256'][32:]}",
        ]
        (shown if number < MOST_PICTURES else rest).append(Shown(photo["copy"], caption))
    if shown:
        yield Pictures(writer.say("photos"), shown)
    if rest:
        yield Lines(writer.say("more_photos"), [" · ".join(one.caption) for one in rest])


def _reports(content: Content, writer: Writer) -> Iterable[Block]:
    yield reports_table(content, content["reports"], writer)
    yield from photo_blocks(content["reports"], writer)


def _marks(content: Content, writer: Writer) -> Iterable[Table]:
    columns = [writer.say(key) for key in ("question", "person", "answer", "decision")]
    routes = {one["id"]: one for one in content["rounds"]}
    rows: list[list[str | Cell]] = []
    for one in content["marks"]:
        of = routes[one["round_id"]]
        about = f"{writer.name(of['route_name'])} {writer.clock(of['planned_at'], content['day'])}"
        decided = [writer.say(f"mark_{one['state']}")]
        if one["decided_at"]:
            by = called(content, one["decided_by"])
            decided.append(f"{by}, {writer.moment(one['decided_at'])}")
        if one["reason"]:
            decided.append(one["reason"])
        tone = {"upheld": "bad", "dismissed": "good"}.get(one["state"], "doubtful")
        rows.append(
            [
                f"{writer.say('mark_' + one['kind'])}\n{about}",
                called(content, one["person_id"]) or writer.say("nobody"),
                one["answer"] or writer.say("no_answer"),
                Cell("\n".join(decided), tone),
            ]
        )
    yield Table(writer.say("marks"), columns, (4, 2, 4, 4), rows, "", writer.say("no_marks"))


def _alarms(content: Content, writer: Writer) -> Iterable[Table]:
    if not content["alarms"]:
        return
    day = content["day"]
    columns = [writer.say(key) for key in ("alarm", "equipment", "tripped", "cleared")]
    rows = [
        [
            writer.name(one["title"]),
            writer.name(one["asset"]),
            writer.clock(one["tripped_at"], day),
            writer.clock(one["cleared_at"], day) or writer.say("not_cleared"),
        ]
        for one in content["alarms"]
    ]
    yield Table(writer.say("alarms"), columns, (5, 4, 2, 3), rows)


def _tickets(content: Content, writer: Writer) -> Iterable[Table]:
    if not content["tickets"]:
        return
    day = content["day"]
    columns = [writer.say(key) for key in ("ticket", "what", "priority", "opened_at", "ended_at")]
    rows = [
        [
            f"#{one['number']}",
            writer.name(one["title"]),
            writer.say(f"priority_{one['priority']}"),
            writer.clock(one["opened_at"], day),
            writer.clock(one["ended_at"], day),
        ]
        for one in content["tickets"]
    ]
    yield Table(writer.say("tickets"), columns, (1.4, 7, 1.6, 1.8, 1.8), rows)


def _calls(content: Content, writer: Writer) -> Iterable[Table]:
    if not content["calls"]:
        return
    day = content["day"]
    keys = ("time", "where", "person", "acknowledged", "coming", "over", "what")
    rows = [
        [
            writer.seconds(one["opened_at"], day),
            writer.name(one["place"]),
            called(content, one["person_id"]),
            writer.seconds(one["acknowledged_at"], day),
            writer.seconds(one["coming_at"], day),
            writer.clock(one["ended_at"], day),
            " · ".join(
                [writer.say(f"origin_{one['origin']}")]
                + ([writer.say(f"outcome_{one['outcome']}")] if one["outcome"] else [])
            ),
        ]
        for one in content["calls"]
    ]
    columns = [writer.say(key) for key in keys]
    yield Table(writer.say("calls"), columns, (2, 3, 2, 2, 2, 1.6, 4), rows)


def _hand_overs(content: Content, writer: Writer) -> Iterable[Table]:
    if not content["hand_overs"]:
        return
    day = content["day"]
    rows = []
    for one in content["hand_overs"]:
        if one["kind"] == "log":
            what = writer.say("log_of", post=writer.name(one["post"]))
            rows.append(
                [
                    writer.clock(one["at"], day),
                    f"{what}\n{one['text']}",
                    called(content, one["from_id"]),
                    "",
                ]
            )
            continue
        what = writer.say("handed_over", team=one["team"])
        if one["missing"]:
            what += "\n" + writer.say("items_missing", n=one["missing"])
        taken = f"{called(content, one['to_id'])} {writer.clock(one['accepted_at'], day)}".strip()
        by = called(content, one["from_id"])
        rows.append([writer.clock(one["at"], day), what, by, taken or writer.say("not_accepted")])
    columns = [writer.say(key) for key in ("time", "what", "handed_by", "to")]
    yield Table(writer.say("hand_overs"), columns, (1.5, 6, 2.4, 3), rows)


_PARTS = {
    "reports": _reports,
    "marks": _marks,
    "alarms": _alarms,
    "tickets": _tickets,
    "calls": _calls,
    "hand_overs": _hand_overs,
}


def _coverage(content: Content, writer: Writer) -> Heat:
    strips = [Strip(_place(one, writer), one["by_hour"]) for one in content["figures"]["visits"]]
    hours = [f"{hour:02}" for hour in range(24)]
    return Heat(writer.say("coverage"), hours, strips, writer.say("coverage_note"))


def called(content: Content, person_id: str | None) -> str:
    """How somebody is called in this edition; empty where nobody is known."""
    name: str = content["people"].get(person_id, "") if person_id else ""
    return name
