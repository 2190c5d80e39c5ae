"""Whose topics a source or a bridge may take: those of another site only with rights there, too."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.codes import filters_overlap
from core.device_credentials import identity_of
from core.devices import Device, Source
from core.errors import NotAllowed
from core.people import Caller
from rules.wording import worded

_RIGHT = "devices.write"


def require_topics(
    session: Session,
    caller: Caller,
    site_id: UUID,
    filters: Iterable[str],
    *,
    standing: Iterable[str] = (),
) -> None:
    """NotAllowed where filters overlap with a source of a site whose devices aren't the caller's.

    Messages that two sites hear open tickets on both, and whoever may publish them speaks as the
    devices of both. standing: what the source or the bridge has already, which is not asked again.
    """
    new = set(filters) - set(standing)
    if not new:
        return
    own = {site_id, *caller.sites_for(_RIGHT)}
    statement = select(Source.topic_filter).where(Source.site_id.not_in(own))
    for taken in session.scalars(statement):
        for topic in sorted(new):
            if filters_overlap(topic, taken):
                raise NotAllowed(
                    worded(
                        "%(topic)s takes topics along that a source of another site takes",
                        topic=topic,
                    ),
                    advice=worded(
                        "Name narrower topics, or ask somebody who may change the devices of "
                        "both sites."
                    ),
                )


def require_reads(
    session: Session, caller: Caller, device: Device, changes: Mapping[str, Any]
) -> None:
    """`require_topics` of what a bridge is to read, by `change_identity`.

    What it may publish lies within the sources of its site, which were asked about when made.
    """
    wanted, standing = map(str, changes.get("reads", ())), identity_of(session, device).reads
    require_topics(session, caller, device.site_id, wanted, standing=standing)
