"""Days that close by themselves, and annexes of what came later, as time has it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.channels.message import Message, Outcome
from core.clock import SimulatedClock
from core.db import Database
from core.errors import NotFound
from core.files import FileStore, files_url
from core.places import Node
from jobs.reports import Sending, annex_days, close_days
from tests.fixtures import SmallSite
from tests.jobs.conftest import make_work, settings_of
from tests.workflows.conftest import facts_of
from tests.workflows.reporting import NIGHT, TODAY, go, make_reported
from tests.workflows.walked import MINUTE, TEN
from workflows.notifications import Notice
from workflows.notifications.taking_up import take_up
from workflows.patrol.frozen import audience, closing, revoking, sending
from workflows.patrol.frozen.model import ReportClient, ReportSending
from workflows.patrol.frozen.reading import note_read


def test_a_day_closes_once_and_what_comes_later_is_told_to_its_readers(
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    work = make_work(database, clock, data_dir=tmp_path)
    reported = make_reported(database, site, FileStore(files_url(work.settings)))
    walk = reported.walk
    supervisor = walk.caller(walk.supervisor)
    go(walk, "gate")
    walk.look(TEN + 200 * MINUTE)
    assert close_days(work, NIGHT) == 0
    with database.write() as session:
        node = session.get_one(Node, site.id)
        wanted = audience.Reporting(closes_after_min=60)
        audience.set_reporting(session, supervisor, node, wanted, now=TEN)
    tries: list[Any] = []
    close = closing.close_day

    def stumble_once(*given: Any, **more: Any) -> Any:
        tries.append(given)
        if len(tries) == 1:
            raise ValueError("the font was just being replaced")
        return close(*given, **more)

    monkeypatch.setattr(closing, "close_day", stumble_once)
    with pytest.raises(ValueError, match="the font"):
        close_days(work, NIGHT)
    # The one that failed held the other back no more than itself.
    assert len(facts_of(database, "patrol_report.close")) == 1
    assert (close_days(work, NIGHT), close_days(work, NIGHT)) == (1, 0)
    assert annex_days(work, NIGHT) == 0
    report = next(one for one in reported.rows() if one.day == TODAY)
    with database.write() as session:
        note_read(session, supervisor, report.id, now=NIGHT)
    later = NIGHT + timedelta(hours=1)
    walk.scan("garage", TEN + 5 * MINUTE, told=later, channel="sync")
    made = annex_days(work, later)
    assert (made, annex_days(work, later + MINUTE)) == (1, 0)
    facts = facts_of(database, "patrol_report.annex")
    with database.write() as session:
        take_up(session, facts, now=later)
        [notice] = session.scalars(select(Notice).where(Notice.kind == "patrol_report.annex"))
        assert (notice.person_id, notice.urgency) == (walk.supervisor, "normal")
        assert notice.facts["frozen"] == facts[0].subject_id


class Letters:
    """Takes letters as a mail server does, and refuses as many as it is told to."""

    name = address_kind = "email"
    answer = "450 mailbox busy"

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.sent: list[tuple[str, Message]] = []

    def send(self, address: str, message: Message) -> Outcome:
        """Keep one letter, or refuse it."""
        if self.refuses:
            self.refuses -= 1
            return Outcome(sent=False, text=self.answer)
        self.sent.append((address, message))
        return Outcome(sent=True, text="accepted")


def test_a_client_is_sent_a_link_to_what_was_closed_and_to_its_annex(
    database: Database, site: SmallSite, clock: SimulatedClock, tmp_path: Path
) -> None:
    work = make_work(database, clock, data_dir=tmp_path)
    reported = make_reported(database, site, FileStore(files_url(work.settings)))
    walk = reported.walk
    caller = walk.caller(walk.supervisor)
    addresses = ("desk@harbour.example", "night@harbour.example")
    draft = audience.ClientDraft("Harbour Offices", "en", "initials", (), addresses)
    with database.write() as session:
        audience.create_client(session, caller, site.id, draft, now=TEN)
    walk.look(TEN + 200 * MINUTE)
    report = reported.close()
    # Without an address of ours nothing goes out, and nothing is lost.
    letters = Letters(refuses=1)
    assert Sending(settings_of(), letters).send(work, NIGHT) == 0
    sending_out = Sending(settings_of(public_url="https://wk.example/"), letters)
    assert sending_out.send(work, NIGHT) == 1
    assert sending_out.send(work, NIGHT + MINUTE) == 0
    assert sending_out.send(work, NIGHT + 31 * MINUTE) == 1
    assert sorted(address for address, _ in letters.sent) == sorted(addresses)
    told = letters.sent[0][1]
    assert told.title == "A security report is ready: RIVERSIDE-20261124"
    assert "Wei" not in f"{told}"
    secret = told.link.removeprefix("https://wk.example/r/")
    with database.read() as session:
        row, edition = sending.edition_behind(session, secret, now=NIGHT)
        assert (row.id, edition.client_id is not None) == (report, True)
        late = NIGHT + timedelta(days=91)
        for wrong, at in ((secret, late), ("wkl_nothing", NIGHT)):
            with pytest.raises(NotFound):
                sending.edition_behind(session, wrong, now=at)
        assert {one.address for one in session.scalars(select(ReportSending))} == {""}
    walk.scan("garage", TEN + 5 * MINUTE, told=NIGHT + 60 * MINUTE, channel="sync")
    assert annex_days(work, NIGHT + 61 * MINUTE) == 1
    assert sending_out.send(work, NIGHT + 62 * MINUTE) == 2
    assert letters.sent[-1][1].title.startswith("An annex to a security report is ready")
    opened = [one.link.removeprefix("https://wk.example/r/") for _, one in letters.sent]
    soon = NIGHT + 63 * MINUTE
    with database.write() as session:
        client = session.scalars(select(ReportClient.id)).one()
        revoked = [
            revoking.revoke_links(session, caller, report, client, now=soon) for _ in range(2)
        ]
    assert revoked == [4, 0]
    [fact] = facts_of(database, "patrol_report.revoke_links")
    assert (fact.subject_id, fact.after) == (str(report), {"client": str(client), "links": 4})
    with database.read() as session:
        for secret in opened:
            with pytest.raises(NotFound):
                sending.edition_behind(session, secret, now=soon)


def test_what_nobody_takes_is_given_up(
    database: Database, site: SmallSite, clock: SimulatedClock, tmp_path: Path
) -> None:
    work = make_work(database, clock, data_dir=tmp_path)
    reported = make_reported(database, site, FileStore(files_url(work.settings)))
    caller = reported.walk.caller(reported.walk.supervisor)
    draft = audience.ClientDraft("Harbour Offices", addresses=("desk@harbour.example",))
    with database.write() as session:
        audience.create_client(session, caller, site.id, draft, now=TEN)
    reported.close()
    letters = Letters(refuses=99)
    sending_out = Sending(settings_of(public_url="https://wk.example"), letters)
    for hour in range(48):
        sending_out.send(work, NIGHT + timedelta(hours=hour))
    with database.read() as session:
        [row] = session.scalars(select(ReportSending))
        assert (row.state, row.tries, row.result, row.address) == (
            "failed",
            6,
            "450 mailbox busy",
            "",
        )
    assert letters.refuses == 93


def test_an_address_that_was_taken_away_is_sent_nothing_more(
    database: Database, site: SmallSite, clock: SimulatedClock, tmp_path: Path
) -> None:
    work = make_work(database, clock, data_dir=tmp_path)
    reported = make_reported(database, site, FileStore(files_url(work.settings)))
    caller = reported.walk.caller(reported.walk.supervisor)
    draft = audience.ClientDraft("Harbour Offices", addresses=("dsek@other.example",))
    with database.write() as session:
        client = audience.create_client(session, caller, site.id, draft, now=TEN).id
    reported.close()
    letters = Letters(refuses=1)
    letters.answer = "550 <dsek@other.example> is busy"
    sending_out = Sending(settings_of(public_url="https://wk.example"), letters)
    assert sending_out.send(work, NIGHT) == 0
    with database.read() as session:
        assert session.scalars(select(ReportSending.result)).all() == ["550 <•••> is busy"]
    with database.write() as session:
        row = audience.find_client(session, caller, client)
        right = audience.ClientDraft("Harbour Offices", addresses=("desk@harbour.example",))
        audience.change_client(session, caller, row, right, now=NIGHT)
    assert sending_out.send(work, NIGHT + timedelta(hours=1)) == 0
    assert letters.sent == []
    with database.read() as session:
        [kept] = session.scalars(select(ReportSending))
        assert (kept.state, kept.address, kept.due_at) == ("failed", "", None)
