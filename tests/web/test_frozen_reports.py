"""Pages of frozen reports: a day is looked at, closed, taken along, annexed and checked."""

import hashlib
import re
from datetime import timedelta
from html import unescape

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.web.conftest import client_of, signed_in
from tests.web.patrolling import field_of, form, sent
from tests.web.rounding import night_of_rounds, tag_of_point, visit_point
from tests.web.stage import OVERHEATING, Stage
from workflows.patrol.frozen import sending
from workflows.patrol.frozen.annexing import annex
from workflows.patrol.frozen.closing import Desk
from workflows.patrol.frozen.model import FrozenReport

PUMP = "b1-pump-1"


def supervisor_of(stage: Stage, locale: str = "en") -> TestClient:
    person = stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id, locale=locale)
    return signed_in(stage, stage.secret(person, "session"))


def report_of(stage: Stage) -> FrozenReport:
    with stage.parts.database.read() as session:
        statement = select(FrozenReport).where(FrozenReport.annex == 0)
        return session.scalars(statement.order_by(FrozenReport.closed_at.desc())).first()  # type: ignore[return-value]


def read_by_link(stage: Stage) -> str:
    """Who holds a link that a client was sent reads that edition, and nothing beside it."""
    with stage.parts.database.write() as session:
        letters = sending.begin(session, base="", now=stage.parts.clock.now())
    assert len(letters) == 2
    stranger, link = TestClient(stage.app), letters[0].message.link
    page = stranger.get(link)
    assert page.status_code == 200
    assert "Sun Li" not in page.text
    assert stranger.get(f"{link}/pdf/en").content.startswith(b"%PDF")
    assert stranger.get(f"{link}/pdf/fr").status_code == 404
    assert stranger.get("/r/wkl_nothing").status_code == 404
    return link


def take_back(stage: Stage, client: TestClient, report: FrozenReport, link: str) -> None:
    """The supervisor takes the links of the client back, and this one opens nothing more."""
    page = client.get(f"/patrol-reports/{report.id}").text
    assert "2 links" in page
    revoke = re.search(r'action="(/patrol-reports/[^"]+/revoke-links)"', page)
    assert revoke is not None
    gone = sent(client, revoke[1]).text
    assert "link was taken back: 2" in gone
    assert "revoke-links" not in gone
    assert TestClient(stage.app).get(link).status_code == 404


def test_a_day_from_its_preview_to_its_annex(stage_at_noon: Stage) -> None:
    stage = stage_at_noon
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    # The night's first round, of 20 hours ago, lies on the day before.
    night_of_rounds(stage, guard)
    client, site = supervisor_of(stage), f"site={stage.site_id}"
    kept = sent(
        client,
        "/report-clients",
        site=str(stage.site_id),
        name="Harbour Offices 港务大厦",
        language="zh",
        naming="initials",
        part=["reports", "photos"],
        addresses="desk@harbour.example, night@harbour.example",
    )
    assert "2 addresses" in kept.text
    assert "Harbour Offices 港务大厦" in kept.text
    page = client.get(f"/patrol-reports?{site}").text
    assert "Not closed" in page
    preview = client.get(unescape(re.search(r'href="(/patrol-report-day[^"]+)"', page)[1])).text  # type: ignore[index]
    assert "Riverside house 1, inside" in preview
    assert "Complete rounds" in preview
    day = field_of(preview, "day")
    shown = sent(client, "/patrol-report-day/close", site=str(stage.site_id), day=day)
    report = report_of(stage)
    assert report.number in shown.text
    assert "Harbour Offices" in shown.text
    links = re.findall(r'href="(/patrol-report-editions/[^"]+)"', shown.text)
    assert len(links) == 8
    for link in links[:2]:
        first, again = client.get(link), client.get(link)
        assert first.status_code == 200
        assert first.content == again.content
        digest = hashlib.sha256(first.content).hexdigest()
        stranger = TestClient(stage.app)
        assert f"Genuine: {report.number}" in stranger.get(f"/check-report?digest={digest}").text
    take_back(stage, client, report, read_by_link(stage))
    listed = client.get(f"/patrol-reports?{site}&number={report.number[-6:]}").text
    assert "Frozen" in listed
    assert "Found by number" in listed
    assert client.get(f"/patrol-report-day?{site}&day={day}").status_code == 303
    assert (
        form(client, "/patrol-report-day/close", site=str(stage.site_id), day=day).status_code
        == 409
    )
    # A phone comes back, and tells of a point of the round of that day.
    visit_point(stage, tag_of_point("garage-ramp"), guard, timedelta(hours=19.4))
    desk = Desk(stage.parts.database, stage.parts.files, "")
    made = annex(desk, None, report.id, now=stage.parts.clock.now())
    assert made is not None
    annexed = client.get(f"/patrol-reports/{made}").text
    assert "Annex 1" in annexed
    assert "Sun Li" in annexed
    nothing = form(client, f"/patrol-reports/{report.id}/annex")
    assert nothing.status_code == 409


def test_who_checks_needs_no_account_and_learns_nothing_of_people(stage: Stage) -> None:
    stranger = TestClient(stage.app)
    assert "Is this report genuine?" in stranger.get("/check-report").text
    wrong = stranger.get("/check-report?digest=RIVERSIDE-20261124").text
    assert "This is no SHA-256" in wrong
    unknown = stranger.get(f"/check-report?digest={'0' * 64}").text
    assert "No report of ours has this digest." in unknown
    zh = stranger.get(f"/check-report?digest={'0' * 64}&lang=zh").text
    assert "没有报告与此摘要值相符" in zh


def test_an_incident_and_settings(stage: Stage) -> None:
    site, number = str(stage.site_id), stage.trip(PUMP, OVERHEATING)
    client = supervisor_of(stage)
    made = sent(client, "/patrol-incident-reports", site=site, ticket=f"#{number}")
    assert f"-T{number}" in made.text
    assert "Pump motor overheating" in made.text
    assert "Timeline" in made.text
    twice = form(client, "/patrol-incident-reports", site=site, ticket=str(number))
    assert twice.status_code == 409
    refused = form(client, "/patrol-incident-reports", site=site, ticket="999999")
    assert refused.status_code == 404
    wrong = form(client, "/report-settings", site=site, hours="many", naming="names", version="0")
    assert wrong.status_code == 422
    assert "a whole number from 0 to 72" in wrong.text
    kept = sent(client, "/report-settings", site=site, hours="10", naming="badges", version="0")
    assert 'value="10"' in kept.text
    nameless = form(client, "/report-clients", site=site, name=" ")
    assert nameless.status_code == 422
    guard = signed_in(
        stage, stage.secret(stage.person("Xu", "guard", node=stage.site_id), "session")
    )
    for page in ("/patrol-reports", "/patrol-report-day", "/report-clients"):
        assert guard.get(f"{page}?site={site}").status_code == 403
    assert client_of(stage, "auditor").get(f"/patrol-reports?site={site}").status_code == 200
