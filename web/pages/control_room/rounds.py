"""Rounds of this moment in the control room, those that somebody has to see to first."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core.teams import teams_at
from web.pages.control_room.room import Room
from web.pages.patrol.rounds import in_need, told
from web.tasks_shown import tasks_shown
from workflows import patrol
from workflows.patrol import rounds

MOST_ROUNDS = 30
# A phone in contact tells of itself every few minutes.
SILENT = timedelta(minutes=10)


def rounds_panel(room: Room) -> dict[str, Any]:
    """What the part about rounds shows, of every site of the reader."""
    visit, now = room.visit, room.visit.reader.now
    mine = [site.id for site in room.sites if visit.may(patrol.READ, site.id)]
    teams: dict[Any, dict[str, Mapping[str, str]]] = {}
    with visit.parts.database.read() as session:
        found = rounds.rounds_now(session, visit.caller, mine, now=now)
        sent = tasks_shown(session, visit, [site.id for site in room.sites])
        for site_id in {row["site_id"] for row in found}:
            teams[site_id] = {team.code: team.name for team in teams_at(session, site_id)}
    rows = [_row(told(row, now), room) for row in found]
    rows.sort(key=lambda row: (not in_need(row, now), row["ends_at"] <= now, row["ends_at"]))
    return {
        "guard_tasks": sent,
        "rounds": rows[:MOST_ROUNDS],
        "more_rounds": len(rows) > MOST_ROUNDS,
        "round_teams": teams,
        "sees_rounds": bool(mine),
    }


def _row(row: Mapping[str, Any], room: Room) -> dict[str, Any]:
    """silent: whether the phone of whoever goes the round was heard before, and is not now."""
    heard, now = row["heard_at"], room.visit.reader.now
    # A phone that was not heard in this round may not be carried; cards at readers need none.
    carried = heard is not None and heard >= row["opens_at"]
    site = next(site for site in room.sites if site.id == row["site_id"])
    silent = row["state"] == "running" and carried and now - heard > SILENT
    return {**row, "silent": silent, "site": site.name}
