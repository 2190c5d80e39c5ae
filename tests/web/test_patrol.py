"""Pages of patrols without a browser: what they show to whom, what forms do, what is refused."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.badges import Badge
from core.db import Database
from tests.web.conftest import client_of
from tests.web.markup import read
from tests.web.patrolling import (
    UID,
    about,
    checkpoint,
    day_of_scans,
    field_of,
    form,
    put,
    sent,
    show,
    signed_tag,
)
from tests.web.stage import Stage
from workflows import patrol

WHERE = {"space": "", "criticality": "high", "latitude": "31,23", "longitude": "121.47"}
SECRETS = re.compile(r"\b[0-9A-F]{32}\b")


def version_of(stage: Stage, point: object) -> int:
    with stage.parts.database.read() as session:
        return session.get_one(patrol.Checkpoint, point).version


def tokens(database: Database) -> list[patrol.CheckpointToken]:
    with database.read() as session:
        statement = select(patrol.CheckpointToken).order_by(patrol.CheckpointToken.id)
        return list(session.scalars(statement))


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_page_has_one_heading_labels_and_nothing_inline(stage: Stage, locale: str) -> None:
    made = day_of_scans(stage)
    client = client_of(stage, locale=locale)
    site = f"site={stage.site_id}"
    kinds = [f"/checkpoints/{made['roof']}/tokens/new?kind={kind}" for kind in patrol.KINDS]
    for address in (
        f"/checkpoints?{site}",
        f"/checkpoints?{site}&view=quiet&hours=8",
        f"/checkpoints/new?{site}",
        f"/checkpoints/{made['gate']}",
        f"/checkpoints/{made['roof']}/tokens/new",
        *kinds,
        f"/checkpoint-tokens/{made['token']}/replace",
        f"/scans?{site}",
        f"/scans/{made['scan']}",
        f"/badges?{site}",
        f"/checkpoint-labels?{site}",
        f"/wand-exports?{site}",
        "/t?q=abc",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = read(answer.text)
        assert page.headings.count("h1") == 1, address
        assert page.without_label == [], address
        assert page.inline == [], address
        assert len(page.ids) == len(set(page.ids)), address
        assert all(one["csrf"] for one in page.forms if one["method"] == "post"), address


def test_a_checkpoint_is_made_changed_retired_and_taken_in_again(stage: Stage) -> None:
    client = client_of(stage)
    names = {"name_en": "Roof door", "name_zh": "天台门"}
    page = sent(client, "/checkpoints", site=str(stage.site_id), code="roof-door", **names, **WHERE)
    point = page.url.path.rsplit("/", 1)[1]
    assert "31.230000, 121.470000" in page.text
    moved = {"latitude": "31.5", "longitude": "121.5", "radius_m": "12"}
    page = sent(client, f"/checkpoints/{point}/change", version="1", **moved)
    assert "31.500000, 121.500000" in page.text
    away = dict.fromkeys(moved, "")
    page = sent(client, f"/checkpoints/{point}/change", version="2", **away)
    assert "no phone can be told to be near" in page.text
    page = sent(
        client,
        f"/checkpoints/{point}/change",
        version="3",
        name_en="Door to the roof",
        name_zh="",
        space="",
        criticality="low",
    )
    assert "Door to the roof" in page.text
    page = sent(client, f"/checkpoints/{point}/retire", version="4")
    assert "Take into use again" in page.text
    assert "/tokens/new" not in page.text
    page = sent(client, f"/checkpoints/{point}/reactivate", version="5")
    assert "Take out of use" in page.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"latitude": "north"}, "latitude: a number"),
        ({"latitude": "95"}, "latitude: -90 to 90"),
        ({"longitude": ""}, "give both, or neither"),
        ({"radius_m": "2"}, "radius_m: 5 to 1000"),
        ({"space": "here"}, "space: choose one"),
        ({"site": ""}, "site: choose one"),
        ({"name_en": ""}, "name"),
    ],
)
def test_a_checkpoint_that_makes_no_sense_is_refused_with_what_to_correct(
    stage: Stage, fields: dict[str, str], told: str
) -> None:
    client = client_of(stage)
    right = {"site": str(stage.site_id), "code": "roof-door", "name_en": "Roof door", **WHERE}
    answer = form(client, "/checkpoints", **{**right, **fields})
    assert answer.status_code == 422
    assert told in answer.text


def test_a_form_that_is_older_than_the_last_change_is_refused(stage: Stage) -> None:
    point = checkpoint(stage, "gate")
    client = client_of(stage)
    sent(client, f"/checkpoints/{point}/change", version="1", latitude="31", longitude="121")
    again = form(client, f"/checkpoints/{point}/change", version="1", latitude="1", longitude="1")
    assert again.status_code == 412
    assert form(client, f"/checkpoints/{point}/retire", version="1").status_code == 412
    assert form(client, f"/checkpoints/{point}/retire", version="x").status_code == 422
    token = put(stage, point, "static_tag", "12").token.id
    sent(client, f"/checkpoint-tokens/{token}/lose", version="1")
    assert form(client, f"/checkpoint-tokens/{token}/find", version="1").status_code == 412
    assert version_of(stage, point) == 2


def test_the_list_finds_what_has_nothing_what_is_quiet_and_by_name(stage: Stage) -> None:
    day_of_scans(stage)
    client, site = client_of(stage), f"/checkpoints?site={stage.site_id}"
    whole = client.get(site).text
    assert whole.index("garage-exit") < whole.index("gate-north") < whole.index("roof-b1")
    assert "Guard Xu" in whole
    # The same words as everywhere.
    for kind in ("signed_tag", "printed_code", "position"):
        known = patrol.KINDS[kind]
        assert (known.proves if kind == "signed_tag" else known.cannot).en in whole
    bare = client.get(f"{site}&view=bare").text
    assert "garage-exit" in bare
    assert "gate-north" not in bare
    assert "gate-north" not in client.get(f"{site}&view=quiet").text
    assert "Every checkpoint was scanned" not in client.get(f"{site}&view=quiet").text
    named = client.get(f"{site}&q=车库").text
    assert "garage-exit" in named
    assert "gate-north" not in named
    assert client.get(f"{site}&view=loud").status_code == 422


def test_a_long_list_comes_page_by_page(stage: Stage) -> None:
    for number in range(52):
        checkpoint(stage, f"post-{number:02}")
    client = client_of(stage)
    first = client.get(f"/checkpoints?site={stage.site_id}").text
    assert "post-49" in first
    assert "post-50" not in first
    onward = re.search(r'href="(/checkpoints\?[^"]*after=[^"]*)"', first)
    assert onward is not None
    second = client.get(onward[1].replace("&amp;", "&")).text
    assert ">post-51<" in second
    assert ">post-49<" not in second


def test_scans_say_in_words_what_was_refused_and_what_was_noticed(stage: Stage) -> None:
    made = day_of_scans(stage)
    client = client_of(stage)
    page = client.get(f"/checkpoints/{made['gate']}").text
    assert "3 taps of this tag before it were never sent." in page
    assert "The seal of the tag is broken." in page
    assert patrol.REASONS["overtaken"].en in page
    page = client.get(f"/scans?site={stage.site_id}&lang=zh").text
    assert "距巡更点 14.6 米，定位误差 90 米。" in page
    assert patrol.REASONS["inaccurate"].zh in page
    assert patrol.REASONS["unknown"].zh in page


def test_scans_are_found_by_checkpoint_person_verdict_and_day(stage: Stage) -> None:
    made = day_of_scans(stage)
    client, site = client_of(stage), f"/scans?site={stage.site_id}"

    def count(query: str) -> int:
        page = client.get(f"{site}&{query}")
        assert page.status_code == 200, query
        return len(re.findall(r'<p class="item-title"><a href="/scans/', page.text))

    assert count("") == 7
    assert count(f"checkpoint={made['gate']}") == 4
    assert count("verdict=accepted") == 4
    assert count("verdict=refused") == 3
    assert count("verdict=inaccurate") == 1
    assert count(f"person={made['guard']}&why=quality") == 7
    assert count(f"person={made['gate']}&why=quality") == 0
    assert count("day=2020-01-01") == 0
    for wrong in ("verdict=lovely", "day=soon", "day=9999-12-31", "checkpoint=gate"):
        assert client.get(f"{site}&{wrong}").status_code == 422, wrong


def test_more_scans_than_a_page_come_one_after_another(stage: Stage) -> None:
    point = checkpoint(stage, "gate")
    put(stage, point, "static_tag", "12")
    guard = stage.person("Guard Xu", "guard")
    for number in range(53):
        ago = timedelta(minutes=number)
        show(stage, patrol.StaticTag(uid="12", **about(stage, guard, ago=ago)))
    client = client_of(stage)
    first = client.get(f"/scans?site={stage.site_id}").text
    found = re.findall(r'<p class="item-title"><a href="/scans/([^"]+)"', first)
    onward = re.search(r'href="(/scans\?[^"]*before=[^"]*)"', first)
    assert onward is not None
    second = client.get(onward[1].replace("&amp;", "&")).text
    rest = re.findall(r'<p class="item-title"><a href="/scans/([^"]+)"', second)
    assert (len(found), len(rest), len({*found, *rest})) == (50, 3, 53)


def test_a_technician_sees_when_and_not_who_and_no_buttons(stage: Stage) -> None:
    made = day_of_scans(stage)
    client = client_of(stage, "technician")
    for address in (
        f"/checkpoints?site={stage.site_id}",
        f"/checkpoints/{made['gate']}",
        f"/scans?site={stage.site_id}",
    ):
        page = client.get(address).text
        assert "Guard Xu" not in page, address
        assert "never sent" not in page, address
        assert "/tokens/new" not in page, address
        assert 'action="/checkpoints/' not in page, address
    assert client.get(f"/scans/{made['scan']}").status_code == 404
    for address in ("/badges", "/checkpoint-labels", "/wand-exports", "/checkpoints/new"):
        assert client.get(address).status_code == 403, address
    new = client.get(f"/checkpoints/{made['gate']}/tokens/new")
    assert new.status_code == 403
    assert form(client, f"/checkpoints/{made['gate']}/retire", version="1").status_code == 403


def test_keys_of_a_signed_tag_are_shown_once_and_never_kept_by_a_browser(stage: Stage) -> None:
    point = checkpoint(stage, "gate")
    client = client_of(stage)
    page = client.get(f"/checkpoints/{point}/tokens/new?kind=signed_tag").text
    fields = {"kind": "signed_tag", "value": "04:a1:b2:c3:d4:e5:f6", "seen": field_of(page, "seen")}
    answer = form(client, f"/checkpoints/{point}/tokens", **fields)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    keys = SECRETS.findall(answer.text)
    assert len({*keys} - {"0" * 32}) == 3
    assert "never again" in answer.text
    for address in (f"/checkpoints/{point}", f"/checkpoints?site={stage.site_id}", "/live"):
        assert not {*keys} & {*SECRETS.findall(client.get(address).text)}
    # Sent a second time by a page that is loaded again, it puts nothing and shows nothing.
    again = form(client, f"/checkpoints/{point}/tokens", **fields)
    assert again.status_code == 412
    assert SECRETS.findall(again.text) == []


def test_a_reload_never_replaces_what_was_just_shown(stage: Stage) -> None:
    point = checkpoint(stage, "gate")
    client = client_of(stage)
    fields = {"kind": "rotating_code", "seen": ""}
    page = sent(client, f"/checkpoints/{point}/tokens", **fields)
    assert "data:image/svg+xml" in page.text
    assert form(client, f"/checkpoints/{point}/tokens", **fields).status_code == 412
    [token] = tokens(stage.parts.database)
    replaced = {"version": "1"}
    sent(client, f"/checkpoint-tokens/{token.id}/replace", **replaced)
    again = form(client, f"/checkpoint-tokens/{token.id}/replace", **replaced)
    assert again.status_code == 409
    assert [one.state for one in tokens(stage.parts.database)] == ["replaced", "active"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"kind": "signed_tag", "value": "123"}, "14 hexadecimal digits"),
        ({"kind": "rotating_code", "value": "short"}, "base32"),
        ({"kind": "wand", "value": ""}, "value"),
        ({"kind": "fixed_reader", "device": ""}, "device"),
        ({"kind": "fixed_reader", "device": "there"}, "device: choose one"),
        ({"kind": "beacon", "weakest_dbm": "loud"}, "weakest_dbm: a whole number"),
        ({"kind": "position"}, "position first"),
        ({"kind": "magic"}, "kind: one of"),
    ],
)
def test_what_cannot_be_scanned_is_refused(stage: Stage, fields: dict[str, str], told: str) -> None:
    point = checkpoint(stage, "gate")
    answer = form(client_of(stage), f"/checkpoints/{point}/tokens", seen="", **fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert tokens(stage.parts.database) == []


def test_a_reader_is_chosen_from_the_devices_of_the_site(stage: Stage) -> None:
    point, device = checkpoint(stage, "gate"), stage.unknown_device("reader-7", {"a": 1})
    client = client_of(stage)
    page = client.get(f"/checkpoints/{point}/tokens/new?kind=fixed_reader").text
    assert "reader-7" in page
    page = sent(
        client, f"/checkpoints/{point}/tokens", kind="fixed_reader", seen="", device=str(device)
    ).text
    assert "reader-7" in page
    assert client.get(f"/checkpoints/{point}/tokens/new?kind=magic").status_code == 404


def test_a_lost_tag_is_refused_found_again_and_replaced_with_new_keys(stage: Stage) -> None:
    point = checkpoint(stage, "gate")
    tag = signed_tag(stage, point)
    [token] = tokens(stage.parts.database)
    client, guard = client_of(stage), stage.person("Guard Xu", "guard")
    page = sent(client, f"/checkpoint-tokens/{token.id}/lose", version="1").text
    assert "It was found again" in page
    assert show(stage, patrol.SignedTap(address=tag.tap(), **about(stage, guard))).verdict == "lost"
    sent(client, f"/checkpoint-tokens/{token.id}/find", version="2")
    page = client.get(f"/checkpoint-tokens/{token.id}/replace").text
    put_ = sent(
        client,
        f"/checkpoint-tokens/{token.id}/replace",
        version=field_of(page, "version"),
        value=UID,
    ).text
    assert "keys no. 2" in put_
    after = show(stage, patrol.SignedTap(address=tag.tap(), **about(stage, guard)))
    assert after.verdict == "replaced"
    assert client.get(f"/checkpoint-tokens/{token.id}/replace").status_code == 409


def test_badges_are_issued_listed_by_person_and_ended(stage: Stage) -> None:
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    client = client_of(stage)
    fields = {"site": str(stage.site_id), "person": str(guard), "kind": "card", "label": "No. 17"}
    page = sent(
        client, "/badges", **fields, number="000777", starts="2026-01-01T08:00", ends=""
    ).text
    assert "No. 17" in page
    assert "000777" not in page
    assert form(client, "/badges", **fields, number="777").status_code == 409
    assert "No. 17" in client.get(f"/badges?person={guard}").text
    assert "No. 17" not in client.get(f"/badges?person={stage.person('Li', 'guard')}").text
    with stage.parts.database.read() as session:
        badge = session.scalars(select(Badge.id)).one()
    assert "Ended" in sent(client, f"/badges/{badge}/end").text
    assert form(client, f"/badges/{badge}/end").status_code == 409
    for wrong in ({"person": ""}, {"number": "-"}, {"starts": "soon"}, {"kind": "ring"}):
        answer = form(client, "/badges", **{**fields, "number": "9", **wrong})
        assert answer.status_code == 422, wrong
    assert f"/badges?person={guard}" in client.get(f"/people/{guard}").text


def test_an_auditor_sees_badges_and_issues_none(stage: Stage) -> None:
    made = day_of_scans(stage)
    client = client_of(stage, "auditor")
    page = client.get(f"/badges?site={stage.site_id}").text
    assert "No. 17" in page
    assert 'action="/badges' not in page.replace('method="get" action="/badges"', "")
    assert form(client, f"/badges/{made['badge']}/end").status_code == 403


def test_a_checkpoint_and_its_asset_lead_to_each_other_and_the_search_finds_it(
    stage: Stage,
) -> None:
    point = checkpoint(stage, "gate", "Main gate", "大门")
    client = client_of(stage)
    assert f'href="/checkpoints/{point}"' in client.get(f"/assets/{point}").text
    assert f'href="/assets/{point}"' in client.get(f"/checkpoints/{point}").text
    assert f'href="/assets/{point}"' in client.get("/search?q=大门").text
    pump = stage.assets["b1-pump-1"]
    assert "/checkpoints/" not in client.get(f"/assets/{pump}").text
    assert client.get(f"/checkpoints/{pump}").status_code == 404
