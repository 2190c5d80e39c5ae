"""A report as a document in one language: its head, its parts, and how it is checked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.papers.document import Block, Cell, Document, Lines, Table
from workflows.patrol.frozen.daily import daily_blocks
from workflows.patrol.frozen.incident import incident_blocks, incident_facts
from workflows.patrol.frozen.words import Writer

Content = Mapping[str, Any]


def document_of(content: Content, digest: str, language: str, *, base: str) -> Document:
    """A report, or an annex, in one language. base: the address of the product, if it has one."""
    writer = Writer(language, content["site"]["time_zone"])
    daily = content["kind"] == "daily"
    subtitle = writer.name(content["site"]["name"])
    if daily:
        subtitle += f" · {writer.day(content['day'])}"
    where = f"{base}/check-report" if base else writer.say("checking_page")
    return Document(
        title=writer.say("daily" if daily else "incident"),
        subtitle=subtitle,
        number=content["closed"]["number"],
        digest=digest,
        facts=facts_of(content, language),
        blocks=parts_of_content(content, language),
        checking=writer.say("checking", where=where),
        language=language,
        page=writer.say("page", n="{n}", of="{of}"),
        address=f"{base}/check-report?digest={digest}" if base else "",
    )


def parts_of_content(content: Content, language: str) -> list[Block]:
    """The parts of a report in one language; of an annex first what has changed."""
    writer = Writer(language, content["site"]["time_zone"])
    parts: list[Block] = []
    if content.get("changes") is not None:
        parts += _annex(content, writer)
    make = daily_blocks if content["kind"] == "daily" else incident_blocks
    return [*parts, *make(content, writer)]


def facts_of(content: Content, language: str) -> list[tuple[str, str]]:
    """What stands under the title of a report that is closed: names and values."""
    writer = Writer(language, content["site"]["time_zone"])
    closed = content["closed"]
    number = closed["number"]
    if closed["annex"]:
        number = writer.say("annex", n=closed["annex"], number=closed["of"])
    reader = content["reader"]["name"] or writer.say("house")
    by = content["people"].get(closed["closed_by"] or "", "") or writer.say("by_itself")
    if content["kind"] == "daily":
        span = f"{writer.moment(content['from'])} – {writer.moment(content['until'])}"
        if content["hours"] != 24:
            span += f" ({writer.say('hours', n=content['hours'])})"
        about = [(writer.say("span"), f"{span} {content['site']['time_zone']}")]
    else:
        about = incident_facts(content, writer)
    return [
        (writer.say("number"), number),
        *about,
        (writer.say("for"), reader),
        (writer.say("closed"), f"{writer.moment(closed['at'])}, {by}"),
    ]


def _annex(content: Content, writer: Writer) -> Iterable[Block]:
    yield Lines("", [writer.say("annex_says", number=content["closed"]["of"])])
    columns = [writer.say(key) for key in ("change", "what", "before", "after")]
    rows: list[list[str | Cell]] = []
    for one in content["changes"]:
        tone = {"added": "good", "removed": "bad"}.get(one["how"], "doubtful")
        kind = writer.say(f"kind_{one['what']}")
        about = described(content, one["what"], one["after"] or one["before"], writer)
        within = one["within"]
        if within is not None:
            about = f"{described(content, _outer(one['what']), within, writer)}\n{about}"
        rows.append(
            [
                Cell(f"{kind}, {writer.say('change_' + one['how'])}", tone),
                about,
                stands(content, one["what"], one["before"], writer),
                stands(content, one["what"], one["after"], writer),
            ]
        )
    yield Table(writer.say("changes"), columns, (2.6, 5, 3, 3), rows)


def _outer(what: str) -> str:
    return {"points": "rounds", "crew": "posts"}.get(what, "reports")


def described(content: Content, what: str, row: Content, writer: Writer) -> str:
    """What a row is about, in a line or two."""
    day = content.get("day", "")
    describe = _DESCRIBED.get(what)
    if describe is not None:
        return describe(row, writer, day)
    if what == "crew":
        return f"{content['people'].get(row['person_id'], '')} {writer.clock(row['from'], day)}"
    return f"{row['code']} {writer.name(row['name'])}"


def _line(*said: str) -> str:
    return " ".join(one for one in said if one)


_DESCRIBED: Mapping[str, Callable[[Content, Writer, str], str]] = {
    "rounds": lambda row, writer, day: _line(
        writer.name(row["route_name"]), writer.clock(row["planned_at"], day)
    ),
    "marks": lambda row, writer, day: writer.say(f"mark_{row['kind']}"),
    "photos": lambda row, writer, day: (
        f"{writer.moment(row['taken_at'])} · SHA-256 {row['sha256'][:16]}…"
    ),
    "alarms": lambda row, writer, day: _line(
        writer.name(row["title"]), writer.clock(row["tripped_at"], day)
    ),
    "tickets": lambda row, writer, day: _line(f"#{row['number']}", writer.name(row["title"])),
    "calls": lambda row, writer, day: writer.seconds(row["opened_at"], day),
    "timeline": lambda row, writer, day: _line(
        writer.moment(row["at"]), writer.say("step_" + row["step"]), row["text"]
    ),
    "additions": lambda row, writer, day: _line(writer.clock(row["at"], day), row["text"]),
    "hand_overs": lambda row, writer, day: _line(writer.clock(row["at"], day), row["text"]),
    "reports": lambda row, writer, day: _line(
        writer.name(row["name"]), writer.clock(row["occurred_at"], day), row["text"]
    ),
}


def stands(content: Content, what: str, row: Content | None, writer: Writer) -> str:
    """How a row stood, as far as that is what changes; empty for none."""
    if row is None:
        return ""
    day = content.get("day", "")
    if what == "points":
        said = [writer.say(f"point_{row['state']}"), writer.seconds(row["scanned_at"], day)]
        said += [writer.say("told_later")] if row["annexed"] else []
        return "\n".join(one for one in said if one)
    if what == "rounds":
        return writer.say(f"round_{row['state']}")
    if what == "marks":
        said = [writer.say(f"mark_{row['state']}"), row["answer"] or "", row["reason"] or ""]
        return "\n".join(one for one in said if one)
    if what == "crew":
        return writer.clock(row["until"], day) or writer.say("still")
    if what == "calls":
        return writer.seconds(row["acknowledged_at"], day)
    return ""
