"""A canvas of 800 by 600 points, painted at twice the size and halved at the end, so that edges are smooth."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, _SCALE = 800, 600, 2

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mixed(a: Colour, b: Colour, part: float) -> Colour:
    """The colour ``part`` of the way from ``a`` to ``b``."""
    return (
        round(a[0] + (b[0] - a[0]) * part),
        round(a[1] + (b[1] - a[1]) * part),
        round(a[2] + (b[2] - a[2]) * part),
    )


def darker(colour: Colour, part: float = 0.2) -> Colour:
    """``colour`` with some black in it."""
    return mixed(colour, (0, 0, 0), part)


def lighter(colour: Colour, part: float = 0.2) -> Colour:
    """``colour`` with some white in it."""
    return mixed(colour, (255, 255, 255), part)


class Canvas:
    """Shapes in points, (0, 0) at the top left."""

    def __init__(self, ground: Colour = (255, 255, 255)) -> None:
        self._image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), ground)
        self._draw = ImageDraw.Draw(self._image)

    def gradient(self, top: float, bottom: float, *colours: Colour) -> None:
        """A full-width band from ``top`` to ``bottom`` that runs evenly through ``colours``."""
        strip = Image.new("RGB", (1, len(colours)))
        strip.putdata(list(colours))
        rows = max(1, round((bottom - top) * _SCALE))
        column = strip.resize((1, rows), Image.Resampling.BICUBIC)
        self._image.paste(column.resize((WIDTH * _SCALE, rows), Image.Resampling.NEAREST), (0, round(top * _SCALE)))

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0) -> None:
        """A rectangle, with round corners if ``radius``."""
        if right <= left or bottom <= top:
            return
        frame = (left * _SCALE, top * _SCALE, right * _SCALE - 1, bottom * _SCALE - 1)
        if radius:
            self._draw.rounded_rectangle(frame, radius * _SCALE, fill)
        else:
            self._draw.rectangle(frame, fill)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill)

    def oval(self, x: float, y: float, across: float, tall: float, fill: Colour) -> None:
        """An ellipse by its centre and its two radii."""
        frame = ((x - across) * _SCALE, (y - tall) * _SCALE, (x + across) * _SCALE, (y + tall) * _SCALE)
        self._draw.ellipse(frame, fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float = 1) -> None:
        """A line through points."""
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._draw.line(scaled, fill, max(1, round(width * _SCALE)), joint="curve")

    def text(self, x: float, y: float, text: str, fill: Colour, size: float) -> None:
        """A word centred on a point."""
        font = ImageFont.load_default(size * _SCALE)
        self._draw.text((x * _SCALE, y * _SCALE), text, fill, font, anchor="mm")

    def jpeg(self, quality: int = 78) -> bytes:
        """The picture as a JPEG file without metadata."""
        out = io.BytesIO()
        self._image.reduce(_SCALE).save(out, "JPEG", quality=quality)
        return out.getvalue()
