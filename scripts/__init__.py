"""Set-up and upkeep of a checkout; the product itself never imports this."""
