"""People in the console: joining, signing in by password, roles, leaving, one's own account."""

import re
from uuid import UUID

import pyotp
import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE
from core.accounts import new_password, set_password
from core.people import Person, caller_for
from core.permissions import MEANING
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.stage import Stage
from tests.web.test_sign_in import token_on, visitor
from web.languages import translations
from web.words import PERMISSION

GOOD = "three quiet pumps"


def with_password(stage: Stage) -> UUID:
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    given = new_password("wei", GOOD)
    with stage.parts.database.write() as session:
        set_password(session, person, given, now=stage.parts.clock.now())
    return person


def sign_in(client: TestClient, login: str, password: str) -> int:
    fields = {"csrf": token_on(client, "/sign-in"), "login": login, "password": password}
    return client.post("/sign-in", data=fields).status_code


def csrf_of(client: TestClient, address: str) -> str:
    return str(read(client.get(address).text).forms[-1]["csrf"])


def test_login_and_password_sign_in(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    assert sign_in(client, "Wei", GOOD) == 303
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("language", "told"), [("en", "letter by letter"), ("zh", "登录名或密码不对")]
)
def test_a_wrong_password_keeps_the_login_and_says_what_to_do(
    stage: Stage, language: str, told: str
) -> None:
    with_password(stage)
    client = visitor(stage, language)
    fields = {"csrf": token_on(client, "/sign-in"), "login": "wei", "password": "wrong"}
    refused = client.post("/sign-in", data=fields)
    assert refused.status_code == 401
    assert told in refused.text
    assert 'value="wei"' in refused.text
    assert "wrong" not in re.sub(r"are wrong|错", "", refused.text)
    assert SESSION_COOKIE not in client.cookies


def test_who_guesses_is_told_when_to_try_again(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    assert [sign_in(client, "wei", f"guess {number}") for number in range(6)] == [401] * 5 + [429]
    token = token_on(client, "/sign-in")
    told = client.post("/sign-in", data={"csrf": token, "login": "wei", "password": GOOD}).text
    assert re.search(r"Try again at \d\d:\d\d\.", told)


def test_a_sign_in_form_from_elsewhere_is_shown_again(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    fields = {"csrf": "forged", "login": "wei", "password": GOOD}
    refused = client.post("/sign-in", data=fields)
    assert refused.status_code == 403
    assert SESSION_COOKIE not in client.cookies
    fields["csrf"] = read(refused.text).forms[0]["csrf"]
    assert client.post("/sign-in", data=fields).status_code == 303


def invitation(stage: Stage, client: TestClient, role: str = "technician") -> str:
    page = client.post(
        "/people/invitations",
        data={"csrf": csrf_of(client, "/people"), "role": role, "node": str(stage.site_id)},
    )
    assert page.status_code == 200
    found = re.search(r"<code>\S+(/join/\S+)</code>", page.text)
    assert found
    assert 'src="data:image/svg+xml' in page.text
    return found[1]


def test_from_an_invitation_to_work_without_anybodys_help(stage: Stage) -> None:
    address = invitation(stage, client_of(stage, "administrator"))
    phone = visitor(stage, "zh")
    for _preview in range(3):
        assert "维修工" in phone.get(address).text
    fields = {"csrf": token_on(phone, address), "name": "李娜", "login": "13800138000"}
    weak = phone.post(address, data={**fields, "password": "123456789012"})
    assert weak.status_code == 422
    assert "密码太容易被猜到" in weak.text
    assert 'value="李娜"' in weak.text
    joined = phone.post(address, data={**fields, "password": GOOD})
    assert joined.status_code == 303
    assert phone.get("/").status_code == 200
    late = visitor(stage)
    assert late.get(address).status_code == 404
    again = visitor(stage)
    assert sign_in(again, "13800138000", GOOD) == 303


def test_a_login_that_is_taken_is_told_and_the_invitation_waits_on(stage: Stage) -> None:
    with_password(stage)
    address = invitation(stage, client_of(stage, "administrator"))
    phone = visitor(stage)
    fields = {"csrf": token_on(phone, address), "name": "Wei Li", "password": GOOD}
    taken = phone.post(address, data={**fields, "login": "WEI"})
    assert taken.status_code == 409
    assert "Choose another one" in taken.text
    assert phone.post(address, data={**fields, "login": "wei.li"}).status_code == 303


def test_who_may_not_invite_sees_colleagues_and_no_button(stage: Stage) -> None:
    with_password(stage)
    page = client_of(stage, "technician").get("/people")
    assert "Wei Chen" in page.text
    assert "Invite somebody" not in page.text


def test_roles_are_given_and_taken_on_the_page_of_a_person(stage: Stage) -> None:
    wei, client = with_password(stage), client_of(stage, "administrator")
    address = f"/people/{wei}"
    fields = {"csrf": csrf_of(client, address), "role": "guard", "node": str(stage.site_id)}
    assert client.post(f"{address}/roles", data=fields).status_code == 303
    page = client.get(address).text
    assert "Guard" in page
    taken = re.findall(rf"{address}/roles/([0-9a-f-]+)/end", page)
    assert len(taken) == 2
    for role_id in taken:
        fields = {"csrf": csrf_of(client, "/people")}
        assert client.post(f"{address}/roles/{role_id}/end", data=fields).status_code == 303
    with stage.parts.database.read() as session:
        assert caller_for(session, session.get_one(Person, wei)).sites == {}


def test_leaving_asks_once_more_and_then_shuts_every_door(stage: Stage) -> None:
    wei, client = with_password(stage), client_of(stage, "administrator")
    theirs = visitor(stage)
    assert sign_in(theirs, "wei", GOOD) == 303
    address = f"/people/{wei}"
    fields = {"csrf": csrf_of(client, address)}
    assert client.post(f"{address}/leave", data=fields).status_code == 422
    assert theirs.get("/account").status_code == 200
    assert client.post(f"{address}/leave", data={**fields, "sure": "yes"}).status_code == 303
    assert theirs.get("/account").headers["location"] == "/sign-in"
    assert sign_in(visitor(stage), "wei", GOOD) == 401


def test_a_new_password_ends_the_other_sessions(stage: Stage) -> None:
    with_password(stage)
    here, elsewhere = visitor(stage), visitor(stage)
    for client in (here, elsewhere):
        assert sign_in(client, "wei", GOOD) == 303
    fields = {"csrf": csrf_of(here, "/account"), "login": "wei", "password": "five loud valves"}
    wrong = here.post("/account/password", data={**fields, "present": "not this"})
    assert wrong.status_code == 403
    done = here.post("/account/password", data={**fields, "present": GOOD})
    assert done.headers["location"] == "/account?done=password"
    assert here.get("/account?done=password").status_code == 200
    assert elsewhere.get("/account").headers["location"] == "/sign-in"
    assert sign_in(visitor(stage), "wei", GOOD) == 401
    assert sign_in(visitor(stage), "wei", "five loud valves") == 303


def test_who_forgot_gets_a_link_from_the_administrator_and_sets_a_new_password(
    stage: Stage,
) -> None:
    wei, boss = with_password(stage), client_of(stage, "administrator")
    page = boss.post(f"/people/{wei}/link", data={"csrf": csrf_of(boss, f"/people/{wei}")})
    found = re.search(r"<code>\S+(/sign-in/\S+)</code>", page.text)
    assert found
    phone = visitor(stage)
    assert phone.post(found[1], data={"csrf": token_on(phone, found[1])}).status_code == 303
    assert "Present password" not in phone.get("/account").text
    fields = {"csrf": csrf_of(phone, "/account"), "login": "wei", "password": "five loud valves"}
    assert phone.post("/account/password", data=fields).status_code == 303
    assert sign_in(visitor(stage), "wei", "five loud valves") == 303
    assert sign_in(visitor(stage), "wei", GOOD) == 401


def test_who_may_not_let_somebody_go_makes_no_link_for_them_either(stage: Stage) -> None:
    regional = stage.person("Fang Liu", "manager")
    person = stage.person("Ada", "administrator", node=stage.site_id)
    local = signed_in(stage, stage.secret(person, "session"))
    page = local.get(f"/people/{regional}").text
    assert "Make a sign-in link" not in page
    fields = {"csrf": csrf_of(local, f"/people/{regional}")}
    assert local.post(f"/people/{regional}/link", data=fields).status_code == 403


def test_name_and_language_are_ones_own_to_change(stage: Stage) -> None:
    client = client_of(stage, "technician")
    fields = {"csrf": csrf_of(client, "/account"), "name": " 陈  伟 ", "locale": "zh"}
    assert client.post("/account", data=fields).status_code == 303
    page = client.get("/account?done=saved&lang=zh").text
    assert "陈 伟" in page
    assert "已保存" in page


def test_people_of_another_site_are_not_there(stage: Stage) -> None:
    wei = with_password(stage)
    person = stage.person("Stranger", "administrator", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    assert "Wei Chen" not in stranger.get("/people").text
    assert stranger.get(f"/people/{wei}").status_code == 404
    fields = {"csrf": csrf_of(stranger, "/people"), "sure": "yes"}
    for step in ("leave", "roles"):
        assert stranger.post(f"/people/{wei}/{step}", data=fields).status_code == 404
    with stage.parts.database.read() as session:
        assert session.get_one(Person, wei).left_at is None


def test_a_second_factor_is_turned_on_asked_for_and_turned_off(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    token = {"csrf": csrf_of(client, "/account")}
    page = client.post("/account/second-factor", data=token).text
    found = re.search(r"<code>([A-Z2-7 ]{32,})</code>", page)
    assert found
    app = pyotp.TOTP(found[1].replace(" ", ""))
    wrong = client.post("/account/second-factor/confirm", data={**token, "code": "000000"})
    assert wrong.status_code == 422
    code = app.at(stage.parts.clock.now())
    page = client.post("/account/second-factor/confirm", data={**token, "code": code}).text
    recovery = re.search(r"<code>(\S+)", page)
    assert recovery
    other = visitor(stage, "zh")
    assert sign_in(other, "wei", GOOD) == 303
    assert other.get("/account").headers["location"] == "/sign-in"
    token = {"csrf": token_on(other, "/sign-in/code")}
    again = other.post("/sign-in/code", data={**token, "code": code})
    assert again.status_code == 401
    assert "验证码不对或已使用过" in again.text
    assert other.post("/sign-in/code", data={**token, "code": recovery[1]}).status_code == 303
    assert "还剩 9 个恢复码" in other.get("/account?lang=zh").text
    token = {"csrf": csrf_of(other, "/account")}
    refused = other.post("/account/second-factor/end", data={**token, "present": "guess"})
    assert refused.status_code == 403
    other.post("/account/second-factor/end", data={**token, "present": GOOD})
    assert sign_in(visitor(stage), "wei", GOOD) == 303


def test_the_step_of_the_code_belongs_to_who_knew_the_password(stage: Stage) -> None:
    client = visitor(stage)
    assert client.get("/sign-in/code").headers["location"] == "/sign-in"
    fields = {"csrf": token_on(client, "/sign-in"), "code": "000000"}
    refused = client.post("/sign-in/code", data=fields)
    assert refused.headers["location"] == "/sign-in"


def test_a_token_is_made_shown_once_and_ended(stage: Stage) -> None:
    client = client_of(stage, "technician")
    csrf = csrf_of(client, "/account/tokens")
    form = {"csrf": csrf, "label": "Wall display", "days": "30", "extent": "read"}
    shown = client.post("/account/tokens", data=form).text
    found = re.search(r"wkt_[\w-]+", shown)
    assert found is not None
    program = TestClient(stage.app)
    mine = {"Authorization": f"Bearer {found[0]}"}
    assert program.get("/api/v1/tickets", headers=mine).status_code == 200
    assert program.post("/api/v1/tickets", headers=mine, json={}).status_code == 403
    listed = client.get("/account/tokens").text
    assert "Wall display" in listed
    assert found[0] not in listed
    ending = re.search(r"/account/tokens/[\w-]+/end", listed)
    assert ending is not None
    assert client.post(ending[0], data={"csrf": csrf}).status_code in (200, 303)
    assert program.get("/api/v1/tickets", headers=mine).status_code == 401


def test_a_token_for_nothing_or_for_ever_is_refused(stage: Stage) -> None:
    client = client_of(stage, "technician")
    csrf = csrf_of(client, "/account/tokens")
    for wrong in ({"extent": "chosen"}, {"days": "9999"}, {"label": " "}):
        form = {"csrf": csrf, "label": "x", "days": "30", "extent": "read", **wrong}
        assert client.post("/account/tokens", data=form).status_code == 422, wrong
    assert "wkt_" not in client.get("/account/tokens").text


def test_the_console_says_every_right_as_the_reference_does() -> None:
    assert dict(PERMISSION) == dict(MEANING)


def test_the_right_to_open_tickets_is_not_called_like_tickets_that_are_open() -> None:
    assert translations("zh").gettext(PERMISSION["tickets.create"]) == "新建工单"
