"""Telemetry in InfluxDB 2: the end that writes and keeps order."""

import threading
from collections.abc import Iterable, Iterator

from core.telemetry import influx_flux as flux
from core.telemetry.influx_flux import DAY, HOUR
from core.telemetry.influx_lines import Numbers, chosen, requests, rolled, written
from core.telemetry.influx_reader import (
    InfluxReader,
    Row,
    continued,
    is_thinned,
    reading_of,
    stretches,
)
from core.telemetry.influx_server import InfluxAddress, TooLarge
from core.telemetry.readings import Quality, ReadingBatch, check_storable
from core.telemetry.store import BatchRefused

# A number of insertion is the number of this opening, then the place within it.
_PLACES = 1 << 40
# Of a refused batch at most so many readings are found out one by one.
_MOST_REFUSED = 200


class InfluxStore(InfluxReader):
    """A TelemetryStore in two buckets of InfluxDB 2, of which one process is the only writer.

    The bucket keeps readings by (series, event time), and for each hour (`written`) how far
    insertion has come in it. The bucket of hours keeps roll-ups by (series, hour), and for each
    hour (`rolled`) up to where they hold all. An hour into which more has been written since is
    read from the readings, so no answer depends on when roll-ups are made, or by whom.
    """

    def __init__(self, address: InfluxAddress) -> None:
        """Connect. Raises TelemetryError when the server is away or has not been set up."""
        super().__init__(address)
        self._writing = threading.Lock()
        self._rewriting = threading.Lock()
        try:
            opened = self._state().opened + 1
            self._server.write([f"store opened={opened}i 0"], self._hours_bucket)
        except BaseException:
            self.close()
            raise
        self._numbers = Numbers(opened * _PLACES)

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Store both; in one piece where they lie within a day, else message after message.

        Raises BatchRefused for what InfluxDB will never take; the rest is stored then.
        """
        odd = ReadingBatch() if replacing is None else replacing
        check_storable(new)
        check_storable(odd)
        if not len(new) and not len(odd):
            return
        with self._writing:
            batch = self._replaced(new, odd) if len(odd) else new
            refused, reason = ReadingBatch(), ""
            for part, lines in requests(batch, self._numbers):
                try:
                    self._server.write(lines)
                except (BatchRefused, TooLarge) as error:
                    reason = error.detail
                    self._divide(part, refused)
        if len(refused):
            raise BatchRefused(reason, readings=refused)

    def _divide(self, batch: ReadingBatch, refused: ReadingBatch) -> None:
        """Store the halves of what wasn't taken, down to the readings that never are."""
        if len(batch) == 1 or len(refused) >= _MOST_REFUSED:
            refused.extend(batch)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            # Numbered anew: what became of the first attempt isn't known.
            for part, lines in requests(half, self._numbers):
                try:
                    self._server.write(lines)
                except (BatchRefused, TooLarge):
                    self._divide(part, refused)

    def _replaced(self, new: ReadingBatch, odd: ReadingBatch) -> ReadingBatch:
        """What remains to be written when the odd ones take the place of others."""
        places = {(new.series[row], new.at[row]): row for row in range(len(new))}
        last = {(odd.series[row], odd.at[row]): row for row in range(len(odd))}
        known = self.known(key for key in last if key not in places)
        for key in last.keys() & places.keys():
            known[key] = new.value[places[key]], new.quality[places[key]]
        taken = {
            key: row
            for key, row in last.items()
            if key not in known or known[key][0] != odd.value[row]
        }
        given_way = {places[key] for key in taken.keys() & places.keys()}
        batch = chosen(new, [row for row in range(len(new)) if row not in given_way])
        for key, row in sorted(taken.items(), key=lambda item: item[1]):
            quality = odd.quality[row]
            # A reading of that time was judged: who builds windows again must not miss it.
            if quality == Quality.LATE and key in known:
                quality = known[key][1]
            batch.append(*key, odd.value[row], odd.received[row], quality)
        return batch

    def delete(self, series: int, start: int, end: int) -> int:
        """Erase event times [start, end) of a series; returns readings erased."""
        start, end = max(start, 0), min(end, flux.END_OF_TIME)
        if start >= end:
            return 0
        with self._rewriting, self._writing:
            erased = self._number(flux.count(self._bucket, start, end, [series]))
            # Hours of which something stays are read from their readings from now on.
            edges = {at - at % HOUR for at in (start, end) if at % HOUR}
            if edges:
                mark = self._numbers.take()
                self._server.write([written(hour, mark) for hour in sorted(edges)])
            whole = start - start % HOUR, -(-end // HOUR) * HOUR
            tag = f'series="{series}"'
            self._server.erase(f'_measurement="hour" AND {tag}', *whole, self._hours_bucket)
            self._server.erase(f'_measurement="reading" AND {tag}', start, end)
        return erased

    def roll_up(self, now: int) -> int:
        """Roll up the hours that closed before `now` and are not; returns (series, hour) pairs."""
        with self._rewriting:
            return self._roll_up_before(now - now % HOUR)

    def _roll_up_before(self, end: int) -> int:
        stale = self._stale_hours(0, end)
        horizon = self._state().horizon
        thinned = {hour for hour in stale if is_thinned(hour, horizon)}
        count = 0
        for first, last in _days(stretches(stale - thinned)):
            upto = self._written_so_far()
            script = flux.roll_up(self._bucket, self._hours_bucket, first, last, upto)
            count += self._number(script)
            self._mark_rolled(first, last, upto)
        for first, last in _days(stretches(thinned)):
            count += self._continue(first, last)
        return count

    def _written_so_far(self) -> int:
        """The highest number of insertion that is in the store together with all lower ones."""
        with self._writing:
            return self._numbers.newest

    def _mark_rolled(self, start: int, end: int, upto: int) -> None:
        marks = [rolled(hour, upto) for hour in range(start, end, HOUR)]
        self._server.write(marks, self._hours_bucket)

    def _continue(self, start: int, end: int) -> int:
        """Roll up hours of which readings have been dropped: add what came since."""
        upto = self._written_so_far()
        script = flux.hour_rows(self._hours_bucket, None, start, end)
        known = dict(self._rolled_rows(script))
        lines = [
            f"hour,series={series} c={part.count}.0,m={part.mean!r},l={part.minimum!r},"
            f"h={part.maximum!r},n={upto}i {hour}"
            for (series, hour), part in continued(self._rows(None, start, end), known)
        ]
        if lines:
            self._server.write(lines, self._hours_bucket)
        self._mark_rolled(start, end, upto)
        return len(lines)

    def expire(self, before_received: int) -> int:
        """Drop readings received before that moment; their hours are rolled up first."""
        # A reading may lie a little after its receipt.
        end = before_received - before_received % HOUR + HOUR
        with self._rewriting:
            self._put_back()
            script = flux.received_before(self._bucket, before_received, end)
            hours = {
                flux.micros(row["_time"]): int(row["_value"]) for row in self._server.rows(script)
            }
            if not hours:
                return 0
            self._roll_up_before(end)
            if before_received > self._state().horizon:
                self._server.write([f"store horizon={before_received}i 0"], self._hours_bucket)
            # Whoever writes waits for each of them, and the first may reach over years.
            for first, last in _days(stretches(hours)):
                self._drop(before_received, first, last)
        return sum(hours.values())

    def _drop(self, before: int, start: int, end: int) -> None:
        """Erase a span but for what was received later, which is laid aside meanwhile.

        InfluxDB erases by event time and tags only. Who reads within that moment misses these.
        """
        with self._writing:
            kept = [row for row in self._rows(None, start, end) if row[3] >= before]
            if kept:
                self._server.write([_line("kept", row) for row in kept])
            self._server.erase('_measurement="reading"', start, end)
            if kept:
                self._put_back()

    def _put_back(self) -> None:
        """Bring back what was laid aside, also by a process that died before it could."""
        script = flux.rows(self._bucket, 0, flux.END_OF_TIME, None, measurement="kept")
        kept = [reading_of(row) for row in self._server.rows(script)]
        if kept:
            self._server.write([_line("reading", row) for row in kept])
            self._server.erase('_measurement="kept"', 0, flux.END_OF_TIME)


def _line(measurement: str, row: Row) -> str:
    series, at, value, received, quality, number = row
    fields = f"v={value!r},r={received}i,q={quality}i,n={number}i"
    return f"{measurement},series={series} {fields} {at}"


def _days(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans in pieces of at most a day, which bounds what one request does."""
    for start, end in spans:
        for first in range(start, end, DAY):
            yield first, min(first + DAY, end)
