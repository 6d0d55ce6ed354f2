"""Photo bytes to coloured half-blocks, the picture that every terminal can show. Meant for a worker thread; knows no
widget, reads no store, and decodes nothing before its header was found harmless."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF")
"""What is decoded, by the header's word; Pillow tries no other decoder."""


class UnreadablePhotoError(Exception):
    """The bytes cannot be shown; ``str()`` says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn photo: ``strips`` are its lines, ``width`` its cells; ``pixels`` the size of the photo itself.

    Where the terminal shows pixels, ``placed`` are lines that take the place of ``strips``, and ``over`` is what is
    written over each line once its cells are drawn; both only while nothing lies over the screen. ``send`` is to be
    told to the terminal before, ``free`` when the picture is not needed any more.
    """

    strips: tuple[Strip, ...]
    width: int
    pixels: tuple[int, int]
    placed: tuple[Strip, ...] = ()
    over: tuple[str, ...] = ()
    send: str = ""
    free: str = ""

    def line(self, y: int, *, in_front: bool) -> Strip:
        """The cells of one line."""
        return self.placed[y] if in_front and self.placed else self.strips[y]

    def over_line(self, y: int, back: int, *, in_front: bool) -> str:
        """What is written once the cells of a line are drawn, and the cursor is ``back`` cells right of its start."""
        return f"\x1b7\x1b[{back}D{self.over[y]}\x1b8" if in_front and self.over else ""


def decode(data: bytes, box: tuple[int, int]) -> tuple[Image, tuple[int, int]]:
    """The photo as RGB, scaled to fit ``box`` (pixels), and its own size in pixels.

    Raises:
        UnreadablePhotoError: not an image of FORMATS, damaged, or over MAX_PIXELS.
    """
    from PIL import Image as pillow
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(io.BytesIO(data), formats=FORMATS) as image:
                size = image.size
                if size[0] * size[1] > MAX_PIXELS:
                    raise UnreadablePhotoError(f"It is too large to show: {size[0]:,} × {size[1]:,} pixels.")
                image.draft("RGB", (box[0] * 2, box[1] * 2))
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((box[0] * 4, box[1] * 4))
                rgb = upright.convert("RGB")
    except UnreadablePhotoError:
        raise
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        raise UnreadablePhotoError("It is too large to show.") from None
    except Exception as error:
        # Pillow's decoders raise whatever the damage leads them to: OSError, SyntaxError, ValueError, struct.error …
        raise UnreadablePhotoError("Its bytes are not an image that can be shown.") from error
    wide, high = fitted(rgb.size, box)
    return rgb.resize((wide, high), pillow.Resampling.LANCZOS), size


def fitted(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape that fits the box; never under 1 × 1."""
    scale = min(box[0] / max(1, size[0]), box[1] / max(1, size[1]))
    return max(1, min(box[0], round(size[0] * scale))), max(1, min(box[1], round(size[1] * scale)))


def half_blocks(data: bytes, width: int, height: int) -> Picture:
    """The photo in at most ``width`` × ``height`` cells: every ``▀`` is two pixels, its ink above its paper.

    Raises:
        UnreadablePhotoError: as ``decode``.
    """
    image, pixels = decode(data, (max(1, width), max(1, height) * 2))
    return Picture(block_lines(image), image.width, pixels)


def block_lines(image: Image) -> tuple[Strip, ...]:
    """An RGB image with two of its rows in each line."""
    wide, high = image.size
    flat = image.tobytes()
    strips = []
    for y in range(0, high, 2):
        upper = flat[y * wide * 3 : (y + 1) * wide * 3]
        lower = flat[(y + 1) * wide * 3 : (y + 2) * wide * 3]
        strips.append(Strip(_line(upper, lower), wide))
    return tuple(strips)


def written_over(cells: Strip, sequence: str) -> Strip:
    """The line with what is written over it at its very end: cut by anything that lies over it, it is left out, and the
    cells show."""
    if not sequence:
        return cells
    return Strip([*cells, Segment(sequence, None, [(ControlType.CURSOR_FORWARD, 0)])], cells.cell_length)


def _line(upper: bytes, lower: bytes) -> list[Segment]:
    """Equal neighbours share one segment. A missing lower row leaves the paper as it is."""
    segments: list[Segment] = []
    last: bytes | None = None
    run = 0
    for at in range(0, len(upper), 3):
        pair = upper[at : at + 3] + lower[at : at + 3]
        if pair != last and last is not None:
            segments.append(_cells(last, run))
            run = 0
        last, run = pair, run + 1
    if last is not None:
        segments.append(_cells(last, run))
    return segments


def _cells(pair: bytes, count: int) -> Segment:
    ink = Color.from_rgb(*pair[:3])
    paper = Color.from_rgb(*pair[3:]) if len(pair) == 6 else None
    return Segment("▀" * count, Style(color=ink, bgcolor=paper))
