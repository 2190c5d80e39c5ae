"""What an incident report says, laid out in one language."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.papers.document import Block, Lines, Signatures, Table
from workflows.patrol.frozen.daily import called, photo_blocks, reports_table
from workflows.patrol.frozen.words import Writer

Content = Mapping[str, Any]


def incident_facts(content: Content, writer: Writer) -> list[tuple[str, str]]:
    """What happened, where and when."""
    about = content["about"]
    facts = [
        (writer.say("what"), writer.name(about["title"])),
        (writer.say("where"), writer.name(about["place"]) or writer.say("no_place")),
        (writer.say("happened"), writer.moment(about["happened_at"])),
        (writer.say("learned"), writer.moment(about["learned_at"])),
    ]
    if about["number"] is not None:
        facts.append((writer.say("ticket"), f"#{about['number']}"))
    if about["priority"]:
        facts.append((writer.say("priority"), writer.say(f"priority_{about['priority']}")))
    return facts


def incident_blocks(content: Content, writer: Writer) -> list[Block]:
    """The parts of an incident report."""
    about = content["about"]
    made: list[Block] = []
    if about["text"]:
        made.append(Lines(writer.say("description"), about["text"].splitlines()))
    made += _timeline(content, writer)
    made += _involved(content, writer)
    if content["reports"]:
        made.append(reports_table(content, content["reports"], writer))
    made += photo_blocks(_with_own_photos(content), writer)
    made.append(_evidence(content, writer))
    roles = [writer.say(key) for key in ("signed_guard", "signed_supervisor", "signed_client")]
    made.append(Signatures(writer.say("signatures"), roles, writer.say("signed_on")))
    return made


def _with_own_photos(content: Content) -> list[Content]:
    """The reports, and the photos of the ticket as if they were one more."""
    reports = list(content["reports"] or [])
    if content["photos"]:
        about = content["about"]
        own = {
            "checkpoint_code": None,
            "checkpoint_name": about["place"],
            "name": about["title"],
            "photos": content["photos"],
        }
        reports.append(own)
    return reports


def _timeline(content: Content, writer: Writer) -> Iterable[Table]:
    rows = [
        [
            writer.moment(one["at"]),
            writer.say(f"step_{one['step']}"),
            called(content, one["person_id"]) or one["by"],
            one["text"],
        ]
        for one in content["timeline"]
    ]
    columns = [writer.say(key) for key in ("time", "what", "person", "remark")]
    yield Table(writer.say("timeline"), columns, (2.4, 3, 2.2, 6), rows)


def _involved(content: Content, writer: Writer) -> Iterable[Table]:
    rows = [
        [
            called(content, one["person_id"]),
            ", ".join(writer.say(f"as_{each}") for each in one["as"]),
        ]
        for one in content["involved"]
    ]
    if rows:
        columns = [writer.say("person"), writer.say("as_what")]
        yield Table(writer.say("involved"), columns, (3, 7), rows)


def _evidence(content: Content, writer: Writer) -> Lines:
    photos = sum(len(one["photos"]) for one in _with_own_photos(content))
    said = [writer.say("evidence_photos", n=photos)] if photos else []
    if content["readings"]:
        said.append(writer.say("evidence_readings", n=content["readings"]))
    said.append(writer.say("evidence_log", n=len(content["timeline"])))
    return Lines(writer.say("evidence"), said)
