"""Taking back what an import said of households."""

from collections.abc import Sequence

from sqlalchemy import select

from core.administration.uses import uses_of
from core.home_accounts import account_holders
from core.homes import Home
from core.households import Resident, change_resident, contacts_of, erase
from workflows.intake.plan import Item
from workflows.intake.planning.households import details_of, kept
from workflows.intake.planning.standing import in_parts
from workflows.intake.undoing.state import Undoing

# What belongs to somebody goes with them.
_THEIRS = ("resident_key",)


def undo_households(undoing: Undoing, items: Sequence[Item]) -> None:
    """Erase who is new and as they were left, and give the others their old details back."""
    mine = {item.id: item for item in items if item.kind == "resident"}
    session, doing = undoing.doing.session, undoing.doing
    gone: list[Resident] = []
    for some in in_parts(list(mine)):
        statement = select(Resident).where(Resident.id.in_(some)).with_for_update()
        rows = {row.id: row for row in session.scalars(statement)}
        used = {use.used: use.table for use in uses_of(session, Resident, rows, but=_THEIRS)}
        # A home outlives who of the household had it, so that no key says so.
        used |= dict.fromkeys(account_holders(session, list(rows)), Home.__tablename__)
        for item in (mine[each] for each in some):
            row = rows.get(item.id)
            if row is None:
                undoing.keep(item, "gone")
            elif not _is_as_left(undoing, row, item):
                undoing.keep(item, "changed")
            elif item.action == "update":
                [contact] = contacts_of(session, [row])
                details = details_of({**kept(contact.details), **item.before})
                change_resident(session, row, details, actor=doing.actor, now=doing.now)
                undoing.undone += 1
            elif row.id in used:
                undoing.keep(item, "used", used[row.id])
            else:
                gone.append(row)
    erase(session, gone, actor=doing.actor, now=doing.now)
    undoing.undone += len(gone)


def _is_as_left(undoing: Undoing, row: Resident, item: Item) -> bool:
    """Whether nobody has changed since what the import wrote."""
    [contact] = contacts_of(undoing.doing.session, [row])
    stands = {**kept(contact.details), "site_id": row.site_id, "space_id": row.space_id}
    return all(stands[name] == value for name, value in item.after.items())
