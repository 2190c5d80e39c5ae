"""What a phone is told of its entries, in words of both languages."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.catalog import Text
from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.proof import REASONS

FILE = Path(__file__).with_name("reasons.yaml")
_TOLD = (
    *("checkpoint_id", "round_id", "position", "post"),
    *("report_id", "ticket_number", "file_id"),
)


@cache
def reasons() -> Mapping[str, Text]:
    """Why an entry counts for nothing, by code; those of scans are the verdicts of scans."""
    shipped = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    own = {code: Text(words["en"], words["zh"]) for code, words in shipped.items()}
    return {**REASONS, **own}


def describe_verdict(row: JournalEntry) -> dict[str, Any]:
    """What became of an entry, as its phone is told."""
    text = None if row.reason is None else reasons()[row.reason]
    return {
        "seq": row.seq,
        "id": row.id,
        "kind": row.kind,
        "verdict": row.verdict,
        "reason": row.reason,
        "text": None if text is None else {"en": text.en, "zh": text.zh},
        **{name: row.outcome.get(name) for name in _TOLD},
        "marks": row.marks,
    }
