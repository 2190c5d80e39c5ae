"""Grades, kinds and verdicts: complete, ordered, and in both languages."""

from pathlib import Path

from workflows import patrol
from workflows.patrol import GRADES, KINDS, REASONS, TOKEN, Grade
from workflows.patrol.statutes import FORCES, SEEN, STATUTES
from workflows.patrol.sun import Flaw


def test_grades_are_in_order() -> None:
    assert Grade.WEAK < Grade.PRESENT < Grade.SIGNED
    assert sorted([Grade.SIGNED, Grade.WEAK, Grade.PRESENT]) == [*reversed(Grade)]
    assert not Grade.SIGNED <= Grade.PRESENT


def test_every_word_is_in_both_languages() -> None:
    sentences = [text for kind in KINDS.values() for text in (kind.name, kind.proves, kind.cannot)]
    for text in (*GRADES.values(), *REASONS.values(), *sentences):
        assert text.en
        assert text.zh
        assert text.en != text.zh
    for kind in KINDS.values():
        assert kind.proves.en.endswith(".")
        assert kind.cannot.zh.endswith("。")


def test_every_kind_that_is_presented_has_a_grade_and_every_grade_a_kind() -> None:
    kinds = {each.kind for each in patrol.Presented.__subclasses__()}
    assert kinds == set(KINDS)
    assert {kind.grade for kind in KINDS.values()} == set(Grade)


def test_every_flaw_of_a_tap_and_state_of_a_token_has_words() -> None:
    """What else is given as a verdict is looked at where it is presented (patrolled.Post.show)."""
    assert {flaw.value for flaw in Flaw} | {*TOKEN.statuses} - {"active"} <= set(REASONS)


GUIDE = (Path(__file__).parents[2] / "docs" / "patrol.md").read_text(encoding="utf-8")


def test_the_guide_says_of_every_kind_verdict_and_profile_what_the_product_says() -> None:
    rows = [
        tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
        for line in GUIDE.splitlines()
        if line.startswith("| `")
    ]
    kinds = [
        (kind.code, kind.grade.value, kind.name.en, kind.proves.en, kind.cannot.en)
        for kind in KINDS.values()
    ]
    assert [row for row in rows if len(row) == 5] == kinds
    told = {row[0]: row[1] for row in rows if len(row) == 2}
    assert {code: text for code, text in told.items() if code not in patrol.profiles()} == {
        code: text.en for code, text in REASONS.items()
    }
    assert set(patrol.profiles()) <= set(told)


def test_every_statute_says_whom_it_binds_and_where_it_stands_in_both_languages() -> None:
    for statute in STATUTES.values():
        texts = [statute.title, statute.binds, statute.asks, *(one.name for one in statute.items)]
        for text in [*texts, *(one.name for one in statute.sources)]:
            assert set(text) == {"en", "zh"}
            assert all(text.values())
        assert bool(statute.every_min) is not bool(statute.times_a_day)
        assert bool(statute.every_min) is (statute.counts_in is not None)
        assert statute.sources
        for source in statute.sources:
            assert source.article
            assert (source.force in FORCES, source.seen in SEEN) == (True, True)
