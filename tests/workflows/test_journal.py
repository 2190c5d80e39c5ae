"""Journals of phones: taken once, whole and in order, each entry by the function of its kind."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.browser_keys import is_signed
from core.db import Database
from core.ids import new_id
from core.personal import keys_of, unseal
from tests.fixtures import SmallSite
from tests.guard_phone import GuardPhone
from tests.threads import in_threads
from tests.workflows.conftest import facts_of
from tests.workflows.phoned import Phoned, colleague, make_phoned
from tests.workflows.walked import CODES, MINUTE, TEN, uid_of
from workflows.patrol.journal import taking
from workflows.patrol.journal.model import GuardFile, JournalFork
from workflows.patrol.journal.taking import Gap, Unchained
from workflows.patrol.journal.verdicts import describe_verdict, reasons
from workflows.patrol.model import Scan
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.refusals import PhoneRefused
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds.model import PatrolContact
from workflows.tickets.model import Ticket


@pytest.fixture
def phoned(database: Database, site: SmallSite) -> Phoned:
    return make_phoned(database, site)


def go_a_round(phoned: Phoned) -> None:
    """Sign in, begin the round, scan its three points, and sign out."""
    phone, at = phoned.phone, TEN + MINUTE
    phoned.enter(phoned.walk.guard, at)
    phone.note("round_start", at + MINUTE, round=str(phoned.walk.first))
    for minute, code in enumerate(CODES, 2):
        phone.scan(uid_of(code), at + minute * MINUTE)
    phone.note("sign_out", at + 10 * MINUTE, why="self")


def scans(phoned: Phoned) -> list[Scan]:
    with phoned.database.read() as session:
        return list(session.scalars(select(Scan).order_by(Scan.occurred_at)))


def test_a_round_that_was_gone_without_signal_arrives_whole_and_in_order(phoned: Phoned) -> None:
    go_a_round(phoned)
    taken = phoned.hand_in(TEN + 45 * MINUTE)
    assert [row.seq for row in taken.entries] == list(range(1, 7))
    assert {row.verdict for row in taken.entries} == {"accepted"}
    shown = phoned.walk.shown()
    assert (shown["state"], shown["person_id"]) == ("complete", phoned.walk.guard)
    assert shown["began_at"] == TEN + 2 * MINUTE
    assert [scan.channel for scan in scans(phoned)] == ["sync"] * 3
    evidence = scans(phoned)[0].evidence
    assert (evidence["phone"], evidence["seq"]) == (str(phoned.phone.id), 3)
    # What is asked of phones depends on whose they are and on their steady clock.
    assert (evidence["shared"], evidence["boot"]) == (True, phoned.phone.boot)
    assert evidence["mono_ms"] > 0
    row = phoned.row()
    assert (row.accepted, row.head_hash) == (6, phoned.phone.hash_of(6))
    told = describe_verdict(taken.entries[3])
    assert (told["position"], told["round_id"]) == (1, str(phoned.walk.first))


def test_what_is_handed_in_as_it_is_made_is_online(phoned: Phoned) -> None:
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.scan(uid_of("gate"), TEN + MINUTE)
    phoned.hand_in(TEN + MINUTE + timedelta(seconds=5))
    assert [scan.channel for scan in scans(phoned)] == ["online"]


def test_the_same_again_changes_nothing_and_says_the_same(phoned: Phoned) -> None:
    go_a_round(phoned)
    first = phoned.hand_in(TEN + 45 * MINUTE)
    facts = len(facts_of(phoned.database, ""))
    again = phoned.hand_in(TEN + 50 * MINUTE)
    assert [describe_verdict(row) for row in again.entries] == [
        describe_verdict(row) for row in first.entries
    ]
    assert len(facts_of(phoned.database, "")) == facts
    # Parts of it, and some that are known with some that are new.
    phoned.phone.note("battery", TEN + 46 * MINUTE, percent=9, charging=False)
    assert [row.seq for row in phoned.hand_in(TEN + 50 * MINUTE, 3, 4).entries] == [3, 4]
    assert [row.seq for row in phoned.hand_in(TEN + 50 * MINUTE, 5).entries] == [5, 6, 7]
    assert phoned.row().accepted == 7


def test_a_batch_behind_a_gap_is_refused_with_where_to_go_on(phoned: Phoned) -> None:
    go_a_round(phoned)
    phoned.hand_in(TEN + 45 * MINUTE, 1, 2)
    with pytest.raises(Gap) as refused:
        phoned.hand_in(TEN + 45 * MINUTE, 4)
    assert refused.value.members == {"code": "gap", "accepted": 2}
    assert len(phoned.told()) == 2


def spoil_text(phone: GuardPhone) -> None:
    phone.entries[2] = phone.entries[2].replace("static_tag", "printed_code")


def spoil_seq(phone: GuardPhone) -> None:
    phone.entries[2] = phone.entries[2].replace('"seq": 3', '"seq": 4')


def spoil_json(phone: GuardPhone) -> None:
    phone.entries[5] = phone.entries[5][:-1]


def spoil_time(phone: GuardPhone) -> None:
    entry = {**json.loads(phone.entries[5]), "at": "yesterday"}
    phone.entries[5] = json.dumps(entry)


def spoil_offset(phone: GuardPhone) -> None:
    entry = {**json.loads(phone.entries[5]), "offset_ms": 10**15}
    phone.entries[5] = json.dumps(entry)


@pytest.mark.parametrize("spoil", [spoil_text, spoil_seq, spoil_json, spoil_time, spoil_offset])
def test_entries_that_do_not_hold_together_are_refused_whole(
    phoned: Phoned, spoil: Callable[[GuardPhone], None]
) -> None:
    go_a_round(phoned)
    spoil(phoned.phone)
    with pytest.raises(Unchained):
        phoned.hand_in(TEN + 45 * MINUTE)
    assert (phoned.told(), phoned.row().accepted) == ([], 0)


def test_entries_that_another_key_signed_are_refused(phoned: Phoned) -> None:
    go_a_round(phoned)
    thief = GuardPhone(id=phoned.phone.id, entries=list(phoned.phone.entries))
    for signature in (thief.batch()[1], "", "x", phoned.phone.batch(1, 5)[1]):
        with pytest.raises(Unchained):
            phoned.hand_in(TEN + 45 * MINUTE, signature=signature)
    assert phoned.told() == []


def test_another_entry_under_a_known_number_is_kept_marked_and_counts_for_nothing(
    phoned: Phoned,
) -> None:
    go_a_round(phoned)
    phoned.hand_in(TEN + 45 * MINUTE)
    copy = GuardPhone(
        id=phoned.phone.id, private=phoned.phone.private, entries=phoned.phone.entries[:4]
    )
    copy.person = phoned.walk.guard
    copy.scan(uid_of("roof"), TEN + 50 * MINUTE)
    copy.scan(uid_of("roof"), TEN + 55 * MINUTE)
    for _ in range(2):
        assert phoned.hand_in(TEN + 56 * MINUTE, 4, phone=copy).forked_at == 5
    assert len(scans(phoned)) == 3
    with phoned.database.read() as session:
        kept = session.scalars(select(JournalFork.seq).order_by(JournalFork.seq)).all()
    assert kept == [5, 6]
    assert phoned.row().forked_at == TEN + 56 * MINUTE
    [fact] = facts_of(phoned.database, "phone.fork")
    assert fact.after == {"seq": 5}
    # The journal that was known first goes on.
    phoned.phone.note("battery", TEN + 58 * MINUTE, percent=5, charging=False)
    assert phoned.hand_in(TEN + 58 * MINUTE, 7).forked_at is None
    # One that follows an entry nobody knows is a fork as well, without a number that is taken.
    copy.entries += copy.entries[5:]
    copy.entries[6:] = []
    copy.note("battery", TEN + 59 * MINUTE, percent=4, charging=False)
    copy.note("battery", TEN + 60 * MINUTE, percent=3, charging=False)
    assert phoned.hand_in(TEN + 60 * MINUTE, 8, phone=copy).forked_at == 8


def test_a_refused_entry_does_not_stop_the_ones_behind_it(phoned: Phoned) -> None:
    phone, at = phoned.phone, TEN + MINUTE
    other = colleague(phoned)
    phone.note("scan", at, shown={"kind": "static_tag", "uid": uid_of("gate")})
    phoned.enter(phoned.walk.guard, at)
    phone.note("scan", at, shown={"kind": "magic"})
    phone.note("scan", at, shown={"kind": "position", "latitude": "north"})
    phone.note("file", at, file=str(phone.id), what=["photo"], sha256="0" * 64, bytes=1)
    phone.scan("04DEADBEEF", at)
    phone.note("round_start", at, round=str(phone.id))
    phone.note("round_start", at - timedelta(hours=5), round=str(phoned.walk.first))
    phone.note("report_more", at, report=str(phone.id), text="?")
    phone.note("hologram", at)
    phone.person = other
    phone.scan(uid_of("gate"), at)
    phone.note("sign_in", at, by="offline")
    phone.person = phoned.walk.guard
    phone.scan(uid_of("gate"), at)
    phone.sign_in(phoned.walk.guard, at, by="offline")
    phone.scan(uid_of("gate"), at + MINUTE)
    phoned.hand_in(TEN + 45 * MINUTE)
    assert phoned.verdicts() == [
        ("scan", "refused", "not_signed_in"),
        ("sign_in", "accepted", None),
        ("scan", "refused", "malformed"),
        ("scan", "refused", "malformed"),
        ("file", "refused", "malformed"),
        ("scan", "refused", "unknown"),
        ("round_start", "refused", "no_round"),
        ("round_start", "refused", "cannot_begin"),
        ("report_more", "refused", "no_report"),
        ("hologram", "not_understood", None),
        ("scan", "refused", "not_signed_in"),
        # Who never signed in here with signal is not let in, and lets nobody else stay.
        ("sign_in", "refused", "unknown_here"),
        ("scan", "refused", "not_signed_in"),
        ("sign_in", "accepted", None),
        ("scan", "accepted", None),
    ]
    assert {reason for _, _, reason in phoned.verdicts() if reason} <= reasons().keys()


def test_a_personal_phone_is_of_its_person_alone(phoned: Phoned) -> None:
    mine = GuardPhone()
    phoned.enrol(mine, kind="personal", person=phoned.walk.guard)
    with pytest.raises(PhoneRefused) as refused:
        phoned.online(colleague(phoned), TEN, mine)
    assert refused.value.members == {"code": "not_yours"}
    phoned.online(phoned.walk.guard, TEN, mine)


def test_who_is_let_in_without_signal_for_too_long_is_marked(phoned: Phoned) -> None:
    phoned.online(phoned.walk.guard, TEN)
    phoned.phone.sign_in(phoned.walk.guard, TEN + timedelta(hours=11), by="offline")
    # That it had signal is what the phone says; the server would know.
    for by in ("offline", "online"):
        phoned.phone.sign_in(phoned.walk.guard, TEN + timedelta(hours=13), by=by)
    phoned.hand_in(TEN + timedelta(hours=14))
    assert [row.marks for row in phoned.told()] == [["offline"], ["late_sign_in"], ["late_sign_in"]]


def told_until(phoned: Phoned, person: UUID) -> datetime | None:
    with phoned.database.read() as session:
        row = session.get(PatrolContact, person)
        return None if row is None else row.told_until


def test_guards_change_on_a_post_phone_and_it_tells_for_both(phoned: Phoned) -> None:
    other = colleague(phoned)
    phoned.online(other, TEN)
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.scan(uid_of("gate"), TEN + MINUTE)
    phoned.phone.sign_in(other, TEN + 3 * MINUTE)
    phoned.phone.scan(uid_of("gate"), TEN + 4 * MINUTE)
    # As long as it holds more, nobody knows what that is.
    phoned.hand_in(TEN + 5 * MINUTE, 1, 3)
    assert [told_until(phoned, who) for who in (phoned.walk.guard, other)] == [None, None]
    phoned.hand_in(TEN + 6 * MINUTE, 4)
    assert [told_until(phoned, who) for who in (phoned.walk.guard, other)] == [TEN + 6 * MINUTE] * 2
    assert [scan.person_id for scan in scans(phoned)] == [phoned.walk.guard, other]
    # A phone that has nothing new tells that.
    phoned.hand_in(TEN + 9 * MINUTE, phoned.phone.head + 1)
    assert told_until(phoned, phoned.walk.guard) == TEN + 9 * MINUTE


def test_a_photo_goes_into_no_report_of_another_guard(phoned: Phoned) -> None:
    other, phone = colleague(phoned), phoned.phone
    phoned.online(other, TEN)
    phoned.enter(phoned.walk.guard, TEN)
    taken = [new_id(), new_id()]
    for one in taken:
        phone.note("file", TEN + MINUTE, file=str(one), what="photo", sha256="0" * 64, bytes=9)
    phone.note("report", TEN + 2 * MINUTE, choice="leak", files=[str(taken[0])])
    phone.sign_in(other, TEN + 3 * MINUTE)
    phone.note("report", TEN + 4 * MINUTE, choice="leak", files=[str(taken[1])])
    phoned.hand_in(TEN + 5 * MINUTE)
    with phoned.database.read() as session:
        of = {one.id: one.report_id for one in session.scalars(select(GuardFile))}
        by = {one.person_id: one.id for one in session.scalars(select(GuardReport))}
    assert of == {taken[0]: by[phoned.walk.guard], taken[1]: None}


def test_a_phone_that_was_handed_over_is_not_heard_for_who_left_it(phoned: Phoned) -> None:
    other = colleague(phoned)
    phoned.online(other, TEN)
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.note("sign_out", TEN + 2 * MINUTE, why="changed")
    phoned.phone.sign_in(other, TEN + 3 * MINUTE)
    for minute in (4, 60):
        phoned.hand_in(TEN + minute * MINUTE)
        with phoned.database.read() as session:
            heard = {row.person_id: row.heard_at for row in session.scalars(select(PatrolContact))}
        assert heard == {phoned.walk.guard: TEN + 2 * MINUTE, other: TEN + minute * MINUTE}


def test_who_is_signed_in_on_two_phones_has_told_what_both_have(phoned: Phoned) -> None:
    second, guard = GuardPhone(), phoned.walk.guard
    phoned.enrol(second)
    phoned.enter(guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    phoned.enter(guard, TEN + 2 * MINUTE, second)
    second.scan(uid_of("gate"), TEN + 3 * MINUTE)
    phoned.hand_in(TEN + 4 * MINUTE, 1, 1, second)
    assert told_until(phoned, guard) == TEN + MINUTE
    phoned.hand_in(TEN + 5 * MINUTE, 2, phone=second)
    # The first one was not heard of since.
    assert told_until(phoned, guard) == TEN + MINUTE
    phoned.phone.note("sign_out", TEN + 6 * MINUTE, why="self")
    phoned.hand_in(TEN + 7 * MINUTE, 2)
    assert told_until(phoned, guard) == TEN + 5 * MINUTE
    phoned.hand_in(TEN + 8 * MINUTE, 3, phone=second)
    assert told_until(phoned, guard) == TEN + 8 * MINUTE


def test_a_point_is_missed_as_soon_as_the_phone_has_told_past_it(phoned: Phoned) -> None:
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.note("round_start", TEN, round=str(phoned.walk.first))
    phoned.phone.scan(uid_of("gate"), TEN + MINUTE)
    late = TEN + 75 * MINUTE
    phoned.walk.look(late)
    phoned.hand_in(late)
    phoned.walk.look(late + MINUTE)
    assert phoned.walk.states() == ["scanned", "missed", "missed"]


def test_the_text_of_an_entry_is_read_by_the_key_of_its_person_alone(phoned: Phoned) -> None:
    go_a_round(phoned)
    phoned.hand_in(TEN + 45 * MINUTE)
    row = phoned.told()[2]
    with phoned.database.read() as session:
        keys = keys_of(session, [phoned.walk.guard])
    assert uid_of("gate").encode() not in row.sealed
    assert unseal(keys[phoned.walk.guard], row.sealed) == phoned.phone.entries[2]
    signature = phoned.told()[-1].signature
    signed = f"wk-journal-1\n{phoned.phone.id}\n6\n{phoned.phone.hash_of(6)}"
    assert is_signed(phoned.phone.key, signed, signature or "")


class Killed(Exception):
    """The process died before it committed."""


def kill(phoned: Phoned, now: datetime, first: int, last: int) -> None:
    """Hand a batch in to a process that is killed at its end."""
    entries, signature = phoned.phone.batch(first, last)
    batch = taking.Batch(entries, signature, phoned.phone.head, now)

    def take_and_die() -> None:
        with phoned.database.write() as session:
            row = session.get_one(Phone, phoned.phone.id, with_for_update=True)
            taking.take_batch(session, row, batch, vault=phoned.walk.vault, now=now)
            raise Killed

    with pytest.raises(Killed):
        take_and_die()


# One sending: where it begins, how long it is, and whether the process is killed under it.
SENDING = st.tuples(st.integers(1, 12), st.integers(0, 12), st.booleans())


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sendings=st.lists(SENDING, min_size=1, max_size=6))
def test_however_often_and_in_whatever_parts_it_is_sent_each_entry_counts_once(
    phoned: Phoned, sendings: list[tuple[int, int, bool]]
) -> None:
    phoned.phone = GuardPhone()
    phoned.enrol(phoned.phone)
    phoned.enter(phoned.walk.guard, TEN)
    wanted = [phoned.phone.scan(uid_of(code), TEN + MINUTE) for code in CODES * 3]
    wanted.append(phoned.phone.note("report", TEN + MINUTE, choice="leak", files=[]))
    now = TEN + 30 * MINUTE
    for first, length, killed in sendings:
        last = min(first + length, phoned.phone.head)
        known = phoned.row().accepted
        if first > last:
            continue
        if first > known + 1:
            with pytest.raises(Gap):
                phoned.hand_in(now, first, last)
        elif killed:
            kill(phoned, now, first, last)
            assert phoned.row().accepted == known
        else:
            phoned.hand_in(now, first, last)
    phoned.hand_in(now)
    told = [row for row in phoned.told() if row.phone_id == phoned.phone.id]
    assert [row.hash for row in told] == [phoned.phone.hash_of(n) for n in range(1, 12)]
    assert {row.verdict for row in told} == {"accepted"}
    assert [row.id for row in told[1:]] == wanted
    with phoned.database.read() as session:
        of_scans = select(func.count()).select_from(Scan).where(Scan.id.in_(wanted))
        assert session.scalar(of_scans) == 9
        opened = select(func.count()).select_from(GuardReport)
        assert session.scalar(opened.where(GuardReport.phone_id == phoned.phone.id)) == 1
        tickets = select(func.count(Ticket.id.distinct())).join(
            GuardReport, GuardReport.ticket_id == Ticket.id
        )
        assert session.scalar(tickets.where(GuardReport.phone_id == phoned.phone.id)) == 1


def test_of_two_that_hand_the_same_in_at_once_one_takes_it(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    phoned = make_phoned(postgres_database, postgres_site)
    go_a_round(phoned)
    answers = in_threads(4, lambda _: phoned.hand_in(TEN + 45 * MINUTE))
    assert [len(taken.entries) for taken in answers] == [6] * 4
    assert len(scans(phoned)) == 3
    assert len(facts_of(phoned.database, "round.visit")) == 3
