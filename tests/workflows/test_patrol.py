"""Scans: what each kind of token is taken for, and everything that is refused."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from core import events
from core.badges import Badge, end_badge
from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.people import Person
from core.settings import load
from core.vault import Vault, WrongKey
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.agreed import may_be_located
from tests.workflows.conftest import facts_of
from tests.workflows.patrolled import Post, make_post, tag_of
from workflows.patrol import (
    ACCEPTED,
    BeaconHeard,
    CardAtReader,
    Checkpoint,
    CheckpointToken,
    NewToken,
    Position,
    PrintedCode,
    RotatingCode,
    SignedTap,
    StaticTag,
    WandPoint,
    change_checkpoint,
    lose_token,
    present,
    recover_token,
    replace_token,
    retire_checkpoint,
)

UID = "04A1B2C3D4E5F6"


@pytest.fixture
def post(database: Database, site: SmallSite) -> Post:
    return make_post(database, site)


def test_a_tap_is_taken_once_and_told(post: Post) -> None:
    tag = post.tag()
    address = tag.tap()
    scan = post.show(post.tapped(address))
    assert (scan.verdict, scan.grade, scan.person_id) == (ACCEPTED, "signed", post.guard)
    assert scan.evidence == {"counter": 1, "key_version": 1}
    again = post.show(post.tapped(address))
    assert again.verdict == "replayed"
    [fact] = facts_of(post.database, "scan.record")
    assert (fact.subject_kind, fact.subject_id) == ("scan", str(scan.id))
    assert fact.after is not None
    assert fact.after["asset"] == fact.after["checkpoint"] == str(post.checkpoint_id)
    assert fact.after["person"] == str(post.guard)
    [refused] = facts_of(post.database, "scan.refuse")
    assert refused.after is not None
    assert refused.after["reason"] == "replayed"


def test_the_same_presentation_again_is_the_same_scan_whichever_way_it_comes(post: Post) -> None:
    tap = post.tapped(post.tag().tap())
    first = post.show(tap)
    again = SignedTap(
        address=tap.address, **post.about(id=tap.id, channel="sync", occurred_at=tap.occurred_at)
    )
    second = post.show(again, NOON + timedelta(hours=3))
    assert (second.id, second.verdict, second.received_at) == (first.id, ACCEPTED, NOON)
    assert len(facts_of(post.database, "scan.")) == 1


def test_an_id_that_stands_for_another_scan_is_refused(post: Post) -> None:
    tag = post.tag()
    first = post.tapped(tag.tap())
    post.show(first)
    with pytest.raises(Conflict, match="stands for another scan"):
        post.show(post.tapped(tag.tap(), id=first.id))
    with pytest.raises(Conflict):
        post.show(post.tapped(first.address, id=first.id, person_id=None))


def test_taps_that_were_never_handed_in_are_marked_as_a_gap(post: Post) -> None:
    tag = post.tag()
    assert "counter_gap" not in post.show(post.tapped(tag.address(5))).evidence
    assert post.show(post.tapped(tag.address(6))).evidence["counter"] == 6
    assert "counter_gap" not in post.show(post.tapped(tag.address(7))).evidence
    marked = post.show(post.tapped(tag.address(11)))
    assert (marked.verdict, marked.evidence["counter_gap"]) == (ACCEPTED, 3)


def test_a_tap_that_arrives_behind_a_later_one_is_no_replay(post: Post) -> None:
    tag = post.tag()
    post.show(post.tapped(tag.address(9)))
    assert post.show(post.tapped(tag.address(8))).verdict == "overtaken"
    assert post.show(post.tapped(tag.address(9))).verdict == "replayed"


def test_a_tampered_tag_counts_and_is_marked(post: Post) -> None:
    tag = post.tag()
    words = []
    for word in (b"CC", b"OC", b"OO", b"II", b"NT", b"??"):
        scan = post.show(post.tapped(tag.tap(tamper=word)))
        assert scan.verdict == ACCEPTED
        words.append(scan.evidence.get("tamper"))
    assert words == ["closed", "opened_before", "open", "not_initialised", "not_supported", None]


def test_what_is_no_sound_tap_is_refused_with_its_reason_and_kept(post: Post) -> None:
    tag = post.tag()
    sound = tag.tap()
    wrong = sound[:-1] + ("0" if sound[-1] != "0" else "1")
    # With another key it opens to noise.
    other = tag.tap(flags=0x31)
    cases = {
        wrong: "wrong_mac",
        other: "unreadable",
        "https://wk.example/t": "malformed",
        f"https://wk.example/t?e={'0' * 48}&m={'0' * 16}": "lrp",
        tag.tap(flags=0x87): "no_counter",
        tag.tap(flags=0x47): "no_uid",
    }
    for address, reason in cases.items():
        scan = post.show(post.tapped(address))
        assert scan.verdict == reason, address
    assert post.show(post.tapped(sound)).verdict == ACCEPTED
    assert len(facts_of(post.database, "scan.refuse")) == len(cases)


def test_a_refused_tap_uses_up_no_counter(post: Post) -> None:
    tag = post.tag()
    forged = tag.address(16_000_000)[:-16] + "0" * 16
    assert post.show(post.tapped(forged)).verdict == "wrong_mac"
    assert post.show(post.tapped(tag.tap())).evidence["counter"] == 1


def test_hexadecimal_in_lower_case_is_not_what_a_tag_signs(post: Post) -> None:
    tag = post.tag()
    base, query = tag.tap(tamper=b"CC").split("?")
    assert post.show(post.tapped(f"{base}?{query.lower()}")).verdict == "wrong_mac"
    # Where nothing of the address is signed, its letters can be either, and that is marked.
    base, query = tag.tap().split("?")
    scan = post.show(post.tapped(f"{base}?{query.lower()}"))
    assert (scan.verdict, scan.evidence["lower_case"]) == (ACCEPTED, True)


def test_a_tag_that_mirrors_in_plain_is_taken_alike(post: Post) -> None:
    tag = post.tag()
    assert post.show(post.tapped(tag.plain_address(6))).evidence["counter"] == 6
    assert post.show(post.tapped(tag.address(6))).verdict == "replayed"
    without = f"https://wk.example/t?u={UID}&m={'0' * 16}"
    assert post.show(post.tapped(without)).verdict == "no_counter"


def change(post: Post, put_id: Any, what: Any, **more: Any) -> None:
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, put_id)
        what(session, row, actor=events.SYSTEM, now=NOON, **more)


def test_a_lost_tag_is_refused_until_it_is_found(post: Post) -> None:
    put = post.put("signed_tag", UID)
    tag = tag_of(UID, put)
    change(post, put.token.id, lose_token)
    assert post.show(post.tapped(tag.tap())).verdict == "lost"
    change(post, put.token.id, recover_token)
    assert post.show(post.tapped(tag.tap())).verdict == ACCEPTED


def test_a_tag_that_was_given_new_keys_refuses_the_old_ones_with_the_reason(post: Post) -> None:
    put = post.put("signed_tag", UID)
    old = tag_of(UID, put)
    post.show(post.tapped(old.tap()))
    change(post, put.token.id, lose_token)
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, put.token.id)
        anew = replace_token(
            session,
            row,
            NewToken("signed_tag", UID),
            vault=post.vault,
            actor=events.SYSTEM,
            now=NOON,
        )
        assert (row.state, row.replaced_by) == ("replaced", anew.token.id)
    assert anew.token.key_version == 2
    new = tag_of(UID, anew)
    assert new.file_key != old.file_key
    assert new.meta_key == old.meta_key
    assert post.show(post.tapped(old.tap())).verdict == "replaced"
    scan = post.show(post.tapped(new.tap()))
    assert (scan.verdict, scan.token_id) == (ACCEPTED, anew.token.id)


def test_a_replacement_is_of_the_same_kind(post: Post) -> None:
    put = post.put("signed_tag", UID)
    with pytest.raises(Invalid, match="the token was not replaced"):
        change(post, put.token.id, replace_token, new=NewToken("static_tag", "1"), vault=post.vault)


def test_what_stands_at_a_checkpoint_can_stand_at_no_other(post: Post) -> None:
    post.put("signed_tag", UID)
    with pytest.raises(Conflict, match="stands at a checkpoint already"):
        post.put("signed_tag", "04:a1:b2:c3:d4:e5:f6")


def test_neither_uid_nor_secret_stands_in_the_database(post: Post) -> None:
    put = post.put("signed_tag", UID)
    shown = post.put("rotating_code").secrets["secret"]
    static = post.put("static_tag", "DEADBEEF")
    post.show(post.tapped(tag_of(UID, put).tap()))
    post.show(StaticTag(uid="DEADBEEF", **post.about()))
    with post.database.read() as session:
        rows = [
            *session.query(CheckpointToken).all(),
            *session.query(events.Event).all(),
        ]
        text = repr([vars(row) for row in rows])
    for secret in (UID, UID.lower(), shown, "DEADBEEF", put.secrets["file_read_key"]):
        assert secret not in text
    assert static.secrets == {}


def test_a_tag_of_another_site_is_unknown_here(post: Post) -> None:
    address = post.tag().tap()
    elsewhere = post.site.company_id
    assert post.show(post.tapped(address, site_id=elsewhere)).verdict == "unknown"
    scan = post.show(post.tapped(address, site_id=None))
    assert (scan.verdict, scan.site_id) == (ACCEPTED, post.site.id)
    with pytest.raises(NotFound, match="nobody knows where"):
        post.show(post.tapped("https://wk.example/t", site_id=None))


def test_nothing_counts_at_a_checkpoint_that_is_out_of_use(post: Post) -> None:
    tag = post.tag()
    with post.database.write() as session:
        row = session.get_one(Checkpoint, post.checkpoint_id)
        retire_checkpoint(session, row, actor=events.SYSTEM, now=NOON)
    assert post.show(post.tapped(tag.tap())).verdict == "retired"
    with pytest.raises(Conflict, match="out of use"):
        post.put("static_tag", "1")


def test_an_unknown_channel_is_refused(post: Post) -> None:
    with pytest.raises(Invalid) as caught:
        post.show(post.tapped("x", channel="pigeon"))
    assert caught.value.problems == ("channel: one of online, sync, mqtt, import",)


def test_a_clock_that_is_ahead_is_marked(post: Post) -> None:
    tag = post.tag()
    ahead = post.show(post.tapped(tag.tap(), occurred_at=NOON + timedelta(minutes=9)))
    assert (ahead.verdict, ahead.evidence["clock_ahead_s"]) == (ACCEPTED, 540)
    near = post.show(post.tapped(tag.tap(), occurred_at=NOON + timedelta(minutes=4)))
    assert "clock_ahead_s" not in near.evidence


def code_at(secret: str, seconds: int) -> str:
    return pyotp.TOTP(secret).at(NOON + timedelta(seconds=seconds))


def shown_code(post: Post, code: str, **more: Any) -> RotatingCode:
    return RotatingCode(checkpoint_id=post.checkpoint_id, code=code, **post.about(**more))


def test_a_code_is_used_once_and_none_before_it_any_more(post: Post) -> None:
    secret = post.put("rotating_code").secrets["secret"]
    first = post.show(shown_code(post, code_at(secret, 0)))
    assert (first.verdict, first.grade, first.evidence["steps_off"]) == (ACCEPTED, "present", 0)
    assert post.show(shown_code(post, code_at(secret, 0))).verdict == "replayed"
    assert post.show(shown_code(post, code_at(secret, -30))).verdict == "overtaken"
    later = post.show(shown_code(post, f" {code_at(secret, 30)} "))
    assert (later.verdict, later.evidence["steps_off"]) == (ACCEPTED, 1)


def test_a_code_of_another_time_is_wrong_unless_it_was_kept_since_then(post: Post) -> None:
    secret = post.put("rotating_code").secrets["secret"]
    past = NOON - timedelta(hours=2)
    old = code_at(secret, -7200)
    assert post.show(shown_code(post, old, occurred_at=past)).verdict == "wrong_code"
    kept = post.show(shown_code(post, old, occurred_at=past, channel="sync"))
    assert (kept.verdict, kept.occurred_at, kept.received_at) == (ACCEPTED, past, NOON)


def test_codes_can_not_be_guessed_one_after_the_other(post: Post) -> None:
    secret = post.put("rotating_code").secrets["secret"]
    wrong = next(code for code in ("000000", "111111") if code != code_at(secret, 0))
    for _ in range(5):
        assert post.show(shown_code(post, wrong)).verdict == "wrong_code"
    assert post.show(shown_code(post, code_at(secret, 0))).verdict == "too_many_tries"
    soon = NOON + timedelta(minutes=10, seconds=1)
    code = pyotp.TOTP(secret).at(soon)
    assert post.show(shown_code(post, code), soon).verdict == ACCEPTED


def test_a_display_brings_its_own_secret(post: Post) -> None:
    put = post.put("rotating_code", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq")
    assert put.secrets["secret"] == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert put.secrets["otpauth"].startswith("otpauth://totp/")
    with pytest.raises(Invalid, match="nothing was put there"):
        post.put("rotating_code", "short")


def test_a_lost_display_is_told_from_a_wrong_code(post: Post) -> None:
    put = post.put("rotating_code")
    change(post, put.token.id, lose_token)
    code = code_at(put.secrets["secret"], 0)
    assert post.show(shown_code(post, code)).verdict == "lost"


def at_reader(post: Post, card: str, **more: Any) -> CardAtReader:
    about = {"person_id": None, "channel": "mqtt", "device_id": post.site.devices["pump-1"]}
    return CardAtReader(card=card, **post.about(**{**about, **more}))


def test_a_card_at_a_fixed_reader_is_a_scan_of_its_owner(post: Post) -> None:
    post.put("fixed_reader", device_id=post.site.devices["pump-1"])
    post.badge("04:11:22:33")
    scan = post.show(at_reader(post, "04112233"))
    assert (scan.verdict, scan.grade, scan.person_id) == (ACCEPTED, "present", post.guard)
    assert scan.credential_hash is None
    other = post.show(at_reader(post, "04112233", device_id=post.site.devices["pump-2"]))
    assert (other.verdict, other.checkpoint_id) == ("unknown", None)


def test_a_card_of_nobody_is_kept_as_a_hash_only(post: Post) -> None:
    post.put("fixed_reader", device_id=post.site.devices["pump-1"])
    scan = post.show(at_reader(post, "CAFE01"))
    assert (scan.verdict, scan.person_id) == ("unknown_badge", None)
    assert scan.credential_hash is not None
    assert len(scan.credential_hash) == 64
    [fact] = facts_of(post.database, "scan.refuse")
    assert fact.actor_kind == "device"


def test_a_badge_counts_from_its_beginning_to_its_end_and_while_its_person_works_here(
    post: Post,
) -> None:
    post.put("fixed_reader", device_id=post.site.devices["pump-1"])
    badge = post.badge("77")
    before = at_reader(post, "77", occurred_at=NOON - timedelta(minutes=1))
    assert post.show(before).verdict == "ended_badge"
    with post.database.write() as session:
        row = session.get_one(Badge, badge)
        end_badge(session, row, actor=events.SYSTEM, now=NOON + timedelta(hours=1))
    assert post.show(at_reader(post, "77")).verdict == ACCEPTED
    late = NOON + timedelta(hours=2)
    ended = post.show(at_reader(post, "77", occurred_at=late), late)
    assert (ended.verdict, ended.person_id) == ("ended_badge", post.guard)
    with post.database.write() as session:
        session.get_one(Person, post.guard).left_at = late
    assert post.show(at_reader(post, "77")).verdict == "not_here"


def test_a_badge_is_heard_by_its_gateway_when_it_is_near(post: Post) -> None:
    gateway = post.site.devices["gw-1"]
    post.put("beacon", device_id=gateway, weakest_dbm=-75)
    post.badge("1/2", kind="beacon")
    with post.database.write() as session:
        may_be_located(session, post.guard, post.site.id, NOON)

    def heard(dbm: int | None, badge: str = "1-2") -> BeaconHeard:
        about = post.about(person_id=None, channel="mqtt", device_id=gateway)
        return BeaconHeard(badge=badge, dbm=dbm, **about)

    near = post.show(heard(-75))
    assert (near.verdict, near.grade, near.evidence) == (ACCEPTED, "weak", {"dbm": -75})
    assert post.show(heard(-76)).verdict == "too_faint"
    assert post.show(heard(None)).verdict == "too_faint"
    assert post.show(heard(-40, "9-9")).verdict == "unknown_badge"


def test_plain_tags_and_printed_codes_are_weak_and_known_by_what_they_say(post: Post) -> None:
    post.put("static_tag", "de:ad:be:ef")
    code = post.put("printed_code").secrets["code"]
    tagged = post.show(StaticTag(uid="DEADBEEF", **post.about()))
    assert (tagged.verdict, tagged.grade) == (ACCEPTED, "weak")
    assert post.show(PrintedCode(code=code, **post.about())).verdict == ACCEPTED
    assert post.show(PrintedCode(code=code.upper(), **post.about())).verdict == "unknown"
    assert post.show(StaticTag(uid=code, **post.about())).verdict == "unknown"


def test_a_code_that_hangs_there_already_is_taken_over(post: Post) -> None:
    post.put("printed_code", "https://old.example/P7")
    scan = post.show(PrintedCode(code="https://old.example/P7", **post.about()))
    assert scan.verdict == ACCEPTED


def fenced(post: Post) -> None:
    place = {"latitude": 31.2304, "longitude": 121.4737, "radius_m": 30.0}
    with post.database.write() as session:
        row = session.get_one(Checkpoint, post.checkpoint_id)
        change_checkpoint(session, row, place, actor=events.SYSTEM, now=NOON)
        may_be_located(session, post.guard, post.site.id, NOON)
    post.put("position")


@pytest.mark.parametrize(
    ("latitude", "accuracy", "verdict"),
    [
        (31.2304, 10.0, ACCEPTED),
        (31.23066, 30.0, ACCEPTED),
        (31.2307, 10.0, "outside"),
        (31.2304, 31.0, "inaccurate"),
        (31.2304, -1.0, "inaccurate"),
        (91.0, 10.0, "malformed"),
        (float("nan"), 10.0, "malformed"),
        (31.2304, float("inf"), "malformed"),
    ],
)
def test_a_position_counts_within_the_fence_when_it_is_exact_enough(
    post: Post, latitude: float, accuracy: float, verdict: str
) -> None:
    fenced(post)
    fix = Position(
        checkpoint_id=post.checkpoint_id,
        latitude=latitude,
        longitude=121.4737,
        accuracy_m=accuracy,
        **post.about(),
    )
    scan = post.show(fix)
    assert (scan.verdict, scan.grade) == (verdict, "weak")
    # How far, never where: positions of people are not kept.
    assert set(scan.evidence) <= {"distance_m", "accuracy_m"}


def test_a_fence_needs_a_position(post: Post) -> None:
    with pytest.raises(Invalid) as caught:
        post.put("position")
    assert caught.value.problems == ("kind: give the checkpoint a position first",)
    fenced(post)
    with post.database.write() as session:
        row = session.get_one(Checkpoint, post.checkpoint_id)
        nowhere = {"latitude": None, "longitude": None}
        change_checkpoint(session, row, nowhere, actor=events.SYSTEM, now=NOON)
    fix = Position(
        checkpoint_id=post.checkpoint_id,
        latitude=31.2304,
        longitude=121.4737,
        accuracy_m=5.0,
        **post.about(),
    )
    assert post.show(fix).verdict == "no_fence"


def test_a_line_of_a_wand_counts_also_when_nobody_knows_who_carried_it(post: Post) -> None:
    post.put("wand", "0012345678")
    post.badge("000777")
    about = post.about(person_id=None, channel="import")
    known = post.show(WandPoint(point="12345678", guard="777", **about))
    assert (known.verdict, known.grade, known.person_id) == (ACCEPTED, "weak", post.guard)
    stranger = post.show(WandPoint(point="12345678", guard="888", **{**about, "id": new_id()}))
    assert (stranger.verdict, stranger.person_id) == (ACCEPTED, None)
    assert stranger.credential_hash is not None


def test_of_many_who_present_the_same_counter_at_once_one_is_accepted(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    address = post.tag().tap()
    scans = in_threads(6, lambda _: post.show(post.tapped(address)))
    assert sorted(scan.verdict for scan in scans) == [ACCEPTED, *["replayed"] * 5]


def test_of_many_who_use_the_same_code_at_once_one_is_accepted(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    code = code_at(post.put("rotating_code").secrets["secret"], 0)
    scans = in_threads(6, lambda _: post.show(shown_code(post, code)))
    assert sorted(scan.verdict for scan in scans) == [ACCEPTED, *["replayed"] * 5]


def test_of_several_counters_at_once_no_gap_is_counted_twice(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    tag = post.tag()
    post.show(post.tapped(tag.address(1)))
    scans = in_threads(6, lambda number: post.show(post.tapped(tag.address(2 + 2 * number))))
    taken = [scan for scan in scans if scan.verdict == ACCEPTED]
    newest = max(scan.evidence["counter"] for scan in taken)
    gaps = sum(scan.evidence.get("counter_gap", 0) for scan in taken)
    assert newest == 12
    assert gaps == newest - 1 - len(taken)


def test_the_same_presentation_sent_twice_at_once_is_one_scan(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    tap = post.tapped(post.tag().tap())
    scans = in_threads(6, lambda _: post.show(tap))
    assert {(scan.id, scan.verdict) for scan in scans} == {(tap.id, ACCEPTED)}
    assert len(facts_of(post.database, "scan.")) == 1


def test_the_key_of_the_company_is_drawn_once_whoever_needs_it_first(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    uids = [f"04A1B2C3D4E5F{number}" for number in range(4)]
    puts = in_threads(4, lambda number: post.put("signed_tag", uids[number]))
    assert len({put.secrets["meta_read_key"] for put in puts}) == 1
    assert len({put.secrets["file_read_key"] for put in puts}) == 4


def test_a_tag_that_is_reported_lost_while_it_is_presented_is_refused(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    put = post.put("signed_tag", UID)
    tap = post.tapped(tag_of(UID, put).tap())
    with ThreadPoolExecutor(1) as pool:
        with post.database.write() as session:
            row = session.get_one(CheckpointToken, put.token.id)
            lose_token(session, row, actor=events.SYSTEM, now=NOON)
            waiting = pool.submit(post.show, tap)
            # It found the tag active and waits for this transaction to use up the counter.
            assert not wait([waiting], timeout=1).done
        assert waiting.result(10).verdict == "lost"


def test_without_the_key_that_sealed_them_no_tag_is_judged(post: Post) -> None:
    tap = post.tapped(post.tag().tap())
    other = Vault(load(secret_key="another key than that of the tests"))
    with post.database.write() as session, pytest.raises(WrongKey):
        present(session, tap, vault=other, now=NOON)
    assert facts_of(post.database, "scan.") == []
