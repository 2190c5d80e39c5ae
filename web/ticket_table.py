"""Tickets as a spreadsheet: in the reader's language, with the times of each site."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response
from xlsxwriter import Workbook

from web.languages import mark
from web.reader import Reader
from workflows.overview import ListedTicket

LARGEST_TABLE = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = (
    (mark("Number"), 9),
    (mark("Title"), 44),
    (mark("Kind"), 16),
    (mark("Category"), 18),
    (mark("Priority"), 10),
    (mark("State"), 14),
    (mark("Site"), 20),
    (mark("Equipment or place"), 26),
    (mark("Team"), 14),
    (mark("Person"), 16),
    (mark("Happened"), 17),
    (mark("Response due"), 17),
    (mark("Responded"), 17),
    (mark("Resolution due"), 17),
    (mark("Resolved"), 17),
    (mark("Ended"), 17),
    (mark("Repeats"), 9),
)


# By site and code what categories are called there.
Names = Mapping[UUID, Mapping[str, Mapping[str, str]]]


def spreadsheet(
    reader: Reader, tickets: Sequence[ListedTicket], categories: Names, *, more: bool = False
) -> Response:
    """Tickets as a file to take along. more: there are others, which it says below the last."""
    day = reader.now.strftime("%Y-%m-%d")
    headers = {"Content-Disposition": f'attachment; filename="tickets-{day}.xlsx"'}
    content = as_xlsx(reader, tickets, categories, more=more)
    return Response(content, media_type=XLSX, headers=headers)


def as_xlsx(
    reader: Reader, tickets: Iterable[ListedTicket], categories: Names, *, more: bool = False
) -> bytes:
    """One sheet with a line for each ticket; texts are never formulas."""
    target = io.BytesIO()
    # Somebody may name a ticket =CMD(…); it stays a text.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        sheet = book.add_worksheet(reader.translate(TICKETS))
        head = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, (title, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, reader.translate(title), head)
        last = 0
        for last, ticket in enumerate(tickets, 1):
            for column, value in enumerate(_cells(reader, ticket, categories)):
                if isinstance(value, datetime):
                    sheet.write_datetime(last, column, value, moment)
                elif isinstance(value, int):
                    sheet.write_number(last, column, value)
                elif value:
                    sheet.write_string(last, column, value)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, last, len(COLUMNS) - 1)
        if more:
            # Nobody counts ten thousand lines; whoever adds them up must know.
            sheet.write_string(last + 2, 1, reader.translate(CUT_OFF, count=f"{last:,}"), head)
    return target.getvalue()


TICKETS = mark("Tickets")
CUT_OFF = mark("These are the first %(count)s only. Choose fewer: one site, one kind.")


def _cells(
    reader: Reader, ticket: ListedTicket, categories: Names
) -> tuple[str | int | datetime | None, ...]:
    zone = ZoneInfo(ticket.time_zone)
    category = categories[ticket.site_id].get(ticket.category)

    def local(moment: datetime | None) -> datetime | None:
        # A spreadsheet knows no time zones.
        return moment.astimezone(zone).replace(tzinfo=None) if moment else None

    return (
        ticket.number,
        reader.text(ticket.title),
        reader.word("ticket_kind", ticket.kind),
        # A code that nobody names any more is still better than an empty cell.
        reader.text(category) if category else ticket.category,
        reader.word("severity", ticket.priority),
        reader.word("ticket_state", ticket.state),
        reader.text(ticket.site),
        reader.text(ticket.asset_name or ticket.space),
        reader.word("team", ticket.team),
        ticket.assignee or "",
        local(ticket.happened_at),
        local(ticket.respond_due),
        local(ticket.responded_at),
        local(ticket.resolve_due),
        local(ticket.resolved_at),
        local(ticket.ended_at),
        ticket.repeats,
    )
