"""What incidents are called on pages."""

from collections.abc import Mapping

from web.languages import mark

INCIDENT_WORDS: Mapping[str, Mapping[str, str]] = {
    "incident_root": {
        "supply": mark("Supplied by the same equipment"),
        "gateway": mark("Connected through the same gateway"),
        "space": mark("In the same building"),
        "cause": mark("Explained by one alarm"),
    },
}
