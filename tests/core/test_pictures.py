"""Pictures: what is one, and what its small copy keeps to itself."""

import io
import struct
import zlib

import pytest
from PIL import Image

from core.errors import Invalid
from core.pictures import LARGEST_PICTURE, LONGEST_SIDE, read_picture
from tests.pictures import drawing, heic, heic_that_claims, photo


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_the_copy_is_small_and_tells_neither_place_nor_device() -> None:
    original = photo()
    assert b"Secretphone" in original
    read = read_picture(original)
    assert (read.media_type, read.width, read.height) == ("image/jpeg", 1600, 1200)
    with opened(read.copy) as copy:
        assert copy.format == "JPEG"
        assert max(copy.size) == LONGEST_SIDE
        assert dict(copy.getexif()) == {}
    assert b"Secretphone" not in read.copy
    assert b"Exif" not in read.copy


def test_a_phone_held_upright_gives_an_upright_copy() -> None:
    read = read_picture(photo(turned=True))
    assert (read.width, read.height) == (1200, 1600)
    with opened(read.copy) as copy:
        assert copy.height > copy.width


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "image/png"), ("WEBP", "image/webp")])
def test_what_is_transparent_stands_on_white(form: str, media_type: str) -> None:
    read = read_picture(drawing(form))
    assert read.media_type == media_type
    with opened(read.copy) as copy:
        assert copy.size == (40, 30)
        pixel = copy.getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert all(value > 250 for value in pixel)


def test_an_iphone_original_is_read_and_its_copy_tells_nothing() -> None:
    original = heic()
    assert b"Secretphone" in original
    read = read_picture(original)
    assert (read.media_type, read.width, read.height) == ("image/heic", 1600, 1200)
    with opened(read.copy) as copy:
        assert (copy.format, copy.size) == ("JPEG", (1280, 960))
        assert dict(copy.getexif()) == {}
        # It is the sky of the sample, not a black or grey picture.
        pixel = copy.getpixel((640, 10))
        assert isinstance(pixel, tuple)
        assert pixel[2] > pixel[0] + 80
    assert b"Secretphone" not in read.copy


def test_a_heic_that_lies_about_its_size_fills_no_memory() -> None:
    try:
        read = read_picture(heic_that_claims(10, 10))
    except Invalid:
        return
    assert max(read.width, read.height) <= 1600


def chunk(kind: bytes, data: bytes) -> bytes:
    """A piece of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims so many pixels a side."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", zlib.compress(b"0")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces)


NO_PICTURES = {
    "nothing": b"",
    "text": b"hello",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": b"GIF89a" + bytes(50),
    "pdf": b"%PDF-1.7",
    "cut-jpeg": photo()[:300],
    "cut-png": drawing(size=(400, 300))[:60],
    "large-bomb": bomb(40_000),
    "bomb": bomb(9_200),
    "cut-heic": heic()[:-60],
    "broken-heic": heic()[:-200] + bytes(200),
    "large-heic": heic_that_claims(40_000, 40_000),
    "avif": heic().replace(b"ftypheic", b"ftypavif", 1),
    "too-large": bytes(LARGEST_PICTURE + 1),
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
def test_what_is_no_picture_of_ours_is_refused_with_advice(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_picture(content)
    assert refused.value.problems[0].startswith("photo: ")
    assert refused.value.advice
