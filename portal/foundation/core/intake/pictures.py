"""Pictures are drawn anew: what comes out has the same pixels and nothing else, neither place, camera, colour profile nor
anything that was hidden behind the last line."""

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from .findings import Bad, Big

MOST_PIXELS = 25_000_000
_BROKEN = (OSError, ValueError, SyntaxError, UnidentifiedImageError)


def redraw(body: bytes, *, form: str) -> bytes:
    """The picture again in its own form («JPEG» or «PNG»). Raises Bad, Big beyond 25 megapixels (judged by its head)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(body), formats=[form])
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise Big("pixels")
        turned = picture.getexif().get(0x0112, 1) != 1
        picture.load()
        return _jpeg(picture, turned=turned) if form == "JPEG" else _png(picture)
    except Image.DecompressionBombError as error:  # Pillow's own limit lies higher than ours
        raise Big("pixels") from error
    except _BROKEN as error:
        raise Bad("broken") from error


def _jpeg(picture: Image.Image, *, turned: bool) -> bytes:
    out = io.BytesIO()
    if turned or picture.mode not in (
        "L",
        "RGB",
    ):  # how it was held is written into the pixels, as the note about it goes
        fresh = ImageOps.exif_transpose(picture).convert("L" if picture.mode == "L" else "RGB")
        fresh.info = {}
        fresh.save(out, "JPEG", quality=92)
    else:
        picture.info.clear()
        picture.save(out, "JPEG", quality="keep")  # the tables it came with: nothing is lost a second time
    return out.getvalue()


def _png(picture: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(picture)
    fresh = upright.copy()
    fresh.info = {name: value for name, value in upright.info.items() if name == "transparency"}
    out = io.BytesIO()
    fresh.save(out, "PNG", compress_level=3)
    return out.getvalue()
