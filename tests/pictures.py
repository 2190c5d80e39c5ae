"""Pictures as a phone takes them: with the place, the device and the way it was held."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

MAKE, ORIENTATION, GPS = 0x010F, 0x0112, 0x8825
LATITUDE_REF, LATITUDE = 1, 2


def photo(
    width: int = 1600, height: int = 1200, *, colour: str = "red", turned: bool = False
) -> bytes:
    """A JPEG with EXIF: maker, place, and, if turned, that the phone was held upright."""
    picture = Image.new("RGB", (width, height), colour)
    exif = Image.Exif()
    exif[MAKE] = "Secretphone"
    if turned:
        exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[LATITUDE_REF] = "N"
    exif.get_ifd(GPS)[LATITUDE] = (31.0, 14.0, 5.0)
    target = io.BytesIO()
    picture.save(target, "JPEG", exif=exif)
    return target.getvalue()


def drawing(form: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture with transparency, of another format."""
    target = io.BytesIO()
    Image.new("RGBA", size, (0, 0, 255, 0)).save(target, form)
    return target.getvalue()


def signature() -> bytes:
    """A signature as a canvas gives it: a PNG with a line on white."""
    picture = Image.new("RGB", (300, 150), "white")
    ImageDraw.Draw(picture).line([(20, 100), (120, 30), (260, 90)], fill="navy", width=4)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def heic() -> bytes:
    """A HEIC file as an iPhone writes it, of 1600 × 1200 pixels, with maker and place."""
    return (Path(__file__).parent / "samples" / "phone.heic").read_bytes()


def heic_that_claims(width: int, height: int) -> bytes:
    """The same, whose header says another size than the picture in it has."""
    whole = heic()
    at = whole.index(b"ispe") + 8
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return whole[:at] + size + whole[at + 8 :]
