"""Kitty's graphics protocol with Unicode placeholders: the image is sent once, then shown wherever characters of its
number stand, so that whatever is drawn over it covers it as it covers text. Pure: an image in, text out.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from PIL.Image import Image

PLACEHOLDER = "\U0010eeee"
CHUNK = 4096
"""Bytes of base64 in one message, at most."""


def _numbers(ranges: str) -> tuple[str, ...]:
    found: list[str] = []
    for each in ranges.split():
        first, _, last = each.partition("-")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return tuple(found)


DIACRITICS = _numbers(
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac "
    "5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 "
    "747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 "
    "1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 "
    "20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 "
    "aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)
"""The combining marks that stand for 0, 1, 2 …: the protocol's own list of rows and columns."""
LARGEST = len(DIACRITICS)
"""Rows or columns of an image, at most."""


def transmission(image: Image, number: int, columns: int, rows: int) -> str:
    """Sends an RGB image as ``number`` (1 to 0xFFFFFF), to be shown in so many cells. The terminal answers nothing."""
    body = b64encode(zlib.compress(image.tobytes(), 1)).decode("ascii")
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    keys = f"a=T,U=1,q=2,f=24,o=z,i={number},s={image.width},v={image.height},c={columns},r={rows},"
    messages = []
    for at, chunk in enumerate(chunks):
        more = int(at + 1 < len(chunks))
        messages.append(f"\x1b_G{keys if at == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(messages)


def deletion(number: int) -> str:
    """Frees an image in the terminal."""
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"


def placeholders(number: int, columns: int, rows: int) -> tuple[Strip, ...]:
    """The characters in whose cells the terminal shows the image; their colour is its number.

    Each is a segment of its own: where one is cut, Rich may part a character from its marks.
    """
    style = Style(color=Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255))
    marks = DIACRITICS[:columns]
    return tuple(
        Strip([Segment(PLACEHOLDER + row + column, style) for column in marks], columns) for row in DIACRITICS[:rows]
    )
