"""What plans lack of a statute, in the language of who reads it."""

from web.languages import mark
from web.reader import Reader
from workflows.patrol.rounds.coverage import Finding
from workflows.patrol.statutes import Statute

GAP = mark(
    "Up to %(minutes)s minutes without a round, from %(at)s on; %(most)s are allowed. In 28 days "
    "that is so %(count)s times."
)
CLOSING = mark(
    "No round begins around the closing at %(at)s. In 28 days %(count)s closings are without one."
)
DAY = mark("Too few rounds on %(day)s. In 28 days %(count)s days have too few.")
ITEMS = mark("Nowhere on the route is looked at: %(items)s.")
HOURS = mark("The calendar or shift in which it counts is not there any more. Choose another one.")
DRAWN = mark("Rounds of this route draw only some of its checkpoints, so none of them is certain.")
NO_PLAN = mark("No plan in use is made under it.")
TOLERANCE = mark(
    "Kept as planned. With as much earlier or later as counts, %(minutes)s minutes may pass "
    "between two rounds."
)


def finding_told(reader: Reader, statute: Statute, finding: Finding) -> str:
    """What plans lack of a statute, in the reader's language and by the clocks of the site."""
    minutes, count = finding.minutes, finding.count
    if finding.code == "gap" and finding.at:
        at, most = reader.minute(finding.at), statute.every_min
        return reader.translate(GAP, minutes=minutes, at=at, count=count, most=most)
    if finding.code == "closing" and finding.at:
        return reader.translate(CLOSING, at=reader.minute(finding.at), count=count)
    if finding.code == "day" and finding.day:
        return reader.translate(DAY, day=reader.date(finding.day), count=count)
    if finding.code == "items":
        names = {item.code: reader.text(item.name) for item in statute.items}
        between = "；" if reader.language == "zh" else "; "
        return reader.translate(ITEMS, items=between.join(names[one] for one in finding.items))
    if finding.code == "tolerance":
        return reader.translate(TOLERANCE, minutes=minutes)
    others = {"hours": HOURS, "drawn": DRAWN, "no_plan": NO_PLAN}
    return reader.translate(others[finding.code])
