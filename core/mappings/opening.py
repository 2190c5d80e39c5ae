"""Opening a message: its bytes as JSON, lines or bytes, as the mapping says."""

import base64
import binascii
import csv
import io
import json
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from core.mappings.model import MessageMapping
from rules.wording import worded

_decode_json = msgspec.json.Decoder().decode


_MOST_PAIRS = 5_000


class Unreadable(Exception):
    """The payload is not what the mapping says it is. reason: of core.quarantine.REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def open_message(mapping: MessageMapping, payload: bytes) -> tuple[Any, Any]:
    """The message as paths see it, and the payload proper."""
    if mapping.inside is None:
        inner = _payload(mapping, payload, mapping.encoding)
        return (None if isinstance(inner, bytes) else inner), inner
    message = _json(_utf8(payload, mapping.charset))
    held = mapping.inside.path.find(message, message)
    if not isinstance(held, str):
        raise Unreadable(
            "wrong_shape", worded("no text stands at %(place)s", place=mapping.inside.path.text)
        )
    raw = held.encode("utf-8", "replace")
    if mapping.inside.encoding != "text":
        raw = _bytes(raw, mapping.inside.encoding)
    return message, _payload(mapping, raw, "binary")


def _payload(mapping: MessageMapping, payload: bytes, encoding: str) -> Any:
    if mapping.payload in ("modbus", "bytes"):
        return _bytes(payload, encoding)
    if mapping.inside is None:
        payload = _utf8(payload, mapping.charset)
    if mapping.payload == "json":
        return _json(payload)
    if mapping.payload == "lines":
        lines = (line.strip(b"\0 \t\r") for line in payload.split(b"\n")[:_MOST_PAIRS])
        return [_json(line) for line in lines if line]
    try:
        text = payload.decode("utf-8-sig").rstrip("\0")
    except UnicodeDecodeError as error:
        raise Unreadable(
            "not_utf8", worded("byte %(start)s is not UTF-8", start=error.start)
        ) from None
    if mapping.payload == "text":
        return text.strip()
    if mapping.payload == "pairs":
        return _pairs(text, mapping)
    if mapping.payload == "form":
        return _form(text.strip())
    return _rows(text, mapping)


def _utf8(payload: bytes, charset: str) -> bytes:
    """What was written in another charset, as UTF-8; what isn't that charset, as it is."""
    if charset == "utf-8":
        return payload
    try:
        return payload.decode(charset).encode()
    except UnicodeDecodeError:
        return payload


def _pairs(text: str, mapping: MessageMapping) -> dict[str, str]:
    """`level=1.5;run=1`, also line by line: what has no equals sign in it is no pair."""
    lines = text.replace("\n", mapping.separator).split(mapping.separator)[:_MOST_PAIRS]
    pairs = (line.partition(mapping.equals) for line in lines)
    return {name.strip(): value.strip() for name, sign, value in pairs if sign}


def _form(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PAIRS))
    except ValueError as error:
        raise Unreadable(
            "too_large", worded("this form has too many fields: %(error)s", error=str(error))
        ) from None


def _json(payload: bytes) -> Any:
    try:
        return _decode_json(payload)
    except (msgspec.DecodeError, RecursionError, ValueError):
        # NaN, and what else only Python takes: the values beside it may be good.
        pass
    try:
        # Firmware sends its buffer with what ends it.
        return json.loads(payload.decode("utf-8-sig").rstrip("\0 \t\r\n"))
    except UnicodeDecodeError as error:
        raise Unreadable(
            "not_utf8", worded("byte %(start)s is not UTF-8", start=error.start)
        ) from None
    except RecursionError:
        raise Unreadable("too_deep", worded("the JSON is nested too deeply")) from None
    except ValueError as error:
        raise Unreadable("bad_json", str(error)) from None


def _bytes(payload: bytes, encoding: str) -> bytes:
    if encoding == "binary":
        return payload
    plain = b"".join(payload.split())
    try:
        if encoding == "hex":
            return binascii.unhexlify(plain.removeprefix(b"0x"))
        return base64.b64decode(plain, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Unreadable(
            "wrong_shape",
            worded("this is no %(encoding)s: %(error)s", encoding=encoding, error=str(error)),
        ) from None


def _rows(text: str, mapping: MessageMapping) -> list[list[str]]:
    try:
        rows = csv.reader(io.StringIO(text), delimiter=mapping.separator)
        return [[cell.strip() for cell in row] for row in rows if row][mapping.skip :]
    except csv.Error as error:
        raise Unreadable(
            "wrong_shape", worded("this is no table: %(error)s", error=str(error))
        ) from None
