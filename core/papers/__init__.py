"""Papers as PDF: laid out by Typst, in Latin and Chinese characters."""

from core.papers.labels import ON_A_SHEET, PaperLabel, label_sheets
from core.papers.typesetting import FONT, missing_font, typeset

__all__ = ["FONT", "ON_A_SHEET", "PaperLabel", "label_sheets", "missing_font", "typeset"]
