"""Loads the product in the process from which commands are forked, as the program itself does."""

import gc
import importlib

# Switched on again by the program itself, in each process that is forked.
gc.disable()
importlib.import_module("watchkeeper.cli")
# What a process makes once, whatever it serves: the routes of the API, and of the pages with their
# templates and translations.
importlib.import_module("api.app")._routes()
directory = importlib.import_module("api.directory").Directory
importlib.import_module("web.app")._routes(directory)
gc.freeze()
