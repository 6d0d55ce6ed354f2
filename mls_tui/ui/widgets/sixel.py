"""An image as sixels, one small picture for each line of characters, so that a line that is drawn again draws its own.
Pure: an image in, text out. The format is that of the VT340 manual, chapter 14."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 128
BAND = 6
"""Pixels on top of one another in one sixel."""
RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)
TO_TEXT = bytes(min(255, bits + 63) for bits in range(256))


def sixel_lines(image: Image, height: int) -> tuple[str, ...]:
    """The RGB image cut into lines of ``height`` pixels, each drawn from where the cursor stands."""
    from PIL.Image import Dither

    few = image.quantize(COLOURS, dither=Dither.NONE)
    palette = few.getpalette() or []
    wide, high = few.size
    pixels = few.tobytes()
    rows = [pixels[y * wide : (y + 1) * wide] for y in range(high)]
    return tuple(_line(rows[y : y + height], palette) for y in range(0, high, height))


def _line(rows: list[bytes], palette: list[int]) -> str:
    """What is not drawn stays as it is (``1`` in the introducer), so that a last band may be thinner than six."""
    bands = b"-".join(_band(rows[y : y + BAND]) for y in range(0, len(rows), BAND))
    used = sorted(set(b"".join(rows)))
    colours = "".join(
        f"#{each};2;" + ";".join(str(round(part / 2.55)) for part in palette[each * 3 : each * 3 + 3]) for each in used
    )
    return f'\x1bP0;1;0q"1;1;{len(rows[0])};{len(rows)}{colours}{bands.decode("ascii")}\x1b\\'


def _band(rows: list[bytes]) -> bytes:
    """Up to six rows of pixels: for each colour, the sixels in which it stands."""
    return b"$".join(b"#%d%b" % (colour, _sixels(rows, colour)) for colour in sorted(set(b"".join(rows))))


def _sixels(rows: list[bytes], colour: int) -> bytes:
    bits = 0
    for y, row in enumerate(rows):
        if colour in row:
            only = bytearray(256)
            only[colour] = 1 << y
            bits |= int.from_bytes(row.translate(bytes(only)), "big")
    text = bits.to_bytes(len(rows[0]), "big").rstrip(b"\0").translate(TO_TEXT)
    return RUN.sub(lambda run: b"!%d%b" % (len(run[0]), run[1]), text)
