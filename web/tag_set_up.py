"""What is written to a signed tag: its address, and where in its file the mirrors stand.

By NXP AN12196 rev. 1.8 (NTAG 424 DNA, SDM): offsets count bytes of the NDEF file, from 0.
"""

from dataclasses import dataclass

# NDEF file: two bytes of length; the header of a short URI record (NFC Forum RTD-URI 1.0) is four
# bytes and the one that stands for the beginning of the address.
_BEFORE = 2 + 4 + 1
_BEGINNINGS = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Template:
    """An address with zeros where the tag mirrors, and the settings that say where that is.

    offsets: by the name that the data sheet gives them, in bytes; SDMENCLength is a length.
    """

    address: str
    offsets: dict[str, int]


def template(base: str, query: str) -> Template:
    """The template of an address. query: as `put_token` shows it for a signed tag."""
    address = f"{base}/t?{query}"
    begins = next(each for each in _BEGINNINGS if address.startswith(each))

    def place(name: str) -> int:
        return _BEFORE + address.index(f"{name}=", len(base)) + 2 - len(begins)

    offsets = {"PICCDataOffset": place("e")}
    # The signature goes over what begins here; over nothing where both offsets are the same.
    offsets["SDMMACInputOffset"] = place("m")
    if "&d=" in query:
        offsets["SDMMACInputOffset"] = offsets["SDMENCOffset"] = place("d")
        offsets["SDMENCLength"] = len(query.split("&d=")[1].split("&")[0])
    offsets["SDMMACOffset"] = place("m")
    return Template(address, offsets)
