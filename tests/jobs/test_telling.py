"""Telling as it runs: facts become messages at real providers, merged ones in groups."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock
from core.contacts import set_reaching
from core.db import Database
from core.settings import Settings, load
from jobs.telling import Telling, TellingGroups
from tests.fixtures import NOON, Administrator, SmallSite
from tests.jobs.conftest import make_work, open_one
from tests.servers.providers import CORP, CORP_SECRET, serving_providers
from workflows.notifications import Attempt, Notice

MINUTE = timedelta(minutes=1)


def settings(**values: Any) -> Settings:
    """Settings of an installation."""
    return load(data_dir=Path("var"), public_url="https://wk.example/", **values)


def test_a_ticket_becomes_a_message_with_a_link(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        work = make_work(database, clock)
        # What lies in the past is not told; what happened just now is.
        open_one(database, site, NOON - 11 * MINUTE)
        assert telling.tell(work, NOON) == 0
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"wecom": "ada"}, None, now=NOON)
        open_one(database, site, NOON)
        assert telling.tell(work, NOON) == 1
        assert telling.tell(work, NOON) == 0
        [card] = providers.wecom
        with database.read() as session:
            notice = session.scalars(select(Notice)).one()
            attempt = session.scalars(select(Attempt)).one()
        assert card["textcard"]["url"] == f"https://wk.example/n/{notice.code}"
        assert (attempt.state, attempt.reference) == ("sent", "m1")
        assert telling.tell(work, NOON + 10 * MINUTE) == 1


def test_an_installation_without_channels_still_has_an_inbox(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    telling = Telling(settings(), clock)
    work = make_work(database, clock)
    telling.tell(work, NOON)
    open_one(database, site, NOON)
    assert telling.tell(work, NOON) == 0
    with database.read() as session:
        notice = session.scalars(select(Notice)).one()
        assert session.scalars(select(Attempt)).all() == []
    assert notice.person_id == administrator.person_id


def test_groups_are_told_merged_and_again_when_they_did_not_take_it(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    work = make_work(database, clock)
    with serving_providers() as providers:
        address = providers.url.replace("http://", "json://") + "/hook"
        groups = TellingGroups(settings(group_urls=address))
        assert groups.tell(work, NOON) == 0
        for _ in range(3):
            open_one(database, site, NOON)
        providers.refuse = "garbage"
        with pytest.raises(RuntimeError, match="did not take it"):
            groups.tell(work, NOON)
        providers.refuse = ""
        groups.tell(work, NOON)
        assert groups.tell(work, NOON) == 0
        [told] = providers.hooks
    assert told["title"] == "3 new / 3 张新工单"
    assert events.newest(database)
