"""Saying it instead of writing it, and naming colleagues, in browsers without scripts."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.ids import new_id
from tests.pictures import heic, photo
from tests.voices import long_webm, sample
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_guests import form_of, guest, put_up
from workflows import notifications
from workflows.tickets.model import TicketMention, TicketPhoto, TicketVoice

PUMP = "b1-pump-1"
VOICE = ("voice.webm", sample("chromium.webm"), "audio/webm")


def send(
    client: TestClient, address: str, files: dict[str, tuple[str, bytes, str]], **fields: str
) -> tuple[int, str]:
    """Send a form with files; its status, and where it leads or what it says."""
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), **fields}
    answer = client.post(address, data=form, files=files or {"voice": ("", b"", "")})
    return answer.status_code, answer.headers.get("location", answer.text)


def voices(stage: Stage) -> list[TicketVoice]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(TicketVoice)))


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Listen to the voice note"), ("zh", "详见语音留言")],
)
def test_a_ticket_is_opened_with_a_photo_and_a_voice_and_no_word(
    stage: Stage, language: str, title: str
) -> None:
    client = client_of(stage, "guard", locale=language)
    address = f"/new-ticket?asset={stage.assets[PUMP]}"
    page = client.get(address).text
    assert 'enctype="multipart/form-data"' in page
    assert 'name="voice" type="file" accept="audio/*' in page
    files = {"voice": VOICE, "photo": ("IMG_1.HEIC", heic(), "application/octet-stream")}
    status, where = send(client, address, files, id=str(new_id()))
    assert status == 303, where
    shown = client.get(where).text
    assert title in shown
    [voice] = voices(stage)
    assert f'<audio controls preload="none" src="/voices/{voice.id}"' in shown
    with stage.parts.database.read() as session:
        assert session.scalars(select(TicketPhoto)).one().media_type == "image/heic"
    heard = client.get(f"/voices/{voice.id}")
    assert heard.headers["Content-Type"] == "audio/webm"
    part = client.get(f"/voices/{voice.id}", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, heard.content[:4])


def test_the_same_form_again_says_nothing_twice(stage: Stage) -> None:
    client = client_of(stage, "guard")
    address, again = f"/new-ticket?site={stage.site_id}", str(new_id())
    for _ in range(2):
        status, _where = send(client, address, {"voice": VOICE}, id=again)
        assert status == 303
    assert len(voices(stage)) == 1


def test_a_ticket_with_neither_word_nor_voice_is_not_opened(stage: Stage) -> None:
    client = client_of(stage, "guard")
    files = {"photo": ("photo.jpg", photo(40, 30), "image/jpeg")}
    status, text = send(client, f"/new-ticket?site={stage.site_id}", files, id=str(new_id()))
    assert status == 422
    assert "title" in text


@pytest.mark.parametrize(
    "content", [b"no sound", sample("video.webm"), long_webm(600)], ids=["text", "video", "long"]
)
def test_what_is_no_voice_note_is_refused_with_what_to_do(stage: Stage, content: bytes) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, "technician")
    files = {"voice": ("voice.webm", content, "audio/webm")}
    status, text = send(client, f"/tickets/{number}/notes", files, body="Listen")
    assert status == 422
    assert "Record it with the button" in text
    assert 'class="note-body"' not in client.get(f"/tickets/{number}").text


def test_a_voice_goes_with_a_note_or_alone(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, "technician")
    page = f"/tickets/{number}"
    assert send(client, f"{page}/notes", {"voice": VOICE}, body="Hear the bearing")[0] == 303
    other = ("voice.m4a", sample("phone.m4a"), "audio/mp4")
    assert send(client, f"{page}/notes", {"voice": other})[0] == 303
    with_note, alone = voices(stage)
    assert with_note.note_id is not None
    assert alone.note_id is None
    text = client.get(page).text
    assert f'<a href="#voice-{with_note.id}">' in text
    assert text.count(f'src="/voices/{alone.id}"') == 2
    assert "/original" not in text
    supervisor = client_of(stage, "supervisor")
    assert f"/voices/{alone.id}/original" in supervisor.get(page).text
    assert supervisor.get(f"/voices/{alone.id}/original").content == sample("phone.m4a")
    assert b"Secretphone" not in supervisor.get(f"/voices/{alone.id}").content
    assert client.get(f"/voices/{alone.id}/original").status_code == 403
    assert send(client, f"{page}/notes", {})[0] == 422


def test_who_does_not_work_tickets_hears_but_says_nothing(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    send(client_of(stage, "technician"), f"/tickets/{number}/notes", {"voice": VOICE})
    auditor = client_of(stage, "auditor")
    text = auditor.get(f"/tickets/{number}").text
    assert "<audio" in text
    assert 'name="voice"' not in text
    assert "saying." not in text
    assert send(auditor, f"/tickets/{number}/notes", {"voice": VOICE})[0] == 403
    assert auditor.get(f"/tickets/{number}/colleagues").status_code == 403


def test_the_microphone_and_what_was_recorded_are_the_pages_own_alone(stage: Stage) -> None:
    headers = client_of(stage).get("/").headers
    assert "media-src 'self' blob:;" in headers["Content-Security-Policy"]
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(self), microphone=(self)"
    assert "microphone=()" in TestClient(stage.app).get("/healthz").headers["Permissions-Policy"]


def test_a_resident_says_what_is_wrong(stage: Stage) -> None:
    sticker, client = put_up(stage), guest(stage)
    page = client.get(f"/s/{sticker.path}").text
    assert "Say it instead" in page
    form = {**form_of(page), "problem": "other"}
    refused = client.post(f"/s/{sticker.path}", data=form)
    assert refused.status_code == 422
    broken = {"voice": ("voice.webm", b"<script>", "audio/webm")}
    refused = client.post(f"/s/{sticker.path}", data=form, files=broken)
    assert refused.status_code == 422
    assert "A voice note is a WebM or M4A recording of at most 2 minutes." in refused.text
    assert voices(stage) == []
    answer = client.post(f"/s/{sticker.path}", data=form, files={"voice": VOICE})
    assert answer.status_code == 303, answer.text
    [voice] = voices(stage)
    assert (voice.author_kind, voice.author_id) == ("resident", None)
    # Who reported it follows it by a link; the voice stays inside.
    assert "<audio" not in client.get(answer.headers["location"]).text
    assert client.get(f"/voices/{voice.id}").status_code in (303, 401)
    with stage.parts.database.read() as session:
        number = session.scalars(select(TicketVoice.ticket_id)).one()
    assert number == voice.ticket_id


def test_a_name_typed_whole_is_a_colleague_and_the_form_may_say_which(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    li = stage.person("李娜", "guard", node=stage.site_id)
    one, two = (stage.person("Wang Fang", "technician", node=stage.site_id) for _ in range(2))
    far = stage.person("Far Away", "guard", node=stage.other_site_id)
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    client = signed_in(stage, stage.secret(person, "session"))
    page = f"/tickets/{number}"
    body = "@李娜请看，@Wang Fang <b>too</b>"
    assert send(client, f"{page}/notes", {}, body=body, tell=str(two))[0] == 303
    text = client.get(page).text
    assert '<span class="named">@李娜</span>请看，<span class="named">@Wang Fang</span>' in text
    assert "&lt;b&gt;too&lt;/b&gt;" in text
    with stage.parts.database.read() as session:
        assert set(session.scalars(select(TicketMention.person_id))) == {li, two}
    status, refused = send(client, f"{page}/notes", {}, body="@Far Away", tell=str(far))
    assert status == 422
    assert "may see this ticket" in refused
    assert send(client, f"{page}/notes", {}, body="Hm", tell="somebody")[0] == 422
    assert send(client, f"{page}/notes", {}, body="x" * 20_001)[0] == 422
    names = client.get(f"{page}/colleagues", params={"q": "ln"}).json()
    assert names == [{"id": str(li), "name": "李娜"}]
    wang = client.get(f"{page}/colleagues", params={"q": "wang f"}).json()
    assert {each["id"] for each in wang} == {str(one), str(two)}
    assert client.get(f"{page}/colleagues", params={"q": "far"}).json() == []
    assert client.get(f"{page}/colleagues", params={"q": "x" * 61}).status_code == 422


@pytest.mark.parametrize(("language", "instead"), [("en", "@a colleague"), ("zh", "@同事")])
def test_residents_read_no_name_in_a_note_for_them(
    stage: Stage, language: str, instead: str
) -> None:
    sticker, resident = put_up(stage), guest(stage, language)
    form = {**form_of(resident.get(f"/s/{sticker.path}").text), "problem": "noise"}
    progress = resident.post(f"/s/{sticker.path}", data=form).headers["location"]
    stage.person("李娜", "guard", node=stage.site_id)
    client = client_of(stage, "technician")
    [number] = re.findall(r'class="number">#(\d+)<', client.get("/tickets").text)
    note = "@李娜 brings the key"
    assert send(client, f"/tickets/{number}/notes", {}, body=note, public="yes")[0] == 303
    text = resident.get(progress).text
    assert f"{instead} brings the key" in text
    assert "李娜" not in text


def test_who_is_named_finds_it_among_what_is_for_them(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    li = stage.person("李娜", "guard", node=stage.site_id, locale="zh")
    client = client_of(stage, "technician")
    assert send(client, f"/tickets/{number}/notes", {}, body="@李娜")[0] == 303
    with stage.parts.database.write() as session:
        facts = events.read_after(stage.parts.database, events.START)
        notifications.take_up(session, facts, now=stage.parts.clock.now())
    theirs = signed_in(stage, stage.secret(li, "session"))
    inbox = theirs.get("/account/inbox").text
    assert "有人在备注中@了您" in inbox
    assert f'href="/tickets/{number}"' in inbox
