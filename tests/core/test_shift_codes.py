"""Shift codes: what a cell means, and what may be kept where."""

from dataclasses import replace
from datetime import time

import pytest

from core import shift_codes
from core.db import Database, Session
from core.errors import Invalid, NotAllowed, Stale
from core.inherited import Kept
from core.people import Caller, Person, caller_for
from core.places import Node
from core.shift_codes import (
    Meant,
    ShiftCodeDraft,
    save_shift_code,
    shift_codes_at,
    shipped_shift_codes,
    understand_cell,
    written_cell,
)
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ

SPLIT = ShiftCodeDraft("split", {"en": "Split", "zh": "两头班"}, "06:00", "10:00", ("两",))


@pytest.mark.parametrize(
    ("text", "kinds", "hours"),
    [
        ("早", ["duty"], [(7, 15)]),
        ("早班", ["duty"], [(7, 15)]),
        ("EARLY", ["duty"], [(7, 15)]),
        ("ｄ", ["duty"], [(7, 15)]),
        ("夜", ["duty"], [(23, 7)]),
        ("备", ["on_call"], [(8, 8)]),
        ("8-12 / 14-18", ["duty", "duty"], [(8, 12), (14, 18)]),
        ("16:00—24:00", ["duty"], [(16, 0)]),
        ("休", [], []),
        ("OFF", [], []),
    ],
)
def test_a_cell_says_shifts(text: str, kinds: list[str], hours: list[tuple[int, int]]) -> None:
    meant = understand_cell(shipped_shift_codes(), text)
    assert meant is not None
    assert [one.kind for one in meant] == kinds
    assert [one.hours for one in meant] == [(time(a), time(b)) for a, b in hours]


@pytest.mark.parametrize("text", ["X", "8", "25-26", "24:00-8:00", "8:7-9", "早早", "-"])
def test_a_cell_that_says_nothing_known_is_not_guessed(text: str) -> None:
    assert understand_cell(shipped_shift_codes(), text) is None


def test_no_two_shipped_codes_share_a_word() -> None:
    words = [word for code in shipped_shift_codes().values() for word in code.words]
    assert len(words) == len(set(words))


def test_hours_without_a_code_are_written_out() -> None:
    known = shipped_shift_codes()
    meant = [Meant("duty", (time(7), time(15))), Meant("duty", (time(7, 30), time(9)))]
    assert written_cell(known, meant, "zh") == "早班/07:30-09:00"
    assert understand_cell(known, written_cell(known, meant, "en")) == meant


def test_what_no_cell_can_say_stays_as_it_stands() -> None:
    """On call at odd hours: written as hours it would come back as duty; an empty cell keeps it."""
    known = shipped_shift_codes()
    odd, early = Meant("on_call", (time(18), time(22))), Meant("duty", (time(7), time(15)))
    assert written_cell(known, [odd], "en") == ""
    assert written_cell(known, [early, odd], "en") == ""
    assert written_cell(known, [Meant("on_call", (time(8), time(8)))], "en") == "On call"


def caller_of(database: Database, person_id: object) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def save(
    database: Database,
    person: object,
    node: object,
    draft: ShiftCodeDraft,
    version: int | None = None,
) -> None:
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        place = session.get_one(Node, node)
        save_shift_code(session, caller, place, draft, now=NOON, expected_version=version)


def test_what_a_company_keeps_holds_on_its_sites(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    save(database, administrator.person_id, site.company_id, SPLIT)
    nearer = replace(SPLIT, starts="05:30", ends="09:30")
    save(database, administrator.person_id, site.id, nearer)
    with database.read() as session:
        assert shift_codes_at(session, site.company_id)["split"].starts == "06:00"
        assert shift_codes_at(session, site.id)["split"].starts == "05:30"
        assert next(iter(shift_codes_at(session, site.id))) == "early"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"code": "Früh"}, "code"),
        ({"name": {}}, "name"),
        ({"kind": "party"}, "kind"),
        ({"starts": "8"}, "starts"),
        ({"ends": "24:30"}, "ends"),
        ({"starts": "24:00"}, "starts"),
        ({"written": ("早",)}, "written"),
        ({"written": ("休",)}, "written"),
        ({"written": ("8-9",)}, "written"),
        ({"written": ("a/b",)}, "written"),
        ({"code": "off"}, "code"),
        ({"code": "8-16"}, "code"),
        ({"name": {"zh": "休"}}, "name"),
        ({"name": {"en": "Early / late"}}, "name"),
        ({"name": {"en": "9-17"}}, "name"),
        ({"written": tuple("abcdefghijklm")}, "written"),
    ],
)
def test_what_a_cell_could_not_mean_is_refused(
    database: Database,
    administrator: Administrator,
    site: SmallSite,
    change: dict[str, object],
    told: str,
) -> None:
    with pytest.raises(Invalid) as error:
        save(database, administrator.person_id, site.id, replace(SPLIT, **change))  # type: ignore[arg-type]
    assert told in {problem.partition(":")[0] for problem in error.value.problems}


@pytest.mark.parametrize("written", ["24:00", "00.00", "00：00"])
def test_hours_are_kept_in_one_spelling(
    database: Database, administrator: Administrator, site: SmallSite, written: str
) -> None:
    save(database, administrator.person_id, site.id, replace(SPLIT, ends=written))
    with database.read() as session:
        kept = shift_codes_at(session, site.id)
    assert kept["split"].ends == "00:00"
    meant = understand_cell(kept, "split")
    assert meant == [Meant("duty", (time(6), time()))]


def test_a_word_that_means_something_on_a_site_below_is_taken(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    """Or the cells of that site would mean other hours from one moment to the next."""
    save(database, administrator.person_id, site.id, SPLIT)
    double = ShiftCodeDraft("double", {"zh": "连班"}, "06:00", "22:00", ("两",))
    with pytest.raises(Invalid, match="shift code"):
        save(database, administrator.person_id, site.company_id, double)
    # A site that keeps the same code itself has another one there.
    save(database, administrator.person_id, site.id, replace(double, written=("连",)))
    save(database, administrator.person_id, site.id, replace(SPLIT, retired=True))
    save(database, administrator.person_id, site.company_id, double)
    with database.read() as session:
        known = shift_codes_at(session, site.id)
    assert understand_cell(known, "两") is None
    assert understand_cell(known, "连") == [Meant("duty", (time(6), time(22)))]


def test_of_two_who_make_one_code_at_once_the_second_is_told(
    database: Database,
    administrator: Administrator,
    site: SmallSite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save(database, administrator.person_id, site.id, SPLIT, 0)

    def looked_before(session: Session, model: type[Kept], node: Node, code: str, **_: int) -> Kept:
        row = model(node_id=node.id, code=code, version=1)
        session.add(row)
        return row

    monkeypatch.setattr(shift_codes, "row_to_keep", looked_before)
    with pytest.raises(Stale):
        save(database, administrator.person_id, site.id, SPLIT, 0)


def test_only_who_makes_rosters_keeps_codes_and_nobody_overwrites_another(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    save(database, employ(database, site.id, "supervisor"), site.id, SPLIT, 0)
    with pytest.raises(Stale):
        save(database, administrator.person_id, site.id, SPLIT, 0)
    with pytest.raises(NotAllowed):
        save(database, employ(database, site.id, "guard"), site.id, SPLIT)
    with pytest.raises(NotAllowed):
        save(database, employ(database, site.id, "supervisor"), site.company_id, SPLIT)
