"""Exports of patrol wands: previewed line by line, taken in once, whatever wrote them."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.db import Database
from core.errors import Invalid, NotFound
from core.places import Node
from core.tables import MOST_ROWS
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import facts_of
from tests.workflows.patrolled import Post, make_post
from tests.workflows.spreadsheets import workbook
from workflows.patrol import (
    ACCEPTED,
    CheckpointToken,
    Scan,
    WandFile,
    WandPlan,
    import_wand,
    lose_token,
    plan_wand,
    profiles,
)

DESK = ["序号", "巡更棒号", "地点编号", "地点名称", "人员编号", "人员", "巡更时间"]
EXPORT = [
    ["巡更记录"],
    DESK,
    [1, "B1", "0012345678", "大门", "000777", "韦", "2026-11-24 08:30:00"],
    [2, "B1", "0012345678", "大门", "000888", "?", "2026-11-24 09:30:00"],
]


@pytest.fixture
def post(database: Database, site: SmallSite) -> Post:
    made = make_post(database, site)
    made.put("wand", "12345678")
    made.badge("777", starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    return made


def file_of(post: Post, session: Any, content: bytes, name: str = "export.xlsx") -> WandFile:
    return WandFile(content, name, session.get_one(Node, post.site.id))


def planned(post: Post, content: bytes, profile: str = "desk") -> WandPlan:
    with post.database.read() as session:
        file = file_of(post, session, content)
        return plan_wand(session, file, profile, vault=post.vault, now=NOON)


def imported(post: Post, content: bytes, profile: str = "desk", **more: Any) -> WandPlan:
    with post.database.write() as session:
        file = file_of(post, session, content)
        return import_wand(
            session, file, profile, vault=post.vault, actor=events.SYSTEM, now=NOON, **more
        )


def scans_of(post: Post) -> list[Scan]:
    with post.database.read() as session:
        return session.query(Scan).order_by(Scan.occurred_at).all()


def counted(plan: WandPlan) -> Mapping[str, int]:
    return {name: number for name, number in plan.counts.items() if number}


def wrong(plan: WandPlan) -> list[tuple[int, str]]:
    return [(each.row, each.text.en.split(".")[0]) for each in plan.problems]


def test_a_preview_writes_nothing_and_shows_what_would_be(post: Post) -> None:
    plan = planned(post, workbook({"记录": EXPORT}))
    assert counted(plan) == {"new": 2, "without_person": 1}
    assert [item.person_id for item in plan.items] == [post.guard, None]
    # 08:30 by the clocks of Shanghai.
    assert plan.items[0].line.at == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert scans_of(post) == []


def test_an_export_is_taken_in_once(post: Post) -> None:
    content = workbook({"记录": EXPORT})
    assert counted(imported(post, content)) == {"new": 2, "without_person": 1}
    known, stranger = scans_of(post)
    assert (known.verdict, known.grade, known.channel) == (ACCEPTED, "weak", "import")
    assert (known.person_id, known.checkpoint_id) == (post.guard, post.checkpoint_id)
    assert (stranger.person_id, stranger.verdict) == (None, ACCEPTED)
    assert stranger.credential_hash is not None
    told = len(facts_of(post.database, "scan."))
    assert counted(imported(post, content)) == {"known": 2}
    assert len(scans_of(post)) == told == 2


def test_the_same_lines_from_another_program_are_the_same_scans(post: Post) -> None:
    imported(post, workbook({"记录": EXPORT}))
    text = "Checkpoint number,Guard card,Date,Time\n12345678,777,2026-11-24,08:30:00\n"
    assert counted(imported(post, text.encode(), "split")) == {"known": 1}


def test_the_memory_of_a_wand_says_first_whose_the_following_lines_are(post: Post) -> None:
    lines = ["12345678;20261124080000", "777;20261124083000", "12345678;20261124083100"]
    plan = imported(post, "\n".join(lines).encode(), "memory")
    assert counted(plan) == {"new": 2, "guard": 1, "without_person": 1}
    assert [scan.person_id for scan in scans_of(post)] == [None, post.guard]


def test_moments_that_excel_made_of_texts_are_read(post: Post) -> None:
    midnight = datetime(2026, 11, 24)  # noqa: DTZ001 - as a spreadsheet keeps it
    rows = [
        ["Point", "Guard", "Time"],
        [12345678, 777, datetime(2026, 11, 24, 8, 30)],  # noqa: DTZ001
        [12345678, 777, midnight],
    ]
    plan = planned(post, workbook({"Export": rows}))
    assert [item.line.at for item in plan.items] == [
        datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
        datetime(2026, 11, 23, 16, 0, tzinfo=UTC),
    ]
    apart = [["Point", "Guard", "Date", "Time"], [12345678, 777, midnight, time(8, 30)]]
    [item] = planned(post, workbook({"Export": apart}), "split").items
    assert item.line.at == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)


WRONG = [
    ["Point", "Guard", "Time"],
    ["", "777", "2026-11-24 08:30:00"],
    ["99", "777", "2026-11-24 08:30:00"],
    ["12345678", "777", ""],
    ["12345678", "777", "yesterday"],
    ["12345678", "777", "2026-11-25 08:30:00"],
    ["12345678", "777", "2026-11-24 08:31:00"],
]


def test_every_wrong_line_is_told_at_once_and_nothing_is_taken_in(post: Post) -> None:
    content = workbook({"Export": WRONG})
    plan = planned(post, content)
    assert wrong(plan) == [
        (2, "The number of the point is missing"),
        (3, "No checkpoint of this site has the point “99”"),
        (4, "The time is missing"),
        (5, "“yesterday” is no time as this profile writes it"),
        (6, "“2026-11-25 08:30:00” lies in the future"),
    ]
    with pytest.raises(Invalid, match="nothing was imported") as caught:
        imported(post, content)
    assert len(caught.value.problems) == 5
    assert scans_of(post) == []


def test_wrong_lines_can_be_left_out(post: Post) -> None:
    plan = imported(post, workbook({"Export": WRONG}), skip_wrong=True)
    assert counted(plan) == {"new": 1, "wrong": 5}
    assert len(scans_of(post)) == 1


def test_points_that_were_lost_are_kept_as_refused(post: Post) -> None:
    with post.database.write() as session:
        row = session.query(CheckpointToken).one()
        lose_token(session, row, actor=events.SYSTEM, now=NOON)
    plan = imported(post, workbook({"记录": EXPORT}))
    assert counted(plan) == {"refused": 2}
    assert {scan.verdict for scan in scans_of(post)} == {"lost"}
    assert counted(imported(post, workbook({"记录": EXPORT}))) == {"known": 2}


def test_a_point_of_another_site_is_not_ours(post: Post) -> None:
    with post.database.read() as session:
        elsewhere = session.get_one(Node, post.site.company_id)
        file = WandFile(workbook({"记录": EXPORT}), "x.xlsx", elsewhere)
        plan = plan_wand(session, file, "desk", vault=post.vault, now=NOON)
    assert counted(plan) == {"wrong": 2}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04 and then nothing", "The file is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is an old Excel file"),
        (b"Point,Guard,Time\n", "There is no line to read"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_to_do(
    post: Post, content: bytes, told: str
) -> None:
    with pytest.raises(Invalid) as caught:
        planned(post, content)
    assert caught.value.problems[0].startswith(told)


def test_a_sheet_without_the_headings_of_its_profile_is_told(post: Post) -> None:
    plan = planned(post, b"a,b,c\n1,2,3\n")
    assert wrong(plan) == [(0, "No row of this sheet holds the headings of the profile")]


def test_a_file_of_very_many_lines_is_refused(post: Post) -> None:
    line = "12345678,777,2026-11-24 08:30:00\n"
    with pytest.raises(Invalid) as caught:
        planned(post, ("Point,Guard,Time\n" + line * MOST_ROWS).encode())
    assert "more than 20000 rows" in caught.value.problems[0]


def test_a_line_that_stands_twice_is_one_scan(post: Post) -> None:
    line = "12345678,777,2026-11-24 08:30:00\n"
    text = f"Point,Guard,Time\n{line}{line}".encode()
    assert counted(imported(post, text)) == {"new": 1, "known": 1}


def test_a_file_that_two_take_in_at_once_is_taken_in_once(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)
    post.put("wand", "12345678")
    content = workbook({"记录": EXPORT})

    def take(_: int) -> int:
        return imported(post, content).counts["new"]

    assert sorted(in_threads(4, take)) == [0, 0, 0, 2]
    assert len(scans_of(post)) == len(facts_of(post.database, "scan.")) == 2


def test_a_profile_that_nobody_knows_is_refused(post: Post) -> None:
    with pytest.raises(NotFound, match="no profile"):
        planned(post, b"x", "other")


def test_profiles_are_sound_and_in_both_languages() -> None:
    assert len(profiles()) >= 2
    for profile in profiles().values():
        assert profile.name["en"]
        assert profile.name["zh"]
        assert {"point", "time"} <= set(profile.columns)
        assert profile.zone_at("Asia/Shanghai").key == "Asia/Shanghai"


def test_a_repeated_hour_is_the_earlier_one_and_ids_follow_the_moment(post: Post) -> None:
    with post.database.write() as session:
        session.get_one(Node, post.site.id).time_zone = "Europe/Berlin"
    text = b"Point,Guard,Time\n12345678,777,2026-10-25 02:30:00\n"
    [item] = planned(post, text).items
    assert item.line.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert isinstance(item.scan_id, UUID)
