"""Papers as PDF, laid out by Typst in Latin and Chinese characters; the same as a workbook."""

from core.papers.labels import ON_A_SHEET, PaperLabel, label_sheets
from core.papers.paper import paper, parts_told
from core.papers.typesetting import FONT, missing_font, typeset
from core.papers.workbook import workbook_of

__all__ = [
    "FONT",
    "ON_A_SHEET",
    "PaperLabel",
    "label_sheets",
    "missing_font",
    "paper",
    "parts_told",
    "typeset",
    "workbook_of",
]
