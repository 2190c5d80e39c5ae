"""Loads the product in the process from which commands are forked, as the program itself does."""

import gc
import importlib

# Switched on again by the program itself, in each process that is forked.
gc.disable()
importlib.import_module("watchkeeper.cli")
gc.freeze()
