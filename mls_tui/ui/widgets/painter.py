"""Draws photos the best way the terminal can: kitty's graphics, sixels, else half-blocks. Meant for a worker thread."""

from __future__ import annotations

import random
from itertools import count

from mls_tui.ui.terminal import Graphics
from mls_tui.ui.widgets.picture import Picture, UnreadablePhotoError, block_lines, decode, fitted, half_blocks

LARGEST = (1600, 1200)
"""Pixels of a kitty image, at most: the terminal scales it, and keeps no more than some 300 MB of them."""
SWITCHED_OFF = 'Photos are switched off: photos = "off" in the configuration.'


class Painter:
    """One for each user of the terminal: it numbers the images that the terminal keeps."""

    def __init__(self, graphics: Graphics | None = None) -> None:
        self._graphics = graphics or Graphics()
        self._numbers = count(random.randrange(1, 1 << 23))

    @property
    def cell(self) -> tuple[int, int]:
        """The size of a character in pixels, where that decides the picture."""
        return self._graphics.cell if self._graphics.kind in ("kitty", "sixel") else (1, 2)

    def draw(self, data: bytes, width: int, height: int) -> Picture:
        """The photo in at most ``width`` × ``height`` cells.

        Raises:
            UnreadablePhotoError: it cannot be shown, or the user wants none to be.
        """
        width, height = max(1, width), max(1, height)
        if self._graphics.kind == "kitty":
            return self._kitty(data, width, height)
        if self._graphics.kind == "sixel":
            return self._sixel(data, width, height)
        if self._graphics.kind == "off":
            raise UnreadablePhotoError(SWITCHED_OFF)
        return half_blocks(data, width, height)

    def _kitty(self, data: bytes, width: int, height: int) -> Picture:
        from mls_tui.ui.widgets import kitty

        wide, high = self.cell
        box = (min(width, kitty.LARGEST) * wide, min(height, kitty.LARGEST) * high)
        image, pixels = decode(data, fitted(box, LARGEST) if box[0] > LARGEST[0] or box[1] > LARGEST[1] else box)
        shown = fitted(image.size, box)
        columns, rows = _cells(shown, box, (wide, high))
        number = next(self._numbers)
        return Picture(
            block_lines(image.resize((columns, rows * 2))),
            columns,
            pixels,
            placed=kitty.placeholders(number, columns, rows),
            send=kitty.transmission(image, number, columns, rows),
            free=kitty.deletion(number),
        )

    def _sixel(self, data: bytes, width: int, height: int) -> Picture:
        from mls_tui.ui.widgets.sixel import sixel_lines

        wide, high = self.cell
        box = (width * wide, height * high)
        image, pixels = decode(data, box)
        columns, rows = _cells(image.size, box, (wide, high))
        over = sixel_lines(image.resize((columns * wide, rows * high)), high)
        return Picture(block_lines(image.resize((columns, rows * 2))), columns, pixels, over=over)


def _cells(size: tuple[int, int], box: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of an image of so many pixels; never more than the box has."""
    columns = min(box[0] // cell[0], max(1, round(size[0] / cell[0])))
    return columns, min(box[1] // cell[1], max(1, round(size[1] / cell[1])))
