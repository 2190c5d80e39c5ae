"""Pictures that people hand in: told from other files, and made small without what they carry."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import Invalid
from rules.wording import Message, worded

LARGEST_PICTURE = 20 * 1024 * 1024
MOST_PIXELS = 80_000_000
LONGEST_SIDE = 1280
QUALITY = 80
PHOTO_ADVICE = worded(
    "Take the photo with the camera of the phone, or save it as JPEG; on an iPhone under "
    "Settings, Camera, Formats, Most Compatible."
)
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
_FIELDS: Mapping[str, Message] = {
    "photo": worded("photo"),
    "plan": worded("plan"),
    "signature": worded("signature"),
}
# What a form lets somebody choose; the endings are for systems that don't know HEIC by its type.
CHOOSABLE = ",".join((*FORMATS.values(), "image/heif", ".heic", ".heif"))
# Of what else stands in such a file only the picture itself is unpacked.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its media type, its size in pixels, and a small JPEG copy of it.

    The copy carries no EXIF: neither where it was taken nor by which phone.
    """

    media_type: str
    width: int
    height: int
    copy: bytes


def read_picture(
    content: bytes,
    *,
    longest_side: int = LONGEST_SIDE,
    field: str = "photo",
    advice: str = PHOTO_ADVICE,
) -> Picture:
    """What a file shows. Invalid when it is no picture of ours, or too large.

    longest_side: of the copy, in pixels. field, advice: what the refusal names and says to do.
    """
    try:
        return _read(content, longest_side)
    except _Unfit as unfit:
        raise Invalid(
            worded("this file was not taken"),
            problems=[_wrong(field, unfit.message)],
            advice=advice,
        ) from unfit.__cause__


class _Unfit(Exception):
    """What a picture would have to be."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def _wrong(field: str, problem: Message) -> Message:
    return worded("%(place)s: %(problem)s", place=_FIELDS[field], problem=problem)


def _read(content: bytes, longest_side: int) -> Picture:
    if len(content) > LARGEST_PICTURE:
        raise _Unfit(worded("at most 20 MB"))
    try:
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as picture:
            # Known from the header, before anything is unpacked.
            _require_few_pixels(picture)
            picture.load()
            # HEIC says its size twice, and what is unpacked goes by the second.
            _require_few_pixels(picture)
            upright = ImageOps.exif_transpose(picture)
            small = _on_white(upright)
            small.thumbnail((longest_side, longest_side))
            target = io.BytesIO()
            small.save(target, "JPEG", quality=QUALITY, optimize=True)
            media_type = FORMATS[picture.format or ""]
            return Picture(media_type, upright.width, upright.height, target.getvalue())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _Unfit(worded("at most 80 million pixels")) from error
    except _UNREADABLE as error:
        raise _Unfit(worded("a JPEG, PNG, WebP or HEIC picture")) from error


# What the decoders raise at a file that is cut off, or lies about itself.
_UNREADABLE = (
    *(UnidentifiedImageError, OSError, ValueError, SyntaxError, KeyError),
    *(EOFError, RuntimeError),
)


def _require_few_pixels(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _Unfit(worded("at most 80 million pixels"))


def require_drawing(content: bytes, *, field: str, largest: int) -> None:
    """Invalid unless a file is a PNG of at most so many bytes on which something is drawn."""
    problem = None
    if len(content) > largest:
        problem = worded("at most %(most)s KB", most=largest // 1024)
    elif (
        read_picture(content, field=field, advice=worded("Draw it again.")).media_type
        != "image/png"
    ):
        problem = worded("a PNG picture")
    else:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            darkest, lightest = _on_white(picture).convert("L").getextrema()
        if darkest == lightest:
            problem = worded("nothing is drawn on it")
    if problem:
        raise Invalid(
            worded("this was not taken"),
            problems=[_wrong(field, problem)],
        )


def _on_white(picture: Image.Image) -> Image.Image:
    """A plain copy in RGB: new, so that nothing but the pixels comes along."""
    plain = Image.new("RGB", picture.size, "white")
    with_alpha = picture.convert("RGBA")
    plain.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return plain
