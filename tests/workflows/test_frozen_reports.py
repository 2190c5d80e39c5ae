"""Reports of days: what they say, that they stay as they were, and what comes later."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.channels.message import Outcome
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.files import FileStore
from core.ids import new_id
from core.paging import Wish
from core.people import Person
from core.places import Node
from tests.fixtures import NOON, SmallSite
from tests.workflows.calling import make_scene
from tests.workflows.conftest import employ, facts_of
from tests.workflows.reporting import DAY, NIGHT, TODAY, Reported, go, make_reported
from tests.workflows.walked import MINUTE, TEN
from workflows.patrol.frozen import sending
from workflows.patrol.frozen.annexing import annex, reports_to_look_at
from workflows.patrol.frozen.audience import (
    ClientDraft,
    Reporting,
    change_client,
    create_client,
    days_to_close,
    find_client,
    move_client,
    set_reporting,
)
from workflows.patrol.frozen.closing import Desk, close_day, close_incident
from workflows.patrol.frozen.day import day_at, gather_day
from workflows.patrol.frozen.model import PARTS, FrozenReport
from workflows.patrol.frozen.reading import (
    ReportFilter,
    check_digest,
    describe_frozen,
    find_file,
    list_frozen,
    note_read,
)
from workflows.patrol.honesty.model import PatrolMark
from workflows.patrol.rounds import Round
from workflows.patrol.rounds.closing import WITHOUT_POSITIONS
from workflows.patrol.rounds.model import RoundPoint
from workflows.tickets.sos import Sos

SETTLED = TEN + 200 * MINUTE


@pytest.fixture
def reported(database: Database, site: SmallSite, tmp_path: Path) -> Reported:
    return make_reported(database, site, FileStore(str(tmp_path / "files")))


def client_of(
    reported: Reported,
    naming: str = "initials",
    parts: tuple[str, ...] = PARTS,
    addresses: tuple[str, ...] = (),
) -> UUID:
    caller = reported.walk.caller(reported.walk.supervisor)
    draft = ClientDraft("Harbour Offices", "zh", naming, parts, addresses)
    with reported.database.write() as session:
        return create_client(session, caller, reported.walk.site.id, draft, now=NOON).id


def call_for_help(reported: Reported, at: datetime, kind: str) -> None:
    with reported.database.write() as session:
        session.add(
            Sos(
                id=UUID(int=at.minute + 1),
                site_id=reported.walk.site.id,
                state="over",
                kind=kind,
                origin="phone",
                person_id=reported.walk.guard,
                opened_at=at,
                last_press_at=at,
                ended_at=at + MINUTE,
                outcome="real",
            )
        )


def question(reported: Reported, at: datetime) -> UUID:
    with reported.database.write() as session:
        row = PatrolMark(
            site_id=reported.walk.site.id,
            round_id=reported.walk.first,
            person_id=reported.walk.guard,
            kind="speed",
            scans=[],
            evidence=[],
            made_at=at,
        )
        session.add(row)
        session.flush()
        return row.id


def test_a_day_is_told_in_both_languages_and_stays_as_it_was_closed(reported: Reported) -> None:
    walk = reported.walk
    reported.guarded.let_in(walk.guard, NOON)
    go(walk, "gate", "garage")
    reported.report(TEN, "Water runs down the wall, call 138 1234 5678", photos=2)
    call_for_help(reported, TEN, "open")
    call_for_help(reported, TEN + MINUTE, "silent")
    question(reported, TEN)
    client = client_of(reported)
    walk.look(SETTLED)
    report = reported.close()
    kept = reported.bytes_of(report)
    assert len(kept) == 8
    house = reported.pdf(report)
    for said in ("RIVERSIDE-20261124", "66 %", "2 of 3", "short by 12 h 0 min", "138 1234 5678"):
        assert said in house, said
    assert "Too fast from point to point" in house
    zh = reported.pdf(report, "zh")
    assert "安保服务日报" in zh
    assert "漏巡" in zh
    edition = reported.editions(report)[None]
    assert edition.digest in house.replace("\r\n", "")
    sheets = reported.sheets(report, "zh")
    assert ["大门 (gate)", "已巡", "22:00:00"] in [row[1:4] for row in sheets["巡更"]]
    # What a client reads names nobody and holds no number; of silent calls nobody reads anything.
    outside = reported.pdf(report, "en", client)
    assert "Harbour Offices" in outside
    assert "W." in outside
    assert "Wei" not in outside
    assert "5678" not in outside
    for content in (edition.content, reported.editions(report)[client].content):
        assert [one["opened_at"] for one in content["calls"]] == [TEN.isoformat()]
    with pytest.raises(Conflict):
        reported.close()
    assert reported.bytes_of(report) == kept


def test_what_a_late_sync_tells_is_an_annex_and_its_readers_are_told(reported: Reported) -> None:
    walk = reported.walk
    go(walk, "gate")
    client = client_of(reported, parts=())
    walk.look(SETTLED)
    report = reported.close()
    kept = reported.bytes_of(report)
    with reported.database.write() as session:
        note_read(session, walk.caller(walk.supervisor), report, now=NIGHT)
        note_read(session, walk.caller(walk.supervisor), report, now=NIGHT + MINUTE)
    assert annex(reported.desk, None, report, now=NIGHT + MINUTE) is None
    later = NIGHT + 60 * MINUTE
    with reported.database.read() as session:
        assert reports_to_look_at(session, now=later) == ([], [report])
    walk.scan("garage", TEN + 5 * MINUTE, told=later, channel="sync")
    reported.report(TEN + 6 * MINUTE, "Lamp out", photos=1)
    with reported.database.read() as session:
        assert reports_to_look_at(session, now=later) == ([report], [])
    made = annex(reported.desk, None, report, now=later)
    assert made is not None
    told = reported.pdf(made)
    assert "Annex 1 to RIVERSIDE-20261124" in told
    assert "told after the round was closed" in told
    assert "Lamp out" in told
    # The client reads no reports: theirs tells of the scan alone.
    changed = reported.editions(made)[client].content["changes"]
    assert [(one["what"], one["how"]) for one in changed] == [("points", "changed")]
    assert reported.bytes_of(report) == kept
    [fact] = facts_of(reported.database, "patrol_report.annex")
    assert fact.after is not None
    assert fact.after["people"] == [str(walk.supervisor)]
    assert annex(reported.desk, None, report, now=later + MINUTE) is None
    # A second one continues the first.
    walk.scan("roof", TEN + 8 * MINUTE, told=later + 2 * MINUTE, channel="sync")
    second = annex(reported.desk, None, report, now=later + 3 * MINUTE)
    assert second is not None
    assert [one.number for one in reported.rows()][1:] == [
        "RIVERSIDE-20261124-A1",
        "RIVERSIDE-20261124-A2",
    ]
    assert len(reported.editions(second)[None].content["changes"]) == 1
    with reported.database.read() as session:
        shown = describe_frozen(session, walk.caller(walk.supervisor), made)
    assert (shown["id"], shown["state"], len(shown["annexes"])) == (report, "annexed", 2)


def test_an_answer_and_a_decision_of_later_are_annexed(reported: Reported) -> None:
    walk = reported.walk
    go(walk, "gate", "garage", "roof")
    mark = question(reported, TEN)
    report = reported.close()
    # What goes on at the site on other days is no reason to gather this one anew.
    later = NIGHT + 10 * MINUTE
    for subject, looked in (("round", []), ("patrol_mark", [report])):
        about = new_id() if subject == "round" else mark
        with reported.database.write() as session:
            events.append(
                session,
                f"{subject}.change",
                (subject, about),
                actor=events.SYSTEM,
                learned_at=later,
                site_id=walk.site.id,
            )
        with reported.database.read() as session:
            assert reports_to_look_at(session, now=later)[0] == looked
    with reported.database.write() as session:
        row = session.get_one(PatrolMark, mark)
        row.state, row.decided_by, row.decided_at = "dismissed", walk.supervisor, NIGHT
    made = annex(reported.desk, None, report, now=NIGHT + MINUTE)
    assert made is not None
    assert "dismissed" in reported.pdf(made)


def test_an_empty_day_says_so(reported: Reported) -> None:
    before = TODAY - DAY
    report = reported.close(day=before)
    told = reported.pdf(report)
    assert "No rounds were due and nothing was reported" in told
    assert "nothing was due" in told
    assert "当日无应巡任务" in reported.pdf(report, "zh")


def test_a_day_that_is_not_over_is_not_closed_nor_by_who_may_not(reported: Reported) -> None:
    walk = reported.walk
    with pytest.raises(Invalid):
        reported.close(now=TEN)
    guard = walk.caller(walk.guard)
    with pytest.raises(NotAllowed):
        close_day(reported.desk, guard, walk.site.id, TODAY, now=NIGHT)
    auditor = walk.caller(employ(reported.database, walk.site.id, "auditor"))
    with pytest.raises(NotAllowed):
        close_day(reported.desk, auditor, walk.site.id, TODAY, now=NIGHT)
    report = reported.close()
    with reported.database.read() as session:
        assert describe_frozen(session, auditor, report)["number"] == "RIVERSIDE-20261124"
        with pytest.raises(NotFound):
            describe_frozen(session, guard, report)
        edition = reported.editions(report)[None].id
        with pytest.raises(NotFound):
            find_file(session, guard, edition, "pdf", "en")
        with pytest.raises(NotFound):
            find_file(session, auditor, edition, "pdf", "fr")
        wish = Wish(10, None)
        assert list_frozen(session, guard, ReportFilter(), wish).items == []
        found = list_frozen(session, auditor, ReportFilter(number="20261124"), wish).items
        assert [one["state"] for one in found] == ["closed"]
        assert list_frozen(session, auditor, ReportFilter(state="annexed"), wish).items == []


def test_days_of_a_clock_that_changes_are_told_as_long_as_they_are(reported: Reported) -> None:
    with reported.database.write() as session:
        session.get_one(Node, reported.walk.site.id).time_zone = "Europe/Berlin"
    with reported.database.read() as session:
        site = session.get_one(Node, reported.walk.site.id)
        spring, autumn = (day_at(site, day) for day in (date(2026, 3, 29), date(2026, 10, 25)))
        assert (spring.hours, autumn.hours) == (23, 25)
        assert autumn.start == datetime(2026, 10, 24, 22, tzinfo=UTC)
        content = gather_day(session, autumn, now=NOON)
        # A post that is to be manned all day is so for every one of its hours.
        assert [one["to_man_min"] for one in content["posts"]] == [25 * 60]
    report = reported.close(day=date(2026, 10, 25))
    assert "25 hours: the clock changed" in reported.pdf(report)
    assert "25 小时" in reported.pdf(report, "zh")


def test_a_digest_tells_which_report_it_is_of(reported: Reported) -> None:
    report = reported.close()
    edition = reported.editions(report)[None]
    content = reported.bytes_of(report)[None, "pdf-zh"]
    with reported.database.read() as session:
        for digest, what in (
            (edition.digest, "content"),
            (hashlib.sha256(content).hexdigest().upper(), "pdf-zh"),
        ):
            found = check_digest(session, f" {digest[:20]} {digest[20:]}\n")
            assert found is not None
            assert (found.number, found.what, found.annexes) == ("RIVERSIDE-20261124", what, 0)
        assert check_digest(session, hashlib.sha256(content + b" ").hexdigest()) is None
        with pytest.raises(Invalid):
            check_digest(session, "RIVERSIDE-20261124")


def test_two_who_close_a_day_at_once_make_one_report(reported: Reported) -> None:
    class Twice(FileStore):
        """A store in which somebody else closes the day meanwhile."""

        done = False

        def put(self, content: bytes) -> str:
            if not Twice.done:
                Twice.done = True
                reported.close()
            return super().put(content)

    desk = reported.desk
    slow = type(desk)(desk.database, Twice(str(reported.files._root)), desk.base)
    caller = reported.walk.caller(reported.walk.supervisor)
    with pytest.raises(Conflict):
        close_day(slow, caller, reported.walk.site.id, TODAY, now=NIGHT)
    with reported.database.read() as session:
        assert session.scalar(select(func.count(FrozenReport.id))) == 1
    assert len(facts_of(reported.database, "patrol_report.close")) == 1


def test_a_day_closes_by_itself_so_long_after_its_end_and_none_before_that_was_set(
    reported: Reported,
) -> None:
    walk = reported.walk
    caller = walk.caller(walk.supervisor)
    with reported.database.write() as session:
        site = session.get_one(Node, walk.site.id)
        set_reporting(session, caller, site, Reporting(600, "initials"), now=TEN)
    with reported.database.read() as session:
        yesterday = [(walk.site.id, TODAY - DAY)]
        assert days_to_close(session, now=TEN) == yesterday
        ends = datetime(2026, 11, 24, 16, tzinfo=UTC)
        almost = ends + timedelta(minutes=599)
        assert days_to_close(session, now=almost) == yesterday
        both = [*yesterday, (walk.site.id, TODAY)]
        assert days_to_close(session, now=almost + MINUTE) == both
        with pytest.raises(Invalid):
            set_reporting(session, caller, site, Reporting(-1, "nickname"), now=TEN)
    go(walk, "gate")
    report = close_day(reported.desk, None, walk.site.id, TODAY, now=NIGHT)
    assert "by itself" in reported.pdf(report)
    assert "Wei" not in reported.pdf(report)


def test_a_client_that_has_ended_is_told_nothing_more(reported: Reported) -> None:
    walk = reported.walk
    addresses = tuple(f"{one}@harbour.example" for one in ("desk", "night"))
    client = client_of(reported, "nobody", addresses=addresses)
    first = reported.close(day=TODAY - DAY)
    assert client in reported.editions(first)
    caller = walk.caller(walk.supervisor)
    with reported.database.write() as session:
        letters = sending.begin(session, base="", now=NIGHT)
        sending.finish(session, letters[0].sending_id, Outcome(True, "accepted"), now=NIGHT)
    links = [letter.message.link.removeprefix("/r/") for letter in letters]
    with reported.database.read() as session:
        opened = [sending.edition_behind(session, link, now=NIGHT)[0].id for link in links]
    assert opened == [first, first]
    for action in ("end", "resume"):
        with reported.database.write() as session:
            row = find_client(session, caller, client)
            move_client(session, caller, row, action, now=NIGHT)
            # The second letter was under way meanwhile, and is not tried again.
            sending.finish(session, letters[1].sending_id, Outcome(False, "450 busy"), now=NIGHT)
            for link in links:
                with pytest.raises(NotFound):
                    sending.edition_behind(session, link, now=NIGHT)
            assert not sending.any_due(session, now=NIGHT + DAY)
        if action == "end":
            second = reported.close()
    assert set(reported.editions(second)) == {None}
    [fact] = facts_of(reported.database, "report_client.end")
    assert (fact.after or {})["links_closed"] == 2


def test_how_a_client_is_told_is_no_news_of_a_day(reported: Reported) -> None:
    walk = reported.walk
    client = client_of(reported, "names", ("reports",))
    go(walk, "gate")
    reported.report(TEN, "Wei and I stood by the gate", photos=1)
    walk.look(SETTLED)
    report = reported.close()
    caller = walk.caller(walk.supervisor)
    with reported.database.write() as session:
        for one in session.scalars(select(Person).where(Person.id == walk.guard)):
            one.name = "Wei"
        row = find_client(session, caller, client)
        wanted = ClientDraft("Harbour Offices", "en", "nobody", ("reports", "photos"))
        change_client(session, caller, row, wanted, now=NIGHT)
    later = NIGHT + 60 * MINUTE
    walk.scan("garage", TEN + 5 * MINUTE, told=later, channel="sync")
    made = annex(reported.desk, None, report, now=later)
    assert made is not None
    told = reported.editions(made)[client].content
    assert [(one["what"], one["how"]) for one in told["changes"]] == [("points", "changed")]
    assert "Wei" not in str(told["reports"])


def test_a_client_does_not_read_who_agreed_to_be_located(reported: Reported) -> None:
    walk = reported.walk
    client = client_of(reported)
    walk.look(SETTLED)
    with reported.database.write() as session:
        for point in session.scalars(select(RoundPoint)):
            point.state, point.reason = "excused", WITHOUT_POSITIONS
    report = reported.close()
    assert "执行人无其他打点方式" in reported.pdf(report, "zh").replace("\r\n", "")
    outside = reported.editions(report)[client].content
    assert {point["reason"] for one in outside["rounds"] for point in one["points"]} == {""}


def test_three_hundred_photos_stay_small(reported: Reported) -> None:
    for number in range(15):
        reported.report(TEN + number * MINUTE, photos=20, colour="navy")
    report = reported.close()
    files = reported.editions(report)[None].files
    assert all(file["size"] < 12_000_000 for file in files.values())
    assert reported.pdf(report).count("SHA-256") > 300


def test_names_are_kept_out_of_the_log(reported: Reported) -> None:
    reported.close()
    [fact] = facts_of(reported.database, "patrol_report.close")
    assert fact.actor_id == str(reported.walk.supervisor)
    assert "Wei" not in str(fact.after)
    with reported.database.read() as session:
        assert session.scalar(select(func.count(Round.id)))
        assert session.scalar(select(func.count(events.Event.seq)))


def test_the_report_of_a_silent_call_is_for_who_hears_of_it(
    database: Database, site: SmallSite, tmp_path: Path
) -> None:
    scene = make_scene(database, site)
    desk = Desk(database, FileStore(str(tmp_path / "files")), "")
    _, row = scene.press(kind="silent")
    leader = scene.caller(scene.people["supervisor"])
    with pytest.raises(Conflict):
        close_incident(desk, leader, ("ticket", row.id), now=NOON + MINUTE)
    scene.step("end", row.id, leader.person_id, NOON + MINUTE, "real", "She is well")
    with pytest.raises(Conflict):
        close_incident(desk, leader, ("ticket", row.id), clients=[row.id], now=NOON + 2 * MINUTE)
    report = close_incident(desk, leader, ("ticket", row.id), now=NOON + 2 * MINUTE)
    auditor = employ(database, site.company_id, "auditor")
    with database.read() as session:
        for caller, seen in ((leader, [report]), (scene.caller(auditor), [])):
            page = list_frozen(session, caller, ReportFilter(), Wish(10))
            assert [one["id"] for one in page.items] == seen
        with pytest.raises(NotFound):
            describe_frozen(session, scene.caller(auditor), report)
