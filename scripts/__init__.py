"""Set-up and upkeep of a checkout; the product itself never imports this."""

import sys

# Asked here, before a module of this package uses anything that an older Python lacks.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Python 3.11 or newer is needed; this is %d.%d. "  # noqa: UP031
        "Name another: make PYTHON=python3.12" % sys.version_info[:2]
    )
