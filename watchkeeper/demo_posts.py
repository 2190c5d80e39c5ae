"""The demo's post: a gatehouse with orders, keys, a guard who is there, and a note for the next."""

from datetime import datetime, timedelta

from core import events
from core.accounts import holders_of
from core.db import Database
from core.ids import new_id
from core.paging import Wish
from core.people import Person, administrator_of, caller_for
from core.places import sites
from core.vault import Vault
from workflows.patrol import (
    Checkpoint,
    NewCheckpoint,
    NewToken,
    StaticTag,
    create_checkpoint,
    posts,
    present,
    put_token,
)

TAG = "04D0E0F0A0B0C0"
NAME = {"en": "Main gate", "zh": "正门岗"}
ORDERS = {
    "en": """# Main gate

- Let **fire engines and ambulances** pass at once, then tell the control room.
- Visitors are announced by the household; write down plate and time.
- No couriers on the grounds after 23:00.

| key | for whom |
|---|---|
| Pump room | maintenance only |
| Roof of building 2 | two people, never one |
""",
    "zh": """# 正门岗须知

- **消防车、救护车**立即放行，随后报消控室。
- 访客须经住户确认，登记车牌及时间。
- 23:00 后快递员不得入内。

| 钥匙 | 可领用人 |
|---|---|
| 水泵房 | 仅限工程维修 |
| 2号楼屋面 | 须两人同往 |
""",
}
KEYS = (posts.Item("key", "水泵房 Pump room", 2), posts.Item("key", "2号楼屋面 Roof, building 2"))
EQUIPMENT = (posts.Item("equipment", "对讲机 Radio", 3), posts.Item("equipment", "手电 Torch", 2))
NOTE = "道闸雨天反应慢，已报修。The barrier is slow in the rain; maintenance knows."
_BY = events.SYSTEM


def demo_posts(database: Database, vault: Vault, guard: str, now: datetime) -> None:
    """Set up a post where the simulated guard stands, unless there is one. guard: a login."""
    with database.write() as session:
        site = next(iter(sites(session)), None)
        person_id = holders_of(session, [guard]).get(guard)
        by = administrator_of(session)
        if site is None or person_id is None or by is None:
            return
        caller = caller_for(session, by)
        if posts.list_posts(session, caller, Wish(1), site_id=site.id).items:
            return
        there = {"en": "Gatehouse", "zh": "门岗亭"}
        new = NewCheckpoint("gatehouse", there)
        point: Checkpoint = create_checkpoint(session, site.id, new, actor=_BY, now=now)
        put_token(session, point, NewToken("static_tag", TAG), vault=vault, actor=_BY, now=now)
        draft = posts.PostDraft(
            "main-gate", NAME, "security", for_rounds=True, checkpoint_id=point.id
        )
        post = posts.create_post(session, site.id, draft, actor=_BY, now=now)
        posts.write_draft(session, caller, post, ORDERS, now=now)
        orders = posts.publish(session, caller, post, now=now)
        posts.set_items(session, caller, post, [*KEYS, *EQUIPMENT], now=now)
        posts.write_entry(session, caller, post, NOTE, now=now)
        there_now = caller_for(session, session.get_one(Person, person_id))
        digest = orders.digest or ""
        posts.acknowledge(session, there_now, orders.id, digest, now=now)
        tap = StaticTag(
            id=new_id(),
            occurred_at=now - timedelta(minutes=1),
            channel="online",
            site_id=site.id,
            person_id=person_id,
            uid=TAG,
        )
        present(session, tap, vault=vault, now=now)
