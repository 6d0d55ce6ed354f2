"""Photos drawn from a home's own data: its front by day and at dusk, its rooms, its garden, its lake, a map.

The same home and shot give the same bytes, in any process and any thread.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFont

from mls_tui.demo.homes import HEIGHT, WIDTH, Home, Shot

Colour = tuple[int, int, int]
_SCALE = 2  # painted at twice the size and halved at the end, so that edges are smooth
_GROUND = 468
_FLOOR = 410

_WALLS: tuple[Colour, ...] = (
    (236, 228, 210), (206, 216, 222), (158, 176, 190), (226, 204, 160), (178, 92, 74), (196, 206, 178),
    (242, 240, 234), (120, 138, 152), (214, 180, 150), (146, 160, 134), (186, 110, 88), (232, 214, 190),
)  # fmt: skip
_ROOFS: tuple[Colour, ...] = ((84, 78, 80), (110, 84, 72), (72, 86, 98), (128, 76, 62), (94, 98, 92))
_DOORS: tuple[Colour, ...] = ((168, 48, 44), (38, 82, 116), (50, 96, 74), (232, 186, 74), (92, 58, 44), (44, 48, 56))
_ROOMS: tuple[Colour, ...] = ((238, 232, 220), (222, 228, 226), (232, 222, 208), (214, 220, 226), (226, 230, 214))
_WOODS: tuple[Colour, ...] = ((178, 132, 88), (152, 110, 74), (196, 158, 112), (120, 84, 58), (140, 116, 96))
_FABRICS: tuple[Colour, ...] = (
    (96, 120, 140), (170, 110, 84), (112, 132, 104), (196, 176, 146), (150, 84, 92), (84, 92, 116), (214, 168, 84),
)  # fmt: skip
_LEAVES: tuple[Colour, ...] = ((70, 128, 62), (88, 142, 66), (60, 116, 72), (188, 122, 52), (176, 88, 52))
_PETALS: tuple[Colour, ...] = ((232, 120, 150), (246, 214, 92), (244, 240, 250), (170, 120, 214))
_WHITE: Colour = (250, 248, 244)


def draw(home: Home, shot: Shot) -> bytes:
    """The JPEG of one photo of a home: 800 by 600, at most 60 KB. Takes about 10 ms."""
    rng = Random(f"{home.look} {shot.number} {shot.version}")
    light = _DAYLIGHT[(home.look + shot.version) % len(_DAYLIGHT)]
    if shot.scene in ("front", "dusk"):
        return _front(home, _DUSK if shot.scene == "dusk" else light).jpeg()
    if shot.scene == "map":
        return _map(home).jpeg()
    if shot.scene == "garden":
        return _garden(rng, light, home.pool).jpeg()
    if shot.scene == "lake":
        return _lake(rng, _DUSK if rng.random() < 0.5 else light).jpeg()
    room = {"living": _living, "kitchen": _kitchen, "bath": _bath}.get(shot.scene, _bedroom)
    return room(rng, home.fireplace and shot.number < 6).jpeg()


def _mix(a: Colour, b: Colour, part: float) -> Colour:
    return tuple(round(x + (y - x) * part) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _dark(colour: Colour, part: float = 0.15) -> Colour:
    return _mix(colour, (0, 0, 0), part)


def _pale(colour: Colour, part: float = 0.2) -> Colour:
    return _mix(colour, (255, 255, 255), part)


@dataclass(frozen=True, slots=True)
class _Light:
    """A time of day: the sky's colours from the top down, the sun, and how much it darkens everything else."""

    sky: tuple[Colour, ...]
    sun: Colour
    sun_at: tuple[float, float]
    shade: float

    def on(self, colour: Colour) -> Colour:
        """A colour as this light shows it."""
        return _mix(colour, (34, 30, 70), self.shade)


_DAYLIGHT = (
    _Light(((64, 140, 214), (128, 187, 236), (206, 230, 246)), (255, 250, 225), (640, 95), 0.0),
    _Light(((86, 156, 222), (163, 206, 240), (240, 240, 232)), (255, 246, 210), (150, 120), 0.02),
    _Light(((104, 150, 205), (190, 205, 222), (250, 226, 190)), (255, 232, 170), (690, 190), 0.06),
    _Light(((120, 160, 196), (176, 198, 214), (222, 228, 230)), (236, 238, 240), (420, 80), 0.05),
)
_DUSK = _Light(((38, 42, 92), (120, 82, 138), (238, 150, 118), (252, 200, 140)), (255, 214, 150), (610, 330), 0.38)


class _Canvas:
    """Shapes on 800 by 600 points, (0, 0) at the top left, every colour as ``light`` shows it."""

    def __init__(self, light: _Light = _DAYLIGHT[0]) -> None:
        self.light = light
        self._image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE))
        self._draw = ImageDraw.Draw(self._image)

    def gradient(self, top: float, bottom: float, *colours: Colour) -> None:
        strip = Image.new("RGB", (1, len(colours)))
        strip.putdata(list(colours))
        rows = max(1, round((bottom - top) * _SCALE))
        column = strip.resize((1, rows), Image.Resampling.BICUBIC)
        self._image.paste(column.resize((WIDTH * _SCALE, rows), Image.Resampling.NEAREST), (0, round(top * _SCALE)))

    def box(self, left: float, top: float, wide: float, tall: float, fill: Colour, radius: float = 0) -> None:
        if wide > 0 and tall > 0:
            frame = [round(edge * _SCALE) for edge in (left, top, left + wide, top + tall)]
            self._draw.rounded_rectangle((*frame[:2], frame[2] - 1, frame[3] - 1), radius * _SCALE, self.light.on(fill))

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], self.light.on(fill))

    def oval(self, x: float, y: float, across: float, tall: float, fill: Colour) -> None:
        """By its centre and its two radii."""
        frame = [edge * _SCALE for edge in (x - across, y - tall, x + across, y + tall)]
        self._draw.ellipse(frame, self.light.on(fill))

    def line(self, points: Sequence[tuple[float, float]], fill: Colour, width: float = 1.5) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._draw.line(scaled, self.light.on(fill), max(1, round(width * _SCALE)), joint="curve")

    def text(self, x: float, y: float, text: str, fill: Colour, size: float) -> None:
        font = ImageFont.load_default(size * _SCALE)
        self._draw.text((x * _SCALE, y * _SCALE), text, fill, font, anchor="mm")

    def jpeg(self) -> bytes:
        out = io.BytesIO()
        self._image.reduce(_SCALE).save(out, "JPEG", quality=78)
        return out.getvalue()


# outdoors


def _landscape(rng: Random, light: _Light, horizon: float) -> _Canvas:
    """Sky with a sun and clouds, two wooded ridges."""
    canvas = _Canvas(_Light(light.sky, light.sun, light.sun_at, 0))
    canvas.gradient(0, horizon, *light.sky)
    x, y = light.sun_at
    near = light.sky[min(len(light.sky) - 1, int(y / horizon * len(light.sky)))]
    for radius, part in ((62, 0.25), (48, 0.45), (34, 1.0)):
        canvas.oval(x, y, radius, radius, _mix(near, light.sun, part))
    soft = _pale(light.sky[-1], 0.15 if light is _DUSK else 0.55)
    for _ in range(rng.randint(2, 4)):
        x, y, size = rng.uniform(40, 760), rng.uniform(45, horizon * 0.5), rng.uniform(0.6, 1.25)
        canvas.oval(x + 6 * size, y + 8 * size, 66 * size, 12 * size, _mix(soft, light.sky[0], 0.18))
        for across, up, radius in ((-38, 0, 20), (-12, -12, 28), (22, -6, 24), (46, 2, 16)):
            canvas.oval(x + across * size, y + up * size, radius * 1.25 * size, radius * 0.72 * size, soft)
    canvas.light = light
    for tall, colour in ((74.0, (118, 150, 158)), (40.0, (86, 128, 98))):
        phase, waves = rng.uniform(0, 6), rng.uniform(1.6, 3.1)
        ridge = [
            (x, horizon - tall * (0.55 + 0.3 * math.sin(phase + waves * x / 260))) for x in range(0, WIDTH + 21, 20)
        ]
        canvas.shape([(0, horizon + 4), *ridge, (WIDTH, horizon + 4)], _mix(colour, light.sky[-1], 0.25))
    return canvas


def _lawn(canvas: _Canvas, rng: Random, top: float) -> None:
    grass = rng.choice(((104, 158, 78), (118, 166, 84), (96, 148, 82)))
    canvas.gradient(top, HEIGHT, canvas.light.on(_pale(grass, 0.14)), canvas.light.on(_dark(grass)))
    for _ in range(46):
        x, y = rng.uniform(0, WIDTH), rng.uniform(top + 14, 596)
        tuft = _dark(grass) if rng.random() < 0.6 else _pale(grass)
        canvas.line([(x, y), (x + rng.uniform(-4, 4), y - 4 - (y - top) / 40)], tuft)


def _water(canvas: _Canvas, rng: Random, top: float, bottom: float) -> None:
    """A lake that mirrors the sky, with a glitter path under the sun."""
    light, deep = canvas.light, canvas.light.on((36, 92, 140))
    canvas.gradient(top, bottom, _mix(light.sky[-1], deep, 0.25), _mix(light.sky[0], deep, 0.6), deep)
    for _ in range(int((bottom - top) / 2.4)):
        y = rng.uniform(top + 3, bottom)
        far = (y - top) / (bottom - top)
        x = light.sun_at[0] + rng.gauss(0, 26 + 70 * far) if rng.random() < 0.55 else rng.uniform(0, WIDTH)
        long = 6 + 34 * far * rng.random()
        canvas.line([(x - long, y), (x + long, y)], _mix((36, 92, 140), light.sun, 0.7 - 0.3 * far), 1 + 1.4 * far)


def _tree(canvas: _Canvas, rng: Random, x: float, foot: float, size: float) -> None:
    """A maple, or now and then a fir; ``size`` 1 is 200 points tall."""
    canvas.oval(x, foot + 2, 62 * size, 9 * size, (72, 112, 60))
    canvas.box(x - 7 * size, foot - 90 * size, 14 * size, 90 * size, (96, 70, 50))
    if rng.random() < 0.3:
        for step in range(4):
            wide, base = (66 - 13 * step) * size, foot - (34 + 40 * step) * size
            canvas.shape([(x - wide, base), (x + wide, base), (x, base - 76 * size)], _pale((46, 98, 72), 0.05 * step))
        return
    green = rng.choice(_LEAVES)
    blobs = [(rng.gauss(0, 24), rng.gauss(-122, 20), rng.uniform(28, 42)) for _ in range(9)]
    for tint, off, shrink in ((_dark(green, 0.22), 7, 1.0), (green, 0, 0.9), (_pale(green), -9, 0.62)):
        for across, up, radius in blobs:
            radius *= shrink * size
            canvas.oval(x + (across + off) * size, foot + (up + off) * size, radius, radius * 0.92, tint)


def _bushes(canvas: _Canvas, rng: Random, left: float, right: float, foot: float, *doors: float) -> None:
    """A row of shrubs that leaves the doors free, some in flower."""
    x = left
    while x < right:
        size, green = rng.uniform(0.75, 1.2), rng.choice(_LEAVES[:3])
        if all(abs(x - door) > 66 for door in doors):
            for across, radius in ((-16.0, 17), (14.0, 18), (0.0, 22)):
                up = foot - radius * 0.7 * size
                canvas.oval(x + across * size, up, radius * size, radius * 0.85 * size, _dark(green))
                canvas.oval(x + across * size - 3, up - 4, radius * 0.75 * size, radius * 0.6 * size, green)
            petal = rng.choice(_PETALS)
            for _ in range(rng.choice((0, 9))):
                canvas.oval(x + rng.gauss(0, 13), foot - rng.uniform(6, 28) * size, 2.8, 2.8, petal)
        x += rng.uniform(36, 56)


def _front(home: Home, light: _Light) -> _Canvas:
    """The whole picture: surroundings, building by its kind, storeys and colours, its number on a plate."""
    rng = Random(home.look)
    canvas = _landscape(rng, light, 372)
    if home.waterfront:
        _water(canvas, rng, 358, 420)
    _lawn(canvas, rng, 416 if home.waterfront else 372)
    for x in sorted((rng.uniform(20, 120), rng.uniform(690, 780))):
        _tree(canvas, rng, x, rng.uniform(430, 462), rng.uniform(1.15, 1.6))
    wall, roof, door = rng.choice(_WALLS), rng.choice(_ROOFS), rng.choice(_DOORS)
    number = str(home.street_number)
    if home.kind == "Condominium":
        _building(canvas, rng, (190, 610), 4, 5, wall, roof, {400.0: number}, door, "flat")
    elif home.kind == "Townhouse":
        for left, step in ((128, -2), (492, 2), (310, 0)):
            paint = (wall, door) if step == 0 else (rng.choice(_WALLS), rng.choice(_DOORS))
            own = {left + 46.0: str(home.street_number + step)}
            _building(canvas, rng, (left, left + 182), max(2, home.storeys), 2, paint[0], roof, own, paint[1], "flat")
    elif home.kind == "Duplex":
        doors: dict[float, str] = {285: f"{number}A", 515: f"{number}B"}
        _building(canvas, rng, (170, 630), home.storeys, 6, wall, roof, doors, door, "long")
    elif home.kind == "Cabin":
        _chimney(canvas, 490, _GROUND - 268)
        _building(canvas, rng, (240, 560), 1, 3, (150, 104, 66), roof, {400.0: number}, door, "steep")
    else:
        half = min(185, 112 + home.area / 26)
        middle = 400 - (62 if home.garage else 0)
        if home.garage:
            _garage(canvas, middle + half - 4, wall, roof, home.garage > 1)
        if home.fireplace:
            _chimney(canvas, middle - half * 0.6, _GROUND - 118 - 92 * (home.storeys > 1) - 118)
        columns = 4 if half > 150 else 3
        at = middle - half + 2 * half * (columns // 2 + 0.5) / columns
        style = rng.choice(("long", "gable"))
        _building(
            canvas, rng, (middle - half, middle + half), home.storeys, columns, wall, roof, {at: number}, door, style
        )
        canvas.shape([(at - 58, _GROUND - 100), (at, _GROUND - 138), (at + 58, _GROUND - 100)], roof)
        for post in (-50, 45):
            canvas.box(at + post, _GROUND - 100, 6, 100, _WHITE)
        _plate(canvas, at, number)
    _tree(canvas, rng, rng.choice((rng.uniform(0, 60), rng.uniform(745, 800))), 560, 1.9)
    return canvas


def _building(
    canvas: _Canvas, rng: Random, sides: tuple[float, float], floors: int, columns: int, wall: Colour, roof: Colour,
    doors: dict[float, str], door: Colour, style: str,
) -> None:  # fmt: skip
    """Walls, a roof ("flat", "long", "gable", "steep"), windows in columns, doors by their place with their numbers."""
    left, right = sides
    wide, middle = right - left, (left + right) / 2
    flat = style == "flat"
    storey = 82 if floors > 3 else 96
    top = _GROUND - 22 - storey * floors
    trim: Colour = _WHITE if sum(wall) < 690 else (116, 104, 92)
    for at in doors:
        canvas.shape([(at - 26, _GROUND), (at + 26, _GROUND), (at + 70, 600), (at - 60, 600)], (196, 186, 170))
        for step in (0.2, 0.45, 0.75):
            canvas.line(
                [(at - 26 - 30 * step, _GROUND + 132 * step), (at + 26 + 40 * step, _GROUND + 132 * step)],
                (168, 158, 144),
            )
    canvas.box(left, top, wide, _GROUND - top, wall)
    for line in range(int(top) + 9, 0 if flat else _GROUND - 10, 15 if style == "steep" else 9):
        canvas.box(left, line, wide, 1, _dark(wall, 0.1))
    canvas.box(right - wide * 0.06, top, wide * 0.06, _GROUND - top, _dark(wall, 0.1))
    canvas.box(left, _GROUND - 10, wide, 10, _dark(_mix(wall, (120, 120, 120), 0.5)))
    if flat:
        canvas.box(left - 5, top - 12, wide + 10, 16, roof)
        canvas.box(left - 5, top + 4, wide + 10, 4, _dark(wall, 0.3))
    elif style == "long":
        canvas.shape(
            [(left - 24, top + 10), (left + 54, top - 84), (right - 54, top - 84), (right + 24, top + 10)], roof
        )
        for step in range(1, 7):
            inset, y = 54 - 78 * step / 7, top - 84 + 94 * step / 7
            canvas.line([(left + inset, y), (right - inset, y)], _dark(roof))
    else:
        high = 176 if style == "steep" else 112
        canvas.shape([(left - 28, top + 10), (middle, top - high), (right + 28, top + 10)], roof)
        canvas.shape([(left + 8, top + 10), (middle, top - high + 32), (right - 8, top + 10)], _pale(wall, 0.08))
        _window(canvas, middle - 24, top - 50, 48, 42, trim)
    if not flat:
        canvas.box(left - 24, top + 7, wide + 48, 7, trim)
    for floor in range(floors):
        for column in range(columns):
            at = left + wide * (column + 0.5) / columns
            y = top + 26 + storey * floor
            if floor < floors - 1 or all(abs(at - place) > 52 for place in doors):
                _window(canvas, at - 22, y, 44, 46 if floors > 3 else 56, trim)
                if floors > 3 and column != columns // 2:
                    canvas.box(at - 36, y + 30, 72, 3, _dark(trim, 0.3))
                    for bar in range(-34, 36, 10):
                        canvas.box(at + bar, y + 33, 2, 20, _dark(trim, 0.25))
    for at, number in doors.items():
        canvas.box(at - 25, _GROUND - 92, 50, 86, trim)
        canvas.box(at - 20, _GROUND - 87, 40, 81, door)
        for y in (_GROUND - 80, _GROUND - 44):
            canvas.box(at - 13, y, 26, 28, _dark(door, 0.18))
        canvas.oval(at + 14, _GROUND - 46, 2.5, 2.5, (232, 202, 120))
        canvas.box(at - 36, _GROUND - 8, 72, 12, (176, 172, 166))
        canvas.box(at - 42, _GROUND + 2, 84, 10, (158, 154, 150))
        _plate(canvas, at, number)
    _bushes(canvas, rng, left + 16, right - 8, _GROUND + 8, *doors)


def _plate(canvas: _Canvas, door: float, number: str) -> None:
    wide = 14 + 10.8 * len(number)
    canvas.box(door - wide / 2, _GROUND - 118, wide, 20, (36, 42, 52), radius=4)
    canvas.text(door, _GROUND - 108, number, (250, 246, 232), 16)


def _window(canvas: _Canvas, x: float, y: float, wide: float, tall: float, trim: Colour) -> None:
    dusk = canvas.light is _DUSK
    glass: Colour = (255, 214, 130) if dusk else (122, 158, 184)
    canvas.box(x - 5, y - 5, wide + 10, tall + 12, trim)
    canvas.light, light = _DAYLIGHT[0], canvas.light
    canvas.box(x, y, wide, tall, glass)
    canvas.shape([(x, y), (x + wide * 0.7, y), (x, y + tall * 0.75)], _pale(glass, 0.35))
    canvas.light = light
    canvas.box(x + wide / 2 - 1.5, y, 3, tall, trim)
    canvas.box(x, y + tall / 2 - 1.5, wide, 3, trim)


def _chimney(canvas: _Canvas, x: float, top: float) -> None:
    canvas.box(x, top, 34, 170, (150, 84, 70))
    canvas.box(x - 4, top - 7, 42, 10, (112, 63, 52))


def _garage(canvas: _Canvas, left: float, wall: Colour, roof: Colour, double: bool) -> None:
    top, edge = _GROUND - 104, 16 if double else 40
    canvas.shape(
        [(left + 10, _GROUND - 4), (left + 152, _GROUND - 4), (left + 282, 600), (left + 30, 600)], (150, 150, 152)
    )
    canvas.shape([(left - 8, top + 6), (left + 81, top - 56), (left + 180, top + 6)], _dark(roof, 0.08))
    canvas.box(left, top, 162, 104, _dark(wall, 0.05))
    canvas.box(left + edge - 5, top + 25, 172 - 2 * edge, 79, _WHITE)
    for row in range(4):
        tint: Colour = (122, 158, 184) if row == 0 else _mix(_WHITE, wall, 0.35)
        canvas.box(left + edge, top + 30 + row * 19, 162 - 2 * edge, 17, tint)


def _garden(rng: Random, light: _Light, pool: bool) -> _Canvas:
    """Back yard: fence, trees, beds, a patio with a parasol; the pool if the home has one."""
    canvas = _landscape(rng, light, 330)
    _lawn(canvas, rng, 322)
    for x in (rng.uniform(40, 160), rng.uniform(300, 460), rng.uniform(620, 760)):
        _tree(canvas, rng, x, 352, rng.uniform(1.0, 1.5))
    fence = rng.choice(((188, 152, 112), (238, 236, 230), (146, 118, 92)))
    for x in range(0, WIDTH, 26):
        canvas.shape([(x + 1, 392), (x + 1, 308), (x + 12, 298), (x + 23, 308), (x + 23, 392)], fence)
        canvas.box(x + 23, 310, 2, 82, _dark(fence, 0.25))
    _bushes(canvas, rng, 20, WIDTH, 404)
    if pool:
        for across, tall, tint in ((262, 64, (226, 220, 208)), (242, 54, (52, 156, 196)), (200, 38, (94, 190, 220))):
            canvas.oval(330, 486, across, tall, tint)
    canvas.shape([(470, 470), (800, 450), (800, 600), (400, 600)], (200, 188, 172))
    for y in (500, 540):
        canvas.line([(440, y + 8), (800, y - 10)], (172, 162, 148))
    shade = rng.choice(((196, 74, 62), (60, 110, 140), (226, 186, 92), (98, 134, 92)))
    canvas.oval(640, 560, 110, 16, (150, 140, 128))
    canvas.box(636, 370, 7, 186, (120, 92, 66))
    canvas.shape([(520, 392), (640, 330), (760, 392)], shade)
    canvas.shape([(600, 392), (640, 330), (680, 392)], _pale(shade))
    canvas.oval(640, 490, 74, 16, (236, 232, 222))
    for x in (548, 706):
        canvas.box(x, 470, 30, 52, (132, 100, 72), radius=5)
        for leg in (x + 2, x + 24):
            canvas.box(leg, 512, 4, 44, (104, 78, 56))
    return canvas


def _lake(rng: Random, light: _Light) -> _Canvas:
    """The water with a dock and a boat, as the sun goes down or in full day."""
    canvas = _landscape(rng, light, 300)
    _water(canvas, rng, 300, HEIGHT)
    wood = (164, 124, 86)
    canvas.shape([(300, 372), (352, 372), (520, 600), (180, 600)], wood)
    for step in range(15):
        part = (step / 15) ** 1.6
        y = 372 + 228 * part
        canvas.line([(300 - 120 * part, y), (352 + 168 * part, y)], _dark(wood, 0.24), 1 + 2 * part)
    for part in (0.0, 0.28, 0.7):
        y, size = 372 + 228 * part, 5 + 9 * part
        for x in (300 - 120 * part, 352 + 168 * part):
            canvas.box(x - size, y - 26 - 44 * part, 2 * size, 42 + 44 * part, _dark(wood, 0.35))
    canvas.shape([(560, 412), (700, 412), (680, 438), (580, 438)], rng.choice(_DOORS))
    canvas.box(628, 300, 4, 112, _dark(wood, 0.3))
    canvas.shape([(636, 304), (636, 402), (700, 402)], _WHITE)
    canvas.shape([(624, 318), (624, 402), (580, 402)], _dark(_WHITE, 0.06))
    return canvas


def _map(home: Home) -> _Canvas:
    """Blocks, roads, a park, water if the town has it, and a pin on the home."""
    rng = Random(f"{home.town.name} {home.street}")
    canvas = _Canvas()
    canvas.box(0, 0, WIDTH, HEIGHT, (240, 236, 226))
    for _ in range(60):
        canvas.box(
            rng.uniform(-20, 780), rng.uniform(-20, 580), rng.uniform(18, 46), rng.uniform(18, 40), (226, 220, 208), 3
        )
    x, y = rng.uniform(60, 260), rng.uniform(330, 430)
    canvas.box(x, y, 190, 120, (200, 224, 180), radius=16)
    for _ in range(14):
        canvas.oval(x + rng.uniform(14, 176), y + rng.uniform(14, 106), 8, 8, (164, 202, 148))
    if home.town.lake:
        shore = [(470 + 40 * step + rng.uniform(-20, 20), 30 + 34 * step) for step in range(9)]
        canvas.shape([(470, -10), *shore, (810, 330), (810, -10)], (160, 204, 230))
    slant = rng.uniform(-60, 60)
    for width, tint in ((20, (208, 200, 186)), (15, (255, 255, 255))):
        for x in (120, 300, 470, 640):
            canvas.line([(x - slant, -10), (x + slant, 610)], tint, width)
        for y in (90, 230, 330, 520):
            canvas.line([(-10, y + slant / 3), (810, y - slant / 3)], tint, width)
    for width, tint in ((30, (222, 160, 88)), (24, (252, 214, 130))):
        canvas.line([(-10, 470), (240, 440), (520, 400), (810, 420)], tint, width)
    canvas.text(200, 252, f"{home.street} {home.suffix}", (110, 104, 96), 17)
    canvas.text(560, 560, home.town.name, (90, 86, 80), 26)
    canvas.oval(400, 300, 26, 8, (190, 180, 166))
    canvas.shape([(372, 236), (428, 236), (400, 300)], (208, 52, 48))
    canvas.oval(400, 222, 33, 33, (208, 52, 48))
    canvas.oval(400, 222, 14, 14, _WHITE)
    return canvas


# rooms, seen straight on: a wall, a floor in perspective, and furniture


def _room(rng: Random, x: float, y: float, wide: float, tall: float, curtains: bool = True) -> tuple[_Canvas, Colour]:
    """An empty room with a window at a place. Returns the canvas and the wall's colour."""
    canvas = _Canvas()
    wall, floor = rng.choice(_ROOMS), rng.choice(_WOODS)
    canvas.gradient(0, _FLOOR, _pale(wall, 0.25), wall, _dark(wall, 0.06))
    canvas.shape([(0, 0), (800, 0), (720, 46), (80, 46)], _pale(wall, 0.6))
    canvas.gradient(_FLOOR, HEIGHT, _pale(floor, 0.12), _dark(floor, 0.12))
    for place in range(-14, 15):
        canvas.line([(400 + place * 46, _FLOOR), (400 + place * 112, 600)], _dark(floor, 0.14))
    for edge, side, part in ((0, 80, 0.1), (800, 720, 0.06)):
        canvas.shape([(edge, 0), (side, 46), (side, _FLOOR), (edge, 500)], _dark(wall, part))
    canvas.box(80, _FLOOR - 12, 640, 12, _pale(wall, 0.7))
    sky = rng.choice(_DAYLIGHT).sky
    canvas.box(x - 8, y - 8, wide + 16, tall + 20, _WHITE)
    for step in range(6):
        canvas.box(x, y + tall * step / 6, wide, tall / 6 + 1, _mix(sky[0], sky[-1], step / 5))
    for _ in range(5):
        canvas.oval(x + rng.uniform(0.15, 0.85) * wide, y + tall * 0.86, wide * 0.14, tall * 0.13, (96, 146, 88))
    canvas.box(x, y + tall * 0.9, wide, tall * 0.1, (120, 166, 96))
    canvas.box(x + wide / 2 - 2, y, 4, tall, _WHITE)
    canvas.box(x, y + tall / 2 - 2, wide, 4, _WHITE)
    if curtains:
        cloth = _pale(rng.choice(_FABRICS), 0.45)
        canvas.box(x - 44, y - 20, wide + 88, 6, (110, 88, 70))
        for left in (x - 40, x + wide + 2):
            for fold in range(4):
                canvas.box(left + fold * 10, y - 14, 10, tall + 60, cloth if fold % 2 else _pale(cloth, 0.16))
    return canvas, wall


def _picture(canvas: _Canvas, rng: Random, x: float, y: float, wide: float, tall: float) -> None:
    canvas.box(x - 6, y - 6, wide + 12, tall + 12, (84, 66, 54))
    canvas.box(x, y, wide, tall, _WHITE)
    canvas.box(x + 8, y + 8, wide - 16, tall - 16, _pale(rng.choice(_FABRICS), 0.45))
    land = [(x + 8, y + tall - 8), (x + wide * 0.4, y + tall * 0.4), (x + wide - 8, y + tall - 8)]
    canvas.shape(land, rng.choice(_FABRICS))


def _lamp(canvas: _Canvas, x: float, foot: float, tall: float) -> None:
    canvas.box(x - 2, foot - tall, 4, tall, (70, 62, 56))
    canvas.oval(x, foot, 18, 4, (70, 62, 56))
    top = foot - tall
    canvas.shape([(x - 16, top - 34), (x + 16, top - 34), (x + 28, top + 10), (x - 28, top + 10)], (252, 230, 180))


def _living(rng: Random, fireplace: bool) -> _Canvas:
    canvas, _ = _room(rng, 150, 110, 170, 190)
    sofa, rug = rng.sample(_FABRICS, 2)
    for across, tall, tint in ((320, 62, _dark(rug)), (300, 54, _pale(rug, 0.3)), (250, 42, _pale(rug, 0.12))):
        canvas.oval(400, 519, across, tall, tint)
    if fireplace:
        canvas.box(470, 60, 200, _FLOOR - 60, (164, 148, 136))
        for row in range(9):
            for stone in range(4):
                left = 472 + stone * 50 + (25 if row % 2 else 0)
                tint = _mix((176, 160, 146), (136, 122, 114), rng.random())
                canvas.box(left, 62 + row * 39, min(668, left + 46) - left, 35, tint, radius=5)
        canvas.box(455, 228, 230, 18, (96, 70, 52))
        canvas.box(510, 290, 120, _FLOOR - 290, (40, 34, 32))
        for x, size, flame in ((570, 34, (226, 92, 40)), (556, 24, (246, 150, 54)), (580, 18, (255, 214, 110))):
            canvas.shape([(x - size, 402), (x + size, 402), (x + 4, 402 - size * 2.2)], flame)
    else:
        _picture(canvas, rng, 480, 120, 150, 104)
        _lamp(canvas, 690, 440, 150)
    canvas.box(190, 340, 270, 92, _dark(sofa, 0.08), radius=16)
    canvas.box(206, 394, 254 - 16, 50, _pale(sofa, 0.1), radius=8)
    canvas.box(324, 394, 2, 48, _dark(sofa))
    for left in (172, 442):
        canvas.box(left, 368, 36, 84, _dark(sofa), radius=12)
    for left in (220, 380):
        canvas.box(left, 356, 52, 46, _pale(rng.choice(_FABRICS), 0.3), radius=9)
    canvas.shape([(330, 500), (500, 500), (530, 532), (300, 532)], (132, 94, 66))
    canvas.box(300, 532, 230, 8, (104, 72, 50))
    canvas.oval(415, 504, 16, 5, _WHITE)
    canvas.oval(415, 494, 11, 12, rng.choice(_FABRICS))
    return canvas


def _kitchen(rng: Random, _: bool) -> _Canvas:
    canvas, wall = _room(rng, 316, 110, 168, 130, curtains=False)
    cabinet = rng.choice(((246, 244, 238), (120, 140, 150), (92, 112, 100), (170, 124, 84), (60, 76, 96)))
    stone = rng.choice(((236, 236, 234), (96, 96, 100), (206, 196, 182)))
    canvas.box(80, 248, 640, 52, _pale(wall, 0.5))
    for x in range(80, 720, 32):
        canvas.box(x, 248, 1, 52, _dark(wall, 0.08))
    cupboards = [(x, 74, 150) for x in (86, 188, 506, 608)] + [(x, 312, 96) for x in (86, 188, 290, 392, 610)]
    for x, y, tall in cupboards:
        canvas.box(x, y, 100, tall, _dark(cabinet, 0.16))
        for left in (x + 2, x + 51):
            canvas.box(left, y + 2, 47, tall - 4, cabinet)
            canvas.box(left + 8, y + 10, 31, tall - 20, _dark(cabinet, 0.06))
        for knob in (x + 44, x + 56):
            canvas.oval(knob, y + tall / 2, 2.5, 2.5, (190, 160, 100))
    canvas.box(76, 298, 648, 16, stone)
    canvas.box(496, 300, 112, 108, (196, 200, 204))
    canvas.box(508, 336, 88, 56, (54, 58, 64), radius=5)
    for x in (514, 540, 566, 592):
        canvas.oval(x, 320, 5, 5, (72, 76, 82))
    canvas.line([(400, 298), (400, 268), (414, 262), (422, 272)], (160, 166, 172), 4)
    canvas.shape([(190, 446), (610, 446), (650, 474), (150, 474)], _pale(stone, 0.25))
    canvas.box(150, 474, 500, 12, _dark(stone, 0.1))
    canvas.box(180, 486, 440, 104, _dark(cabinet, 0.1))
    for x in (196, 304, 412, 520):
        canvas.box(x, 498, 88, 84, cabinet, radius=3)
    metal = rng.choice(((54, 58, 62), (206, 160, 84)))
    for x in (290, 510):
        canvas.box(x - 1, 0, 2, 150, (60, 56, 54))
        canvas.shape([(x - 12, 150), (x + 12, 150), (x + 30, 188), (x - 30, 188)], metal)
        canvas.oval(x, 190, 15, 8, (255, 240, 200))
    canvas.oval(400, 450, 40, 12, (232, 226, 214))
    for x, tint in ((384, (214, 70, 54)), (402, (240, 176, 60)), (418, (126, 168, 74))):
        canvas.oval(x, 442, 12, 11, tint)
    return canvas


def _bedroom(rng: Random, _: bool) -> _Canvas:
    canvas, _wall = _room(rng, 118, 104, 120, 176)
    cover, wood = rng.choice(_FABRICS), rng.choice((*_WOODS, (232, 226, 216), (74, 62, 56)))
    _picture(canvas, rng, 356, 96, 130, 84)
    canvas.oval(420, 548, 350, 48, _pale(rng.choice(_FABRICS), 0.5))
    for x in (250, 570):
        canvas.box(x - 34, 352, 70, 78, wood, radius=3)
        for y in (364, 396):
            canvas.box(x - 26, y, 54, 24, _dark(wood, 0.12))
        _lamp(canvas, x, 352, 34)
    canvas.box(292, 246, 256, 154, wood, radius=12)
    canvas.box(306, 258, 228, 122, _pale(wood, 0.1), radius=8)
    canvas.shape([(300, 362), (540, 362), (590, 520), (250, 520)], _WHITE)
    canvas.shape([(289, 400), (551, 400), (590, 520), (250, 520)], cover)
    canvas.shape([(289, 400), (551, 400), (557, 418), (283, 418)], _pale(cover, 0.4))
    canvas.shape([(250, 520), (590, 520), (582, 566), (258, 566)], _dark(cover, 0.16))
    for x in (318, 428):
        canvas.box(x, 326, 96, 52, (254, 252, 250), radius=16)
    canvas.box(376, 346, 88, 40, _pale(cover, 0.25), radius=12)
    return canvas


def _bath(rng: Random, _: bool) -> _Canvas:
    canvas, _wall = _room(rng, 180, 66, 150, 124, curtains=False)
    tile = rng.choice(((206, 224, 228), (226, 232, 226), (188, 208, 204), (232, 222, 214), (170, 196, 208)))
    wood, towel = rng.choice(((150, 108, 72), (236, 232, 224), (84, 100, 104))), rng.choice(_FABRICS)
    canvas.box(80, 210, 640, 188, tile)
    for x in range(80, 721, 40):
        canvas.box(x, 210, 2, 188, _pale(tile, 0.5))
    for y in range(210, 398, 31):
        canvas.box(80, y, 640, 2, _pale(tile, 0.5))
    canvas.oval(360, 540, 150, 30, _pale(towel, 0.3))
    canvas.box(118, 330, 312, 132, _WHITE, radius=34)
    canvas.box(108, 322, 332, 24, (255, 255, 255), radius=12)
    canvas.oval(274, 334, 150, 8, _mix(tile, (120, 180, 210), 0.5))
    canvas.line([(412, 322), (412, 276), (390, 270)], (170, 176, 182), 6)
    canvas.box(446, 250, 36, 110, _pale(towel))
    canvas.box(446, 330, 36, 12, _pale(towel, 0.6))
    canvas.oval(600, 150, 78, 92, (150, 120, 84))
    canvas.oval(600, 150, 70, 84, (206, 224, 234))
    canvas.shape([(560, 120), (600, 72), (622, 76), (556, 170)], (232, 242, 248))
    canvas.box(510, 300, 182, 140, wood)
    for x in (518, 604):
        canvas.box(x, 322, 80, 108, _dark(wood, 0.1), radius=3)
    canvas.box(502, 286, 198, 18, _WHITE, radius=4)
    canvas.oval(600, 288, 54, 9, (222, 228, 230))
    canvas.line([(600, 284), (600, 256), (616, 252)], (170, 176, 182), 5)
    return canvas
