"""Moments as a browser's field has them, by the clocks of a site."""

from datetime import datetime, timedelta

from core.clock import from_micros
from core.errors import Invalid
from core.local_time import resolve, zone
from rules.wording import worded
from web.languages import mark
from web.reader import Reader


def moment_of(written: str, field: str, zone_name: str) -> datetime:
    """The moment that a form gives by the site's clocks; Invalid where it gives none."""
    try:
        local = datetime.fromisoformat(written)
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")),
            problems=[worded(mark("%(field)s: a date and a time"), field=field)],
        ) from None
    return from_micros(resolve(local.replace(tzinfo=None), zone(zone_name)))


def written_moment(reader: Reader, moment: datetime) -> str:
    """A moment by the clocks of the reader's site, as a browser's field has it."""
    return moment.astimezone(reader.zone).strftime("%Y-%m-%dT%H:%M")


def in_an_hour(reader: Reader, hours: int = 1) -> datetime:
    """The full hour so many hours ahead, which is what people mean who plan."""
    hour = reader.now.replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=hours)
