"""Money: decimal amounts in the currency of the company's books, rounded by one function."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    """An amount to the hundredth, halves away from zero, as bills are written."""
    return amount.quantize(CENT, ROUND_HALF_UP)
