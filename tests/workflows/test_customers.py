"""Stickers, and what people without an account report and say by them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events, limits
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound, TooManyTries
from core.people import new_secret
from core.pictures import Picture
from core.places import Space
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import DAY, MINUTE, do, employ, facts_of, ticket_of
from workflows import customers
from workflows.customers import Rater, ResidentReport, Sticker, Wish, reports
from workflows.customers.problems import OTHER, SOMETHING_ELSE
from workflows.customers.stickers import CODE_LETTERS, code_of, new_code
from workflows.tickets import KINDS, PRIORITIES, Step, Ticket, act
from workflows.tickets.contractors import Contact, Job, accept, find_link, offer
from workflows.tickets.model import TicketPhoto
from workflows.tickets.photos import StoredPhoto

HOUR = timedelta(hours=1)


def label(database: Database, site: SmallSite, person: UUID, code: str = "pump-1") -> Sticker:
    """The sticker of an asset."""
    with database.write() as session:
        places = customers.places_to_label(session, site.id, what="assets")
        customers.make_stickers(session, places, site.id, person=person, now=NOON)
    with database.read() as session:
        statement = select(Sticker).where(Sticker.asset_id == site.assets[code])
        return session.scalars(statement.where(Sticker.revoked_at.is_(None))).one()


def send(database: Database, sticker: Sticker, at: datetime = NOON, **wish: Any) -> str:
    """Report something; returns the secret of the progress link."""
    wish.setdefault("secret", new_secret("report"))
    if "join" not in wish:
        wish.setdefault("problem", "noise")
    with database.write() as session:
        stuck = customers.read_sticker(session, sticker.path)
        customers.check_wish(Wish(**wish), customers.problems_at(session, stuck))
        customers.send(session, stuck, Wish(**wish), now=at)
    return str(wish["secret"])


def report_of(database: Database, secret: str, at: datetime = NOON) -> ResidentReport:
    with database.read() as session:
        return customers.find_report(session, secret, now=at)


def say(database: Database, secret: str, what: str, at: datetime, *words: Any) -> None:
    """Urge, confirm, refuse or rate by a progress link."""
    with database.write() as session:
        row = customers.find_report(session, secret, now=at, to_change=True)
        getattr(customers, what)(session, row, *words, now=at)


def tickets_in(database: Database) -> list[Ticket]:
    with database.read() as session:
        return list(session.scalars(select(Ticket).order_by(Ticket.number)))


def test_each_place_has_one_sticker_that_holds(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    first = label(database, site, administrator.person_id)
    assert label(database, site, administrator.person_id).id == first.id
    with database.write() as session:
        row = session.get_one(Sticker, first.id)
        customers.revoke_sticker(session, row, person=administrator.person_id, now=NOON)
        with pytest.raises(Conflict):
            customers.revoke_sticker(session, row, person=administrator.person_id, now=NOON)
    with database.read() as session, pytest.raises(NotFound):
        customers.read_sticker(session, first.path)
    second = label(database, site, administrator.person_id)
    assert second.code != first.code
    assert len(facts_of(database, "sticker.create")) == len(site.assets) + 1


def test_a_code_is_read_however_somebody_types_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    for typed in (sticker.code, sticker.code.lower(), sticker.code.replace("-", " "), "ｋ７３mq9"):
        assert code_of(typed) in (sticker.code, "K7-3MQ9")
    with database.read() as session:
        assert customers.sticker_by_code(session, sticker.code.lower()).id == sticker.id
        with pytest.raises(NotFound):
            customers.sticker_by_code(session, "K7-3MQ0")
    assert set(new_code()) <= {*CODE_LETTERS, "-"}
    assert not set("01258BGILOSZ6") & set(CODE_LETTERS)


def test_a_part_of_a_site_is_chosen_with_all_that_is_in_it(
    database: Database, site: SmallSite
) -> None:
    with database.read() as session:
        room = session.scalars(select(Space.id).where(Space.code == "b1-pumproom")).one()
        chosen = customers.places_to_label(session, site.id, space_id=room)
        assert {one.code for one in chosen} == {"b1-pumproom", "pump-1", "pump-2"}
        assert {one.kind for one in customers.places_to_label(session, site.id, what="spaces")} == {
            "space"
        }
        with pytest.raises(Invalid):
            customers.places_to_label(session, site.id, what="people")
        with pytest.raises(NotFound):
            customers.places_to_label(session, site.id, space_id=site.id)


def test_every_shipped_problem_opens_a_ticket_that_we_know() -> None:
    for asset_type, problems in customers.shipped_problems().items():
        codes = [one.code for one in problems]
        assert len(set(codes)) == len(codes), asset_type
        assert OTHER not in codes
        for one in problems:
            assert one.kind in KINDS
            assert one.priority in PRIORITIES
            assert one.en
            assert one.zh


def test_a_report_opens_one_ticket_however_often_it_is_sent(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    secret = send(database, sticker, phone="138 0013 8000", words="Since Monday")
    send(database, sticker, secret=secret, problem="weak")
    [ticket] = tickets_in(database)
    assert ticket.title == {"en": "It is loud", "zh": "噪音大"}
    assert (ticket.asset_id, ticket.description) == (site.assets["pump-1"], "Since Monday")
    [opened] = facts_of(database, "ticket.open")
    assert (opened.actor_kind, opened.actor_id) == (
        "resident",
        str(report_of(database, secret).id),
    )
    log = repr([(fact.before, fact.after) for fact in facts_of(database, "")])
    assert not any(number in log for number in ("13800138000", "138 0013 8000"))


def test_two_taps_at_the_same_moment_open_one_ticket(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database = postgres_database
    person = employ(database, postgres_site.id, "manager")
    sticker = label(database, postgres_site, person)
    secret = new_secret("report")
    in_threads(4, lambda _: send(database, sticker, secret=secret))
    assert len(tickets_in(database)) == 1
    assert len(facts_of(database, "ticket.open")) == 1


def test_two_who_print_at_once_make_each_sticker_once(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database = postgres_database
    person = employ(database, postgres_site.id, "manager")
    made = in_threads(4, lambda _: label(database, postgres_site, person).id)
    assert len(set(made)) == 1
    assert len(facts_of(database, "sticker.create")) == len(postgres_site.assets)


def test_what_somebody_wrote_themselves_is_shown_to_nobody_else(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    own = send(database, sticker, problem=OTHER, words="Mrs. Wang fell here")
    [ticket] = tickets_in(database)
    other = send(database, sticker, join=ticket.id)
    with database.read() as session:
        for secret, title in ((own, {"und": "Mrs. Wang fell here"}), (other, None)):
            row = customers.find_report(session, secret, now=NOON)
            assert customers.read_progress(session, row, now=NOON).title == title


def test_somebody_joins_what_is_known_and_hears_on_after_a_merge(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    send(database, sticker)
    [ticket] = tickets_in(database)
    second = send(database, sticker, join=ticket.id)
    assert [fact.actor_kind for fact in facts_of(database, "ticket.join")] == ["resident"]
    third = send(database, sticker, problem="weak")
    _, merged = tickets_in(database)
    do(database, merged.id, administrator.person_id, NOON, "merge", into_id=ticket.id)
    do(database, ticket.id, administrator.person_id, NOON, "start")
    with database.read() as session:
        for secret in (second, third):
            row = customers.find_report(session, secret, now=NOON)
            seen = customers.read_progress(session, row, now=NOON)
            assert (seen.number, seen.state) == (ticket.number, "in_progress")
        reports = customers.reports_of(session, [ticket.id, merged.id])
        assert [one["joined"] for one in reports] == [False, True, False]


def test_only_what_anybody_may_know_is_offered_and_joined(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    send(database, sticker)
    [ticket] = tickets_in(database)
    with database.write() as session:
        session.get_one(Ticket, ticket.id).kind = "incident"
    with database.read() as session:
        assert customers.known_here(session, customers.read_sticker(session, sticker.path)) == []
    with pytest.raises(Conflict):
        send(database, sticker, join=ticket.id)


def test_every_wrong_field_of_a_report_is_named() -> None:
    offered = [*customers.shipped_problems()["pump"], SOMETHING_ELSE]
    wrong = Wish("short", "no-such", "x" * 3000, "call me")
    with pytest.raises(Invalid) as caught:
        customers.check_wish(wrong, offered)
    named = [problem.split(":")[0] for problem in caught.value.problems]
    assert named == ["form", "words", "phone", "problem"]
    with pytest.raises(Invalid, match="not sent"):
        customers.check_wish(Wish(new_secret("report"), OTHER, "  "), offered)


def test_somebody_who_waits_may_say_so_every_few_hours(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    with pytest.raises(Conflict):
        say(database, secret, "urge", NOON + HOUR)
    say(database, secret, "urge", NOON + 4 * HOUR)
    with pytest.raises(Conflict):
        say(database, secret, "urge", NOON + 5 * HOUR)
    say(database, secret, "urge", NOON + 8 * HOUR)
    assert [fact.after for fact in facts_of(database, "ticket.urge")] == [
        {"times": 1},
        {"times": 2},
    ]
    assert report_of(database, secret).urges == 2


def test_only_reasons_written_for_residents_are_shown(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    [ticket] = tickets_in(database)
    person = administrator.person_id
    do(database, ticket.id, person, NOON, "start", note="I go there")
    do(database, ticket.id, person, NOON, "hold", note="The part comes Friday", public=True)
    with database.read() as session:
        row = customers.find_report(session, secret, now=NOON)
        seen = customers.read_progress(session, row, now=NOON)
    assert [note["body"] for note in seen.notes] == ["The part comes Friday"]
    assert seen.hold_until == NOON + DAY
    assert [kind for kind, _ in seen.steps] == ["ticket.open", "ticket.start", "ticket.hold"]


def test_a_resident_confirms_or_refuses_what_was_done(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    [ticket] = tickets_in(database)
    with pytest.raises(Conflict):
        say(database, secret, "confirm", NOON)
    do(database, ticket.id, administrator.person_id, NOON, "start")
    do(database, ticket.id, administrator.person_id, NOON + HOUR, "resolve")
    say(database, secret, "confirm", NOON + HOUR)
    say(database, secret, "confirm", NOON + HOUR)
    assert len(facts_of(database, "ticket.confirm")) == 1
    with pytest.raises(Invalid):
        say(database, secret, "refuse", NOON + HOUR, " ")
    say(database, secret, "refuse", NOON + 2 * HOUR, "It still drips")
    assert ticket_of(database, ticket.id).state == "open"
    [reopened] = facts_of(database, "ticket.reopen")
    assert reopened.actor_kind == "resident"
    assert report_of(database, secret).confirmed_at is None
    with pytest.raises(Conflict):
        say(database, secret, "refuse", NOON + 2 * HOUR, "Again")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_was_said_before_the_work_was_done_anew_is_not_about_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    [ticket] = tickets_in(database)
    do(database, ticket.id, administrator.person_id, NOON, "start")
    do(database, ticket.id, administrator.person_id, NOON, "resolve")
    say(database, secret, "confirm", NOON + HOUR)
    # A colleague finds that it drips again.
    do(database, ticket.id, administrator.person_id, NOON + 2 * HOUR, "reopen", note="It drips")
    do(database, ticket.id, administrator.person_id, NOON + 2 * HOUR, "start")
    do(database, ticket.id, administrator.person_id, NOON + 3 * HOUR, "resolve")
    with database.read() as session:
        row = customers.find_report(session, secret, now=NOON + 3 * HOUR)
        assert not customers.read_progress(session, row, now=NOON + 3 * HOUR).confirmed
    say(database, secret, "confirm", NOON + 4 * HOUR)
    assert report_of(database, secret).confirmed_at == NOON + 4 * HOUR
    assert len(facts_of(database, "ticket.confirm")) == 2


def test_what_was_finished_long_ago_is_reported_anew(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    [ticket] = tickets_in(database)
    do(database, ticket.id, administrator.person_id, NOON, "start")
    do(database, ticket.id, administrator.person_id, NOON, "resolve")
    with pytest.raises(Conflict, match="long ago"):
        say(database, secret, "refuse", NOON + 15 * DAY, "It drips")


def test_a_resident_rates_and_the_doer_does_not(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    [ticket] = tickets_in(database)
    doer = administrator.person_id
    with pytest.raises(Conflict):
        say(database, secret, "rate", NOON, 5, "", Rater())
    do(database, ticket.id, doer, NOON, "start")
    do(database, ticket.id, doer, NOON, "resolve")
    with pytest.raises(NotAllowed):
        say(database, secret, "rate", NOON, 5, "", Rater(person=doer))
    with pytest.raises(Invalid):
        say(database, secret, "rate", NOON, 6, "", Rater())
    say(database, secret, "rate", NOON, 2, "Slow", Rater())
    say(database, secret, "rate", NOON, 4, "Friendly", Rater())
    row = report_of(database, secret)
    assert (row.rating, row.rating_words) == (4, "Friendly")
    assert [fact.after for fact in facts_of(database, "ticket.rate")] == [
        {"stars": 2},
        {"stars": 4},
    ]


def test_a_contractor_arrives_by_the_sticker_on_the_spot_and_rates_nothing(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    elsewhere = label(database, site, administrator.person_id, "pump-2")
    secret = send(database, sticker)
    [ticket] = tickets_in(database)
    job = Job([Contact("Pumps Ltd", "Wang", "0574 8800")], "See what is wrong")
    with database.write() as session:
        row = session.get_one(Ticket, ticket.id)
        [(_, key)] = offer(session, row, job, person=administrator.person_id, now=NOON)
    with database.write() as session:
        link = find_link(session, key, now=NOON)
        assert not customers.waits_here(session, link, sticker)
        accept(session, link, now=NOON)
        assert customers.waits_here(session, link, sticker)
        assert not customers.waits_here(session, link, elsewhere)
        with pytest.raises(Invalid):
            customers.arrive_by_tap(session, link, now=NOON)
        with pytest.raises(Invalid):
            customers.arrive_by_code(session, link, elsewhere.code, now=NOON)
        customers.arrive_by_code(session, link, sticker.code.lower(), now=NOON + MINUTE)
        assert (link.state, link.arrived_by) == ("arrived", "code")
        link.state = "done"
        act(session, session.get_one(Ticket, ticket.id), Step("resolve"), person=None, now=NOON)
    with pytest.raises(NotAllowed):
        say(database, secret, "rate", NOON, 5, "", Rater(contractor_links=[key]))


def test_a_link_ends_and_takes_the_phone_number_with_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    sticker = label(database, site, administrator.person_id)
    first = send(database, sticker, phone="13800138000")
    second = send(database, sticker, phone="13900139000")
    with database.write() as session:
        row = customers.find_report(session, first, now=NOON)
        customers.revoke_report(session, row, person=administrator.person_id, now=NOON)
        assert row.phone is None
    with pytest.raises(NotFound):
        report_of(database, first)
    later = NOON + 90 * DAY
    with pytest.raises(NotFound):
        report_of(database, second, later)
    with database.write() as session:
        assert customers.forget_phones(session, now=later - MINUTE) == 0
        assert customers.forget_phones(session, now=later) == 1


def test_tries_are_counted_for_every_process_and_forgotten(database: Database) -> None:
    a_few = limits.Limit("report", ("sticker", "address"), 2, HOUR)
    many = limits.Limit("report", ("address",), 100, HOUR)
    for _ in range(2):
        limits.take(database, [a_few, many], now=NOON)
    with pytest.raises(TooManyTries) as caught:
        limits.take(database, [a_few, many], now=NOON + 59 * MINUTE)
    assert caught.value.until == NOON + HOUR
    limits.take(database, [a_few], now=NOON + HOUR)
    with database.write() as session:
        assert limits.forget_counts(session, now=NOON + 12 * HOUR) == 0
        assert limits.forget_counts(session, now=NOON + 26 * HOUR) == 2


def test_the_log_names_residents_by_their_report(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    secret = send(database, label(database, site, administrator.person_id))
    actor = events.Actor("resident", str(report_of(database, secret).id))
    kinds = {fact.actor_kind for fact in facts_of(database, "ticket.")}
    assert kinds == {actor.kind}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_residents_show_leaves_room_for_the_proof_of_the_work(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reports, "MOST_TOGETHER", 4)
    sticker = label(database, site, administrator.person_id)
    taken = [
        StoredPhoto(Picture("image/jpeg", 8, 6, b""), f"{number:064}", f"{number:064}", 9)
        for number in range(6)
    ]
    send(database, sticker, photos=taken[:3])
    [ticket] = tickets_in(database)
    # It counts that somebody has the same, although no more is shown.
    for number in (3, 5):
        send(database, sticker, join=ticket.id, photos=taken[number : number + 3])
    with database.write() as session:
        shown = session.scalars(select(TicketPhoto.original).order_by(TicketPhoto.original)).all()
        assert shown == [one.original for one in taken[:4]]
        assert len(session.scalars(select(ResidentReport)).all()) == 3
