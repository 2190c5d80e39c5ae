"""Every text of the pages is in both languages, and nothing escapes the catalogue."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir

from core.badges import KINDS as BADGES
from core.devices import DEVICE
from core.expected_devices import EXPECTED
from rules.rule import PLANNED_WORK
from tests.web.stage import ROOT
from web.alarm_words import ALARM_STATE, WITHHELD_WHY
from web.event_words import EVENT
from web.import_words import FAULT, IMPORT_KIND, IMPORT_STATE, IMPORT_VIEW
from web.languages import LANGUAGES, area, catalogue, translations
from web.mark_words import MARK_ASKS, MARK_HONEST, MARK_KIND, MARK_STATE
from web.patrol_words import (
    BADGE_KIND,
    CHECKPOINT_ACTION,
    CHECKPOINT_VIEW,
    SCAN_CHANNEL,
    TAMPER,
    TOKEN_ACTION,
    TOKEN_STATE,
    WAND_ACTION,
)
from web.phone_words import FILE_STATE, PHONE_KIND, PHONE_STATE, REPORT_KIND, REPORT_STATE
from web.post_words import ORDERS_STATE, POST_WAY
from web.privacy_words import PRIVACY_WORDS
from web.round_words import ORDER_MEANS, POINT_STATE, ROUND_STATE, ROUTE_ORDER
from web.sos_words import HEARD_BY, LONE_STATE, SOS_KIND, SOS_ORIGIN, SOS_OUTCOME, SOS_STATE
from web.task_words import OFFER_STATE, PROOF_NEAR, TASK_REASON, TASK_STATE
from web.tasks_shown import PASSED_FOR
from web.words import (
    ARRIVED_BY,
    CLAIM_ACTION,
    CLAIM_KIND,
    CLAIM_STATE,
    CONTRACTOR_STATE,
    FALSE_CAUSE,
    PART,
    RESIDENT_STATE,
    RESIDENT_STEP,
    ROLE,
    SEVERITY,
    STICKER_WHAT,
    TICKET_ACTION,
    TICKET_KIND,
    TICKET_STATE,
    VERDICT,
)
from workflows.alarms import ALARM, WITHHOLDING
from workflows.alarms.planned_work import PLANNED
from workflows.alarms.walk_tests.model import WALK_TEST
from workflows.customers.progress import KINDS as KINDS_TOLD
from workflows.customers.stickers import WHAT
from workflows.intake import IMPORT
from workflows.intake.choices import CHOICES
from workflows.intake.faults import TEXTS
from workflows.intake.plan import ACTIONS
from workflows.intake.plan import KINDS as IMPORTED
from workflows.patrol import CHANNELS, CHECKPOINT, TOKEN, VIEWS, WandPlan
from workflows.patrol.frozen.model import CLIENT as REPORT_CLIENT
from workflows.patrol.honesty import KINDS as MARK_KINDS
from workflows.patrol.honesty import MARK
from workflows.patrol.journal.model import FILE
from workflows.patrol.lone import PLAN as LONE_PLAN
from workflows.patrol.lone import SIGNS, WATCH
from workflows.patrol.phones.model import KINDS as PHONE_KINDS
from workflows.patrol.phones.model import PHONE
from workflows.patrol.posts.model import DUTY, POST
from workflows.patrol.posts.model import ORDERS as POST_ORDERS
from workflows.patrol.posts.model import WAYS as WAYS_TO_POSTS
from workflows.patrol.privacy.looking import REASONS as LOOKED_WHY
from workflows.patrol.privacy.looking import WHAT as LOOKED_AT
from workflows.patrol.privacy.texts import PURPOSES
from workflows.patrol.reports.choices import choices
from workflows.patrol.reports.model import REPORT
from workflows.patrol.rounds import ORDERS, POINT_STATES
from workflows.patrol.rounds.closing import WITHOUT_POSITIONS
from workflows.patrol.rounds.model import PLAN, ROUND, ROUTE
from workflows.patrol.sun import Tamper
from workflows.patrol.tasks import GUARD_OFFER, GUARD_TASK, REASONS
from workflows.patrol.tasks.places import AROUND, BESIDE, SAME_SPACE
from workflows.tickets import FALSE_CAUSES, KINDS, PRIORITIES, TICKET, VERDICTS
from workflows.tickets.contractors import CLAIM, CONTRACTOR_LINK
from workflows.tickets.contractors.claims import KINDS as CLAIM_KINDS
from workflows.tickets.contractors.coming import WAYS
from workflows.tickets.sos import KINDS as SOS_KINDS
from workflows.tickets.sos import ORIGINS, OUTCOMES, SOS

WEB = ROOT / "web"
METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("assets/src/guard.ts", "javascript"),
    ("assets/src/guard/**.ts", "javascript"),
]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
SAID = {"worded": None}
# Not words: the product's name, the two languages in their own, commands to type.
SAME_IN_ALL = {"Watchkeeper", "YAML", "English", "中文"}
SUBJECTS = {"site", "node", "space", "asset", "device", "point", "source", "rule"} | {
    "quarantine",
    "ingest",
    "alarm",
    "withholding",
    "planned_work",
    "ticket",
    "invitation",
    "credential",
    "person",
    "contractor_link",
    "contractor_claim",
    "sticker",
    "view",
    "import",
    "sound",
    "floor_plan",
    "checkpoint",
    "checkpoint_token",
    "badge",
    "scan",
    "route",
    "round_plan",
    "round",
    "post",
    "post_duty",
    "post_orders",
    "statute",
    "phone",
    "guard_report",
    "guard_file",
    "sos",
    "lone_worker",
    "lone_plan",
    "patrol_mark",
    "track",
    "guard_task",
    "guard_offer",
    "patrol_report",
    "report_client",
    "report_settings",
    "consent",
    "walk_test",
    "expected_device",
    "device_profile",
}
LIFECYCLES = [ALARM, WITHHOLDING, PLANNED, TICKET, DEVICE, CONTRACTOR_LINK, CLAIM, IMPORT]
LIFECYCLES += [CHECKPOINT, TOKEN, ROUTE, PLAN, ROUND, POST, DUTY, POST_ORDERS]
LIFECYCLES += [PHONE, REPORT, FILE, SOS, LONE_PLAN, WATCH, MARK, GUARD_TASK, GUARD_OFFER]
LIFECYCLES += [REPORT_CLIENT]
LIFECYCLES += [WALK_TEST, EXPECTED]
NOT_EVENTS = {"id", "name", "locale", "left_at", "series", "read", "write"}


def used() -> set[str | tuple[str, ...]]:
    found = list(extract_from_dir(str(WEB), METHODS, keywords=KEYWORDS, options_map={}))
    # Below the pages nothing is translated; what is said there keeps its template.
    for room in ("rules", "core", "workflows", "api"):
        found += extract_from_dir(str(ROOT / room), METHODS[:1], keywords=SAID, options_map={})
    return {message for _file, _line, message, _comments, _context in found}


def test_every_text_of_the_guards_app_is_found() -> None:
    # The extractor knows JavaScript, of which it misses what stands within a template literal.
    sources = (WEB / "assets" / "src").glob("guard/**/*.ts")
    said = {text for path in sources for text in re.findall(r'\b_\(\s*"([^"]+)"', path.read_text())}
    assert said
    assert said <= set(area("guard"))


def messages(language: str) -> dict[str | tuple[str, ...], Message]:
    return {
        tuple(message.id) if message.pluralizable else str(message.id): message
        for message in catalogue(language)
        if message.id
    }


def strings(message: Message) -> list[str]:
    found = message.string if isinstance(message.string, list | tuple) else [message.string]
    return [str(text or "") for text in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_holds_exactly_the_texts_in_use(language: str) -> None:
    assert set(messages(language)) == used()


def test_every_text_is_in_chinese() -> None:
    for text, message in messages("zh").items():
        assert all(strings(message)), text
        assert not message.fuzzy, text


def test_chinese_keeps_every_placeholder() -> None:
    pattern = re.compile(r"%\(\w+\)s|\{\w+\}")
    for text, message in messages("zh").items():
        source = text if isinstance(text, str) else text[-1]
        for translated in strings(message):
            assert sorted(pattern.findall(translated)) == sorted(pattern.findall(source)), text


# A sentence of ours, what only asks whether the next one follows, and its beginning.
_TAGS = r"(?:\{% (?:if|elif|else|endif)\b[^%]*%\})*"
_ENDS = r'"([^"]*[.!?…])"[^"{}]*\) \}\}'
BARE = re.compile(rf"{_ENDS}{_TAGS} {_TAGS}\{{\{{ (?:_|ngettext)\(")
JOINED = re.compile(rf"{_ENDS}{_TAGS}\{{\{{ reader\.gap \}}\}}")


def test_between_two_sentences_stands_the_gap_of_the_language() -> None:
    joined = 0
    for path in sorted((WEB / "templates").rglob("*.html")):
        template = path.read_text(encoding="utf-8")
        assert BARE.search(template) is None, path.name
        for text in JOINED.findall(template):
            joined += 1
            told = translations("zh").gettext(text)
            # Of a plural it is the second text, under which the catalogue has nothing.
            assert told == text or told[-1] in "。！？；：…", text
    assert joined > 10


def words_outside_the_catalogue(template: str) -> Iterator[str]:
    # The block of that name holds attributes.
    text = re.sub(r"\{% block body %\}.*?\{% endblock %\}", " ", template, flags=re.S)
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.S)
    text = re.sub(r"<(code)\b.*?</\1>", " ", text, flags=re.S)
    for attribute in re.findall(r'\b(?:aria-label|title|placeholder|alt|label)="([^"]*)"', text):
        yield from re.findall(r"[^\W\d_]{2,}", attribute)
    for words in re.findall(r">([^<]*)<", f">{text}<"):
        yield from re.findall(r"[^\W\d_]{2,}", words)


def test_no_template_holds_a_text_of_its_own() -> None:
    for path in sorted((WEB / "templates").rglob("*.html")):
        found = set(words_outside_the_catalogue(path.read_text(encoding="utf-8")))
        assert found <= SAME_IN_ALL, path.name


@pytest.mark.parametrize(
    "template", ["<p>Hello {{ name }}</p>", '<a title="Go there">{{ x }}</a>', "<b>你好</b>"]
)
def test_a_text_outside_the_catalogue_is_found(template: str) -> None:
    assert list(words_outside_the_catalogue(template))


def events_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            subject, dot, verb = node.value.partition(".")
            known = subject in SUBJECTS and verb not in NOT_EVENTS
            if dot and known and re.fullmatch(r"[a-z_]*[a-z]", verb):
                yield node.value


def test_every_kind_of_event_has_a_word() -> None:
    rooms = ("core", "workflows", "ingest", "jobs")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    kinds = {kind for path in files for kind in events_in(path)}
    kinds |= {f"{table.name}.{move}" for table in LIFECYCLES for move in table.moves}
    assert kinds
    # Of these two the code writes the beginning alone.
    kinds |= {f"round.point_{state}" for state in ("unknown", "missed")}
    assert kinds <= set(EVENT)


def test_every_status_action_and_kind_has_a_word() -> None:
    assert set(TICKET.statuses) == set(TICKET_STATE)
    assert set(TICKET.moves) == set(TICKET_ACTION)
    assert set(ALARM.statuses) == set(ALARM_STATE)
    assert {"shelved", "out_of_service", "inhibited", "walk_test", *PLANNED_WORK} == set(
        WITHHELD_WHY
    )
    assert set(KINDS) == set(TICKET_KIND)
    assert set(VERDICTS) == set(VERDICT)
    assert set(FALSE_CAUSES) == set(FALSE_CAUSE)
    assert {"ok", *PRIORITIES} == set(SEVERITY)
    assert {*CONTRACTOR_LINK.statuses, "back"} == set(CONTRACTOR_STATE)
    assert set(CLAIM.statuses) == set(CLAIM_STATE)
    assert set(CLAIM.moves) == set(CLAIM_ACTION)
    assert set(CLAIM_KINDS) == set(CLAIM_KIND)
    assert set(TICKET.statuses) == set(RESIDENT_STATE)
    assert set(KINDS_TOLD) == set(RESIDENT_STEP)
    assert set(WAYS) == set(ARRIVED_BY)
    assert set(WHAT) == set(STICKER_WHAT)


PRODUCT = ("api", "core", "ingest", "jobs", "watchkeeper", "web", "workflows")


def parts() -> Iterator[str]:
    """Names of parts that the product reports on, or has watched."""
    for room in PRODUCT:
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text()
            yield from re.findall(r"health\.(?:report|watch)\(\s*\"([^\"]+)\"", text)
            if re.search(r"\bPART\)|\bPART,", text):
                yield from re.findall(r"^PART = \"([^\"]+)\"", text, re.M)


def test_every_part_whose_health_is_shown_has_a_word() -> None:
    found = set(parts())
    assert {"telemetry spool", "database", "broker queue", "jobs", "clock"} <= found
    assert found <= PART.keys()


def test_everything_about_imports_has_a_word() -> None:
    assert dict(FAULT) == dict(TEXTS)
    assert set(IMPORT_STATE) == set(IMPORT.statuses)
    assert set(IMPORT_KIND) == set(IMPORTED)
    assert set(IMPORT_VIEW) == {*ACTIONS, "refused", "kept"}


def test_everything_about_patrols_has_a_word() -> None:
    assert set(CHECKPOINT_ACTION) == set(CHECKPOINT.moves)
    assert set(CHECKPOINT_VIEW) == set(VIEWS)
    assert set(TOKEN_STATE) == set(TOKEN.statuses)
    assert set(TOKEN_ACTION) == set(TOKEN.moves)
    assert set(SCAN_CHANNEL) == set(CHANNELS)
    assert set(BADGE_KIND) == set(BADGES)
    assert set(WAND_ACTION) == set(WandPlan([], []).counts)
    assert set(TAMPER) == {each.value for each in Tamper}


def test_everything_about_rounds_has_a_word() -> None:
    assert set(ROUND_STATE) == {*ROUND.statuses, "ready", "late", "waiting"}
    assert set(POINT_STATE) == set(POINT_STATES)
    assert set(ROUTE_ORDER) == set(ORDER_MEANS) == set(ORDERS)


def test_everything_about_posts_has_a_word() -> None:
    assert set(POST_WAY) == set(WAYS_TO_POSTS)
    assert set(ORDERS_STATE) == set(POST_ORDERS.statuses)


def test_everything_about_calls_for_help_has_a_word() -> None:
    assert set(SOS_STATE) == set(SOS.statuses)
    assert set(SOS_KIND) == set(SOS_KINDS)
    assert set(SOS_ORIGIN) == set(ORIGINS)
    assert set(SOS_OUTCOME) == set(OUTCOMES)
    assert set(LONE_STATE) == set(WATCH.statuses)
    assert set(HEARD_BY) == set(SIGNS)


def test_everything_about_tasks_for_guards_has_a_word() -> None:
    assert set(TASK_STATE) == set(GUARD_TASK.statuses)
    assert set(OFFER_STATE) == set(GUARD_OFFER.statuses)
    assert {*REASONS, "needed", "sent"} == set(TASK_REASON)
    assert set(PASSED_FOR) == set(REASONS)
    assert {SAME_SPACE, AROUND, BESIDE} == set(PROOF_NEAR)


def test_everything_about_privacy_has_a_word() -> None:
    assert set(PRIVACY_WORDS["looked_at"]) == set(LOOKED_AT)
    assert set(PRIVACY_WORDS["looked_why"]) == set(LOOKED_WHY)
    assert set(PRIVACY_WORDS["agreed_to"]) == set(PURPOSES)
    assert set(PRIVACY_WORDS["point_reason"]) == {WITHOUT_POSITIONS}


def test_everything_about_phones_has_a_word() -> None:
    assert set(PHONE_KIND) == set(PHONE_KINDS)
    assert set(PHONE_STATE) == set(PHONE.statuses)
    assert set(REPORT_STATE) == set(REPORT.statuses)
    assert set(REPORT_KIND) == {choice.kind for choice in choices().values()}
    assert set(FILE_STATE) == set(FILE.statuses)


def test_cells_take_the_words_that_the_console_shows() -> None:
    for group, words in (("criticality", SEVERITY), ("role", ROLE)):
        for code, text in CHOICES[group].items():
            assert text.en == words[code]
            assert text.zh == translations("zh").gettext(words[code])


def test_everything_about_marks_has_a_word() -> None:
    assert set(MARK_STATE) == set(MARK.statuses)
    assert set(MARK_KIND) == set(MARK_ASKS) == set(MARK_HONEST) == set(MARK_KINDS)
