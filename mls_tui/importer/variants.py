"""Smaller WebP copies of a photo, for those who ask for them. It must never touch the original, decode an unknown
format, or decode a picture whose header claims more pixels than we are ready to hold."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mls_tui.domain.errors import PhotoError

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT_WIDTHS = (1600, 400)
"""Widths in pixels."""
MAX_PIXELS = 50_000_000
"""Most pixels that a header may claim: 200 MB once decoded."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF")
"""What Pillow decodes of FIELD §5's formats; it cannot read HEIC."""
QUALITY = 80


def make_variants(body: bytes, widths: Sequence[int] = DEFAULT_WIDTHS) -> dict[int, bytes]:
    """WebP copies by width. A photo narrower than a width keeps its own; none is enlarged.

    The EXIF orientation is applied and all metadata dropped (where the home is, whose camera it was). An animation
    gives its first frame. Blocking and heavy: call it in a worker thread.

    Raises:
        PhotoError: it is no picture that can be read, or one with too many pixels. Not worth another attempt.
    """
    try:
        picture = _decoded(body, max(widths, default=1))
        return {width: _encoded(picture, width) for width in widths}
    except PhotoError:
        raise
    except MemoryError:
        raise PhotoError("the photo needs more memory than there is", retryable=False) from None
    except Exception as error:  # decoders of hostile bytes raise whatever they meet
        raise PhotoError(f"the photo cannot be decoded ({type(error).__name__})", retryable=False) from error


def _decoded(body: bytes, widest: int) -> Image:
    """Upright and in RGB or RGBA; nothing is decoded before the header has been checked."""
    from PIL import Image, ImageOps

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # remarks on bad EXIF, on stderr
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(body), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotoError("the photo has too many pixels", retryable=False) from None
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise PhotoError(f"the photo has too many pixels ({picture.width} × {picture.height})", retryable=False)
        # A JPEG is decoded at the smallest scale that still has every pixel wanted, whichever side is the width.
        scale = min(1.0, widest / min(picture.size))
        picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
        upright = ImageOps.exif_transpose(picture)
        return _in_srgb(upright, picture.info.get("icc_profile"))


def _in_srgb(picture: Image, profile: object) -> Image:
    """The colours a screen expects: the profile goes with the other metadata, so it is applied first."""
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if isinstance(profile, bytes) and profile and picture.mode in ("RGB", "RGBA", "CMYK"):
        from PIL import ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile: its colours are taken as sRGB
        else:
            if converted is not None:
                return converted
    return picture.convert(mode)


def _encoded(picture: Image, width: int) -> bytes:
    from PIL import Image

    if width < 1:
        raise ValueError("a variant is at least one pixel wide")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    clean = picture.copy()
    clean.info.clear()
    clean.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", xmp=b"", icc_profile=b"")
    return out.getvalue()
