"""What dispatch does by itself: tickets find their person, gaps are seen, hand-overs passed up."""

from datetime import datetime

from jobs.work import Work, actor
from workflows import dispatch


def give_out(work: Work, now: datetime) -> int:
    """Give the open tickets of teams that work by turns or load to those whose turn it is."""
    with work.transaction() as session:
        return dispatch.assign_waiting(session, now=now, actor=actor("dispatch"))


def look_for_gaps(work: Work, now: datetime) -> int:
    """Look a day ahead for teams without anybody on duty."""
    with work.transaction() as session:
        return dispatch.watch_rosters(session, now=now, actor=actor("rosters"))


def pass_hand_overs_up(work: Work, now: datetime) -> int:
    """Pass hand-overs that nobody accepted to the supervisors."""
    with work.transaction() as session:
        return dispatch.pass_up(session, now=now, actor=actor("hand-overs"))
