"""Guards' phones over HTTP: set up, proved, signed in on, and what they hand in."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import delete, func, select
from starlette.testclient import TestClient

from api.context import Parts
from core.accounts import keep_logins
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.errors import Unavailable
from core.ids import new_id
from core.people import Grant
from tests import pictures, voices
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone, unpadded
from workflows.patrol.phones.entering import BADGES
from workflows.patrol.phones.model import PhoneProof

API = "/api/v1"
PIN, OTHER_PIN = "482913", "739164"
MINUTE = timedelta(minutes=1)


@dataclass
class Shift:
    """A guard with a phone, and the supervisor who made a place for it."""

    client: TestClient
    clock: SimulatedClock
    site: SmallSite
    supervisor: User
    guard: User
    phone: GuardPhone

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """What the phone asks, proved."""
        proof = self.phone.proof(method, f"{API}{path}", self.clock.now())
        headers = {"Phone-Proof": proof, **more.pop("headers", {})}
        return self.client.request(method, f"{API}{path}", headers=headers, **more)

    def place(self, **more: Any) -> str:
        """The code of a place for a phone."""
        body = {"site_id": str(self.site.id), "kind": "post", "label": "Gate", **more}
        headers = self.supervisor.headers
        made = self.client.post(f"{API}/phone-places", json=body, headers=headers)
        assert made.status_code == 201, made.text
        assert made.headers["Cache-Control"] == "no-store"
        return str(made.json()["code"])

    def enrol(self, code: str, **more: Any) -> httpx2.Response:
        """The phone takes a place."""
        body = {"code": code, "id": str(self.phone.id), "key": self.phone.key, **more}
        return self.ask("POST", "/guard/phones", json=body)

    def sign_in(self, **more: Any) -> httpx2.Response:
        """The guard types their PIN."""
        body = {"person_id": str(self.guard.person_id), "pin": PIN, **more}
        return self.ask("POST", "/guard/sign-in", json=body)

    def hand_in(self, first: int = 1, last: int | None = None, **more: Any) -> httpx2.Response:
        """The phone hands its journal in."""
        body = {**self.phone.body(self.clock.now(), first, last), **more}
        return self.ask("POST", "/guard/journal", json=body)


@pytest.fixture
def shift(
    anonymous: TestClient,
    clock: SimulatedClock,
    site: SmallSite,
    make_user: MakeUser,
    database: Database,
) -> Shift:
    supervisor, guard = make_user("supervisor", site.id), make_user("guard", site.id)
    with database.write() as session:
        keep_logins(session, {guard.person_id: "liwei"}, now=clock.now())
    own = anonymous.put(f"{API}/me/pin", json={"pin": PIN}, headers=guard.headers)
    assert own.status_code == 204, own.text
    return Shift(anonymous, clock, site, supervisor, guard, GuardPhone())


@pytest.fixture
def started(shift: Shift) -> Shift:
    """A phone that is set up, and a guard who has signed in."""
    assert shift.enrol(shift.place()).status_code == 201
    came = shift.sign_in()
    assert came.status_code == 200, came.text
    shift.phone.sign_in(shift.guard.person_id, shift.clock.now())
    return shift


def code_of(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def test_a_phone_takes_a_place_once_and_a_lost_answer_is_given_again(shift: Shift) -> None:
    code = shift.place()
    made = shift.enrol(code.replace("-", " ").lower(), app="1.0")
    assert made.status_code == 201, made.text
    assert made.json()["phone"]["label"] == "Gate"
    assert shift.enrol(code).json()["phone"] == made.json()["phone"]
    assert shift.ask("GET", "/guard/journal").json()["accepted"] == 0
    second = GuardPhone()
    shift.phone, first = second, shift.phone
    assert shift.enrol(code).status_code == 404
    assert shift.enrol("22222-22222").status_code == 404
    late = shift.place()
    shift.clock.advance_to(to_micros(NOON + 31 * MINUTE))
    assert shift.enrol(late).status_code == 404
    listed = shift.client.get(f"{API}/phones", headers=shift.supervisor.headers).json()["items"]
    assert [one["id"] for one in listed] == [str(first.id)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_code_of_who_may_not_make_it_any_more_lets_no_phone_in(
    shift: Shift, database: Database
) -> None:
    code = shift.place()
    with database.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == shift.supervisor.person_id))
    assert shift.enrol(code).status_code == 404


def test_codes_can_be_tried_twenty_times(shift: Shift) -> None:
    for _ in range(20):
        assert shift.enrol("22222-22222").status_code == 404
    refused = shift.enrol(shift.place())
    assert refused.status_code == 429
    assert refused.json()["until"]


def test_a_place_is_made_by_who_sets_patrols_up_for_somebody_who_scans_there(
    shift: Shift, make_user: MakeUser, other_site: UUID
) -> None:
    body = {"site_id": str(shift.site.id), "kind": "personal", "label": " "}
    for user, status in ((shift.guard, 403), (shift.supervisor, 422)):
        answer = shift.client.post(f"{API}/phone-places", json=body, headers=user.headers)
        assert answer.status_code == status
    assert len(answer.json()["problems"]) == 2
    elsewhere = make_user("guard", other_site)
    body |= {"label": "Li's", "person_id": str(elsewhere.person_id)}
    answer = shift.client.post(f"{API}/phone-places", json=body, headers=shift.supervisor.headers)
    assert answer.status_code == 422


def test_a_request_is_proved_by_the_phone_for_itself_alone(started: Shift) -> None:
    phone, now, path = started.phone, started.clock.now(), f"{API}/guard/plan"
    thief = GuardPhone(id=phone.id)

    def ask(proof: str) -> tuple[int, str | None]:
        return code_of(started.client.get(path, headers={"Phone-Proof": proof}))

    good = phone.proof("GET", path, now)
    assert ask(good)[0] == 200
    nested = f"{good.split('.')[0]}.{unpadded(b'[' * 1200)}"
    for proof in (
        "",
        "x",
        "a.b.c",
        good[:-8] + "AAAAAAAA",
        thief.proof("GET", path, now),
        phone.proof("POST", path, now),
        phone.proof("GET", f"{API}/guard/journal", now),
        phone.proof("GET", path, now, kid=str(new_id())),
        phone.proof("GET", path, now, kid="../"),
        phone.proof("GET", path, now, typ="JWT"),
        phone.proof("GET", path, now, alg="none"),
        phone.proof("GET", path, now, iat="now"),
        f"{nested}.{phone.sign(nested)}",
        "x" * 3000,
    ):
        assert ask(proof) == (401, "proof"), proof
    assert ask(phone.proof("GET", path, now, iat=10**400)) == (401, "clock")
    off = phone.proof("GET", path, now - 11 * MINUTE)
    answer = started.client.get(path, headers={"Phone-Proof": off})
    assert code_of(answer) == (401, "clock")
    assert answer.json()["server_time"].startswith(now.isoformat()[:19])
    # What people are known by opens no door of phones.
    answer = started.client.get(path, headers=started.supervisor.headers)
    assert code_of(answer) == (401, "proof")


def test_what_changes_something_is_asked_once_with_one_proof(started: Shift, parts: Parts) -> None:
    path, now = f"{API}/guard/journal", started.clock.now()
    first = {"Phone-Proof": started.phone.proof("POST", path, now)}
    body = started.phone.body(now)
    taken = started.client.post(path, json=body, headers=first).json()
    assert taken["told_until"] == taken["server_time"]
    started.clock.advance_to(to_micros(now + 9 * MINUTE))
    again = started.client.post(path, json=body, headers=first)
    assert code_of(again) == (401, "replayed")
    stands = started.ask("GET", "/guard/journal").json()
    assert stands["told_until"] == taken["told_until"]
    # One that was held back on its way tells no more than when it was made.
    late = {"Phone-Proof": started.phone.proof("POST", path, now + MINUTE)}
    answer = started.client.post(path, json=body, headers=late).json()
    assert answer["told_until"].startswith((now + MINUTE).isoformat()[:19])
    sign_in = f"{API}/guard/sign-in"
    proof = {"Phone-Proof": started.phone.proof("POST", sign_in, started.clock.now())}
    body = {"person_id": str(started.guard.person_id), "pin": PIN}
    answers = [started.client.post(sign_in, json=body, headers=proof) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    # What is remembered of proofs goes with the time in which they count.
    started.clock.advance_to(to_micros(now + 40 * MINUTE))
    assert started.hand_in().status_code == 200
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhoneProof)) == 1


def test_a_pin_signs_in_for_what_guards_do_and_no_more(started: Shift) -> None:
    came = started.sign_in(person_id=None, login=" LiWei ")
    assert came.status_code == 200, came.text
    content = came.json()
    assert content["offline_until"] == content["token_ends_at"]
    assert content["offline_until"].startswith((NOON + timedelta(hours=12)).isoformat()[:19])
    headers = {"Authorization": f"Bearer {content['token']}"}
    me = started.client.get(f"{API}/me", headers=headers).json()
    assert set(me["sites"]) == {"patrol.read", "patrol.scan", "tickets.read", "tickets.create"} | {
        "tickets.work",
        "alarms.read",
        "places.read",
    }
    # Whoever holds the phone makes themselves no other way in, and chooses no word.
    for own, body in (("pin", {"pin": OTHER_PIN}), ("sos-phrase", {"phrase": "blue heron"})):
        refused = started.client.put(f"{API}/me/{own}", json=body, headers=headers)
        assert refused.status_code == 403, own
        assert "limited token" in refused.json()["detail"]
    body = {"person_id": str(started.guard.person_id)}
    for _ in range(2):
        assert started.ask("POST", "/guard/sign-out", json=body).status_code == 204
    assert started.client.get(f"{API}/me", headers=headers).status_code == 401


def test_a_wrong_pin_says_as_much_as_an_unknown_name_and_locks(started: Shift) -> None:
    wrong = [
        started.sign_in(pin=OTHER_PIN),
        started.sign_in(person_id=None, login="nobody"),
        started.sign_in(person_id=str(new_id())),
    ]
    texts = {(answer.status_code, answer.json()["code"], answer.text) for answer in wrong}
    assert len(texts) == 1
    for _ in range(4):
        assert started.sign_in(pin=OTHER_PIN).status_code == 401
    locked = started.sign_in()
    assert locked.status_code == 429
    assert locked.json()["until"]


def test_a_given_pin_is_good_for_choosing_another(
    started: Shift, make_user: MakeUser, other_site: UUID, database: Database
) -> None:
    assert other_site
    path = f"{API}/people/{started.guard.person_id}/pin"
    given = started.client.put(path, json={"pin": OTHER_PIN}, headers=started.supervisor.headers)
    assert given.status_code == 204, given.text
    assert code_of(started.sign_in(pin=OTHER_PIN)) == (403, "change_pin")
    assert started.sign_in(pin=OTHER_PIN, new_pin=OTHER_PIN).status_code == 422
    assert started.sign_in(pin=OTHER_PIN, new_pin="111111").status_code == 422
    assert started.sign_in(pin=OTHER_PIN, new_pin=PIN).status_code == 200
    assert started.sign_in().status_code == 200
    # Nor to somebody who sees tickets of another site, which a PIN would show as well.
    with database.write() as session:
        session.add(Grant(person_id=started.guard.person_id, node_id=other_site, role="auditor"))
    again = started.client.put(path, json={"pin": OTHER_PIN}, headers=started.supervisor.headers)
    assert again.status_code == 403
    # Nobody gives a PIN to somebody who scans where they don't set patrols up.
    boss = make_user("manager", started.site.company_id)
    path = f"{API}/people/{boss.person_id}/pin"
    for user, status in ((started.supervisor, 403), (started.guard, 403)):
        answer = started.client.put(path, json={"pin": PIN}, headers=user.headers)
        assert answer.status_code == status


def test_a_lost_phone_is_refused_and_goes_on_when_it_is_found(started: Shift) -> None:
    phone, headers = started.phone, started.supervisor.headers
    token = started.sign_in().json()["token"]
    phone.note("battery", started.clock.now(), percent=9, charging=False)

    def move(action: str, **more: str) -> httpx2.Response:
        path = f"{API}/phones/{phone.id}/{action}"
        return started.client.post(path, headers={**headers, **more})

    assert move("lose", **{"If-Match": '"9"'}).status_code == 412
    assert move("lose").json()["state"] == "lost"
    assert move("lose").status_code == 409
    assert code_of(started.hand_in()) == (403, "phone_lost")
    me = started.client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 401
    assert code_of(started.sign_in()) == (403, "phone_lost")
    assert move("find").json()["state"] == "active"
    assert started.hand_in().json()["accepted"] == 2
    assert move("retire").json()["people"][0]["person_id"] == str(started.guard.person_id)
    assert code_of(started.hand_in()) == (403, "phone_retired")
    assert move("find").status_code == 409


def put_checkpoint(started: Shift, headers: dict[str, str], code: str, uid: str) -> str:
    body = {"site_id": str(started.site.id), "code": code, "name": {"en": code, "zh": code}}
    made = started.client.post(f"{API}/checkpoints", json=body, headers=headers)
    point = str(made.json()["id"])
    token = {"kind": "static_tag", "value": uid}
    put = started.client.post(f"{API}/checkpoints/{point}/tokens", json=token, headers=headers)
    assert put.status_code == 201, put.text
    return point


def test_the_plan_is_what_a_phone_needs_and_comes_once(started: Shift) -> None:
    headers = started.supervisor.headers
    gate = put_checkpoint(started, headers, "gate", "04AA01")
    site = {"site_id": str(started.site.id)}
    route = {**site, "code": "night", "name": {"en": "Night"}, "points": [{"checkpoint_id": gate}]}
    made = started.client.post(f"{API}/routes", json=route, headers=headers).json()
    plan = {"route_id": made["id"], "times": ["22:00"], "team": "security", "duration_min": 60}
    assert started.client.post(f"{API}/round-plans", json=plan, headers=headers).status_code == 201
    first = started.ask("GET", "/guard/plan")
    assert first.status_code == 200, first.text
    content = first.json()
    assert [one["id"] for one in content["people"]] == [str(started.guard.person_id)]
    [going, *_] = content["rounds"]
    assert [point["checkpoint_id"] for point in going["points"]] == [gate]
    assert [one["what"] for one in going["warnings"]] == ["due", "start", "begin_by", "ending"]
    assert [(one["id"], one["kinds"]) for one in content["checkpoints"]] == [(gate, ["static_tag"])]
    assert {one["kind"] for one in content["choices"]} == {"repair", "hazard"} | {
        "observation",
        "incident",
    }
    assert content["settings"]["offline_hours"] == 12
    again = started.ask("GET", "/guard/plan", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_journal_says_where_to_go_on(started: Shift) -> None:
    phone, now = started.phone, started.clock.now()
    gate = put_checkpoint(started, started.supervisor.headers, "gate", "04AA01")
    phone.scan("04AA01", now)
    phone.scan("04DEAD", now)
    taken = started.hand_in(app="1.1", storage={"persisted": True, "free_mb": 800})
    assert taken.status_code == 200, taken.text
    content = taken.json()
    assert (content["accepted"], content["hash"]) == (3, phone.hash_of(3))
    assert content["told_until"] == content["server_time"]
    assert [one["verdict"] for one in content["verdicts"]] == ["accepted", "accepted", "refused"]
    assert content["verdicts"][1]["checkpoint_id"] == gate
    assert content["verdicts"][2]["text"]["zh"]
    assert started.hand_in().json()["verdicts"] == content["verdicts"]
    stands = started.ask("GET", "/guard/journal").json()
    assert (stands["accepted"], stands["verdicts"]) == (3, [])
    behind = started.hand_in(5, head=9)
    assert (behind.status_code, behind.json()["accepted"]) == (200, 3)
    phone.entries += ["{}", "{}"]
    assert code_of(started.hand_in(5)) == (422, "chain")
    del phone.entries[3:]
    phone.note("battery", now, percent=5, charging=False)
    phone.note("battery", now, percent=4, charging=False)
    gap = started.hand_in(5)
    assert (*code_of(gap), gap.json()["accepted"]) == (409, "gap", 3)
    forked = GuardPhone(id=phone.id, private=phone.private, entries=phone.entries[:2])
    forked.note("battery", now, percent=3, charging=False)
    started.phone = forked
    answer = started.hand_in(3)
    assert (*code_of(answer), answer.json()["seq"]) == (409, "fork", 3)
    path = f"{API}/phones/{phone.id}"
    shown = started.client.get(path, headers=started.supervisor.headers).json()
    assert shown["forked_at"]
    assert (shown["app"], shown["storage"]) == ("1.1", {"persisted": True, "free_mb": 800})
    # A browser that holds more than it may by now: what was recorded is taken all the same.
    started.phone = phone
    for said, kept in ((-3, 0), ("much", None)):
        full = started.hand_in(4, storage={"persisted": True, "free_mb": said})
        assert full.status_code == 200, full.text
        shown = started.client.get(path, headers=started.supervisor.headers).json()
        assert shown["storage"]["free_mb"] == kept


def test_a_batch_has_a_size(started: Shift) -> None:
    now = started.clock.now()
    for _ in range(12):
        started.phone.note("gap", now, what="x" * 30_000)
    assert started.hand_in().status_code == 413
    assert started.hand_in(1, 5).json()["accepted"] == 5


def send(started: Shift, file_id: UUID, content: bytes, size: int) -> list[httpx2.Response]:
    return [
        started.ask("PUT", f"/guard/files/{file_id}/{start}", content=content[start : start + size])
        for start in range(0, len(content), size)
    ]


def tell_of(started: Shift, content: bytes, what: str = "photo", digest: str = "") -> UUID:
    """Record that a photo was taken."""
    file_id = new_id()
    started.phone.note(
        "file",
        started.clock.now(),
        file=str(file_id),
        what=what,
        sha256=digest or hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )
    return file_id


def test_a_photo_comes_in_pieces_and_stands_with_its_report_and_ticket(
    started: Shift, parts: Parts
) -> None:
    photo = pictures.photo(400, 300)
    file_id = tell_of(started, photo)
    report_id = started.phone.note(
        "report",
        started.clock.now(),
        choice="leak",
        files=[str(file_id)],
        checks={"valve": True, "odd": True},
        text="Below the ceiling",
    )
    early = started.ask("PUT", f"/guard/files/{file_id}/0", content=photo[:10])
    assert early.status_code == 404
    taken = started.hand_in().json()
    assert taken["files"] == [
        {"id": str(file_id), "received": 0, "bytes": len(photo), "state": "waiting"}
    ]
    number = taken["verdicts"][2]["ticket_number"]
    half = len(photo) // 2
    first = started.ask("PUT", f"/guard/files/{file_id}/0", content=photo[:half])
    assert first.json()["received"] == half
    # Sent again it changes nothing; behind a gap it says where to go on.
    assert started.ask("PUT", f"/guard/files/{file_id}/0", content=photo[:half]).json() == (
        first.json()
    )
    gap = started.ask("PUT", f"/guard/files/{file_id}/{half + 1}", content=photo[half + 1 :])
    assert (*code_of(gap), gap.json()["received"]) == (409, "offset", half)
    long = started.ask("PUT", f"/guard/files/{file_id}/{half}", content=photo[half:] + b"x")
    assert long.status_code == 413
    last = started.ask("PUT", f"/guard/files/{file_id}/{half}", content=photo[half:])
    assert last.json()["state"] == "complete"
    assert started.hand_in().json()["files"] == []
    headers = started.supervisor.headers
    report = started.client.get(f"{API}/guard-reports/{report_id}", headers=headers).json()
    assert (report["ticket_number"], report["checks"]) == (number, {"valve": True})
    [file] = report["files"]
    assert (file["state"], file["annexed"]) == ("complete", False)
    shown = started.client.get(f"{API}/guard-files/{file_id}", headers=headers)
    assert shown.headers["Content-Type"] == "image/jpeg"
    ticket = started.client.get(f"{API}/tickets/{report['ticket_id']}", headers=headers).json()
    assert (ticket["kind"], ticket["team"], len(ticket["photos"])) == ("repair", "maintenance", 1)
    assert ticket["photos"][0]["sha256"] == hashlib.sha256(photo).hexdigest()


def test_a_file_that_is_not_what_was_hashed_is_sent_anew(started: Shift) -> None:
    photo = pictures.photo(400, 300)
    file_id = tell_of(started, photo)
    started.hand_in()
    changed = photo[:-1] + bytes([photo[-1] ^ 1])
    assert send(started, file_id, changed, 256 * 1024)[-1].json()["state"] == "wrong"
    assert started.ask("GET", f"/guard/files/{file_id}").json()["received"] == 0
    assert send(started, file_id, photo, 256 * 1024)[-1].json()["state"] == "complete"


def test_a_file_that_can_not_be_shown_is_set_aside(started: Shift) -> None:
    file_id, voice_id = tell_of(started, b"no picture"), tell_of(started, b"no sound", "voice")
    started.hand_in()
    assert send(started, file_id, b"no picture", 100)[-1].json()["state"] == "unusable"
    assert send(started, voice_id, b"no sound", 100)[-1].json()["state"] == "unusable"


def test_a_judgement_that_was_killed_is_made_by_an_empty_piece(
    started: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = pictures.photo(400, 300)
    file_id = tell_of(started, photo)
    started.hand_in()

    def die(*_: object, **__: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as dying:
        dying.setattr("api.patrol.guard.finish_file", die)
        assert send(started, file_id, photo, 256 * 1024)[-1].status_code == 503
    waiting = started.ask("GET", f"/guard/files/{file_id}").json()
    assert (waiting["state"], waiting["received"]) == ("waiting", len(photo))
    done = started.ask("PUT", f"/guard/files/{file_id}/{len(photo)}", content=b"")
    assert done.json()["state"] == "complete"


def test_what_comes_after_a_report_was_closed_is_annexed(started: Shift) -> None:
    photo, now = pictures.photo(400, 300), started.clock.now()
    file_id = tell_of(started, photo)
    report_id = started.phone.note(
        "report", now, choice="stranger", files=[str(file_id)], text="At the gate"
    )
    started.phone.note("report_more", now, report=str(report_id), text="Gone by now")
    started.hand_in(1, 3)
    started.hand_in(4)
    path, headers = f"{API}/guard-reports/{report_id}", started.supervisor.headers
    word = {"closing": "Seen to"}
    assert (
        started.client.post(f"{path}/close", json=word, headers=started.guard.headers).status_code
        == 403
    )
    closed = started.client.post(f"{path}/close", json=word, headers=headers)
    assert closed.status_code == 200, closed.text
    assert started.client.post(f"{path}/close", json=word, headers=headers).status_code == 409
    more = tell_of(started, photo + b"\n")
    started.phone.note("report_more", now, report=str(report_id), text="Back", files=[str(more)])
    assert started.hand_in(5).json()["verdicts"][-1]["marks"] == ["annexed"]
    send(started, file_id, photo, 256 * 1024)
    shown = started.client.get(path, headers=headers).json()
    assert [(one["text"], one["annexed"]) for one in shown["additions"]] == [
        ("Gone by now", False),
        ("Back", True),
    ]
    assert [(one["state"], one["annexed"]) for one in shown["files"]] == [
        ("complete", True),
        ("waiting", True),
    ]
    assert (shown["text"], shown["closing"]) == ("At the gate", "Seen to")
    listed = started.client.get(f"{API}/guard-reports?state=closed", headers=headers).json()
    assert [one["id"] for one in listed["items"]] == [str(report_id)]


def test_what_a_colleague_reported_is_seen_by_who_sees_who_scans(
    started: Shift, make_user: MakeUser
) -> None:
    report_id = started.phone.note("report", started.clock.now(), choice="noise")
    started.hand_in()
    colleague = make_user("guard", started.site.id)
    for user, count in ((started.guard, 1), (colleague, 0), (started.supervisor, 1)):
        listed = started.client.get(f"{API}/guard-reports", headers=user.headers).json()
        assert len(listed["items"]) == count
        status = started.client.get(f"{API}/guard-reports/{report_id}", headers=user.headers)
        assert status.status_code == (200 if count else 404)


def test_a_shift_is_handed_over_with_the_token_of_a_phone(started: Shift, stranger: User) -> None:
    headers = started.supervisor.headers
    made = {"site_id": str(started.site.id), "code": "gate", "name": {"en": "Gate"}}
    gate = started.client.post(
        f"{API}/posts", json={**made, "team": "security"}, headers=headers
    ).json()
    path, who = f"{API}/posts/{gate['id']}", {"person_id": str(started.guard.person_id)}
    let_in = {**who, "reason": "The tag is torn"}
    started.client.post(f"{path}/clock-in", json=let_in, headers=headers)
    tag = {"If-Match": started.client.get(f"{path}/items", headers=headers).headers["ETag"]}
    keys = {"items": [{"kind": "key", "name": "Master key", "number": 3}]}
    started.client.put(f"{path}/items", json=keys, headers={**headers, **tag})
    # What was said into the phone stands in the log, for the next shift to hear.
    said = voices.sample("chromium.webm")
    voice_id = tell_of(started, said, "voice")
    now = started.clock.now()
    started.phone.note("log_entry", now, post=gate["id"], text="", files=[str(voice_id)])
    started.phone.note("log_entry", now, post=str(new_id()), text="Lost", files=[])
    started.phone.note("log_entry", now, post=gate["id"], text=" ", files=[str(voice_id)])
    verdicts = started.hand_in().json()["verdicts"][-3:]
    assert [one["reason"] for one in verdicts] == [None, "no_post", "malformed"]
    send(started, voice_id, said, 256 * 1024)
    mine = {"Authorization": f"Bearer {started.sign_in(pin=PIN).json()['token']}"}
    [entry] = started.client.get(f"{path}/log", headers=mine).json()["items"]
    assert (entry["text"], entry["files"][0]["state"]) == ("", "complete")
    heard = started.client.get(f"{API}/guard-files/{voice_id}", headers=mine)
    assert heard.headers["Content-Type"].startswith("audio/")
    sheet = started.client.get(f"{path}/hand-over", headers=mine).json()
    assert (sheet["waiting"], sheet["items"][0]["number"]) == (None, 3)
    counted = {"counted": [{"item_id": sheet["items"][0]["id"], "number": 3}]}
    given = started.client.post(f"{path}/hand-overs", json=counted, headers=mine)
    assert given.status_code == 201
    sheet = started.client.get(f"{path}/hand-over", headers=mine).json()
    assert sheet["waiting"]["id"] == given.json()["id"]
    assert sheet["waiting"]["from_name"]
    [taken] = started.ask("GET", "/guard/plan").json()["posts"]
    assert taken["hand_over"] == {"from_id": str(started.guard.person_id)}
    assert [one["person_id"] for one in taken["here"]] == [str(started.guard.person_id)]
    # Beyond what guards do it reaches nothing, and at other sites nobody.
    refused = started.client.put(f"{path}/items", json=keys, headers={**mine, **tag})
    assert refused.status_code == 403
    for closed in (f"{API}/guard-files/{voice_id}", f"{path}/hand-over", f"{path}/log"):
        assert started.client.get(closed, headers=stranger.headers).status_code == 404


def give_badge(started: Shift, number: str, kind: str = "card") -> str:
    """Give the guard a badge; returns its id."""
    about = {"site_id": str(started.site.id), "person_id": str(started.guard.person_id)}
    body = {**about, "kind": kind, "number": number}
    made = started.client.post(f"{API}/badges", json=body, headers=started.supervisor.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_badge_names_somebody_whose_pin_lets_them_in(started: Shift) -> None:
    badge = give_badge(started, "04:A2:B3:C4:D5:E6:F7")
    give_badge(started, "7", "beacon")
    came = started.sign_in(person_id=None, badge="04a2b3c4d5e6f7")
    assert (came.status_code, came.json()["badge_id"]) == (200, badge)
    assert came.json()["token"]
    person = started.ask("GET", "/guard/plan").json()["people"][0]
    assert person["badges"] == [badge]
    # An unknown one, a beacon, and a wrong PIN: all say the same.
    told = [
        started.sign_in(person_id=None, badge="04FF"),
        started.sign_in(person_id=None, badge="7"),
        started.sign_in(person_id=None, badge="04A2B3C4D5E6F7", pin=OTHER_PIN),
    ]
    assert [code_of(one) for one in told] == [(401, "wrong")] * 3
    headers = started.supervisor.headers
    ended = started.client.post(f"{API}/badges/{badge}/end", headers=headers)
    assert ended.status_code == 200, ended.text
    assert code_of(started.sign_in(person_id=None, badge="04A2B3C4D5E6F7")) == (401, "wrong")
    assert started.ask("GET", "/guard/plan").json()["people"][0]["badges"] == []
    # Two names at once, or none of them, are no sign-in.
    assert started.sign_in(badge="04A2").status_code == 422
    assert started.sign_in(person_id=None).status_code == 422
    assert started.sign_in(pin=None).status_code == 422


def test_a_badge_alone_is_enough_where_the_company_says_so(
    started: Shift, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_badge(started, "0042")
    alone = {"person_id": None, "badge": "42", "pin": None}
    assert code_of(started.sign_in(**alone)) == (403, "needs_pin")
    assert started.ask("GET", "/guard/plan").json()["settings"]["badge_alone"] is False
    monkeypatch.setitem(parts.settings.__dict__, "phone_badge_alone", True)
    assert started.ask("GET", "/guard/plan").json()["settings"]["badge_alone"] is True
    came = started.sign_in(**alone)
    # It writes into the journal of this phone, and opens nothing else.
    assert came.status_code == 200
    assert (came.json()["token"], came.json()["token_ends_at"]) == (None, None)
    started.phone.note("sign_in", started.clock.now(), by="online", **{"with": "badge"})
    assert started.hand_in().json()["verdicts"][-1]["marks"] == ["badge_alone"]
    assert code_of(started.sign_in(**{**alone, "badge": "43"})) == (401, "wrong")
    for _ in range(BADGES):
        last = started.sign_in(**{**alone, "badge": "43"})
    assert last.status_code == 429
    # A phone that is somebody's own asks for the PIN.
    started.phone = GuardPhone()
    place = started.place(kind="personal", person_id=str(started.guard.person_id))
    assert started.enrol(place).status_code == 201
    assert code_of(started.sign_in(**alone)) == (403, "needs_pin")
