"""Where the program begins: `watchkeeper`, and `python -m watchkeeper`."""

import gc
import importlib


def main() -> None:
    """Load the product, then run a command of it."""
    # Nothing of it ever goes away: to look for garbage meanwhile takes a quarter of the start.
    gc.disable()
    cli = importlib.import_module("watchkeeper.cli")
    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
