"""Rooms inside: living room, kitchen, bedroom, bath. Straight-on views with a floor, a wall and what stands there."""

from __future__ import annotations

from random import Random

from mls_tui.demo.paint.canvas import Canvas, Colour, darker, lighter, mixed
from mls_tui.demo.paint.outdoors import DAYLIGHT

_WALLS: tuple[Colour, ...] = ((238, 232, 220), (222, 228, 226), (232, 222, 208), (214, 220, 226), (226, 230, 214))
_FLOORS: tuple[Colour, ...] = ((178, 132, 88), (152, 110, 74), (196, 158, 112), (140, 116, 96))
_FABRICS: tuple[Colour, ...] = (
    (96, 120, 140), (170, 110, 84), (112, 132, 104), (196, 176, 146), (150, 84, 92), (84, 92, 116), (214, 168, 84),
)  # fmt: skip
_FLOOR = 410


def _shell(canvas: Canvas, rng: Random) -> Colour:
    """Wall, ceiling, floor boards in perspective. Returns the wall's colour."""
    wall, floor = rng.choice(_WALLS), rng.choice(_FLOORS)
    canvas.gradient(0, _FLOOR, lighter(wall, 0.25), wall, darker(wall, 0.06))
    canvas.shape([(0, 0), (800, 0), (720, 46), (80, 46)], lighter(wall, 0.6))
    canvas.shape([(0, 0), (80, 46), (80, _FLOOR), (0, 500)], darker(wall, 0.1))
    canvas.shape([(800, 0), (720, 46), (720, _FLOOR), (800, 500)], darker(wall, 0.06))
    canvas.gradient(_FLOOR, 600, lighter(floor, 0.12), darker(floor, 0.12))
    canvas.shape([(0, _FLOOR), (80, _FLOOR), (0, 500)], darker(wall, 0.1))
    canvas.shape([(800, _FLOOR), (720, _FLOOR), (800, 500)], darker(wall, 0.06))
    for place in range(-14, 15):
        canvas.line([(400 + place * 46, _FLOOR), (400 + place * 112, 600)], darker(floor, 0.14), 1.2)
    canvas.box(80, _FLOOR - 12, 720, _FLOOR, lighter(wall, 0.7))
    return wall


def _view(canvas: Canvas, rng: Random, x: float, y: float, wide: float, tall: float) -> None:
    """A window with the day outside it."""
    light = rng.choice(DAYLIGHT)
    canvas.box(x - 8, y - 8, x + wide + 8, y + tall + 12, (252, 250, 246))
    for step in range(6):
        part = step / 5
        colour = mixed(light.sky[0], light.sky[-1], part)
        canvas.box(x, y + tall * step / 6, x + wide, y + tall * (step + 1) / 6, colour)
    for _ in range(5):
        canvas.oval(x + rng.uniform(0.15, 0.85) * wide, y + tall * 0.86, wide * 0.14, tall * 0.14, (96, 146, 88))
    canvas.box(x, y + tall * 0.9, x + wide, y + tall, (120, 166, 96))
    canvas.box(x + wide / 2 - 2, y, x + wide / 2 + 2, y + tall, (252, 250, 246))
    canvas.box(x, y + tall / 2 - 2, x + wide, y + tall / 2 + 2, (252, 250, 246))


def _curtains(canvas: Canvas, colour: Colour, x: float, y: float, wide: float, tall: float) -> None:
    canvas.box(x - 44, y - 20, x + wide + 44, y - 14, (110, 88, 70))
    for left in (x - 40, x + wide + 2):
        for fold in range(4):
            tint = colour if fold % 2 else lighter(colour, 0.16)
            canvas.box(left + fold * 10, y - 14, left + fold * 10 + 10, y + tall + 46, tint)


def _picture(canvas: Canvas, rng: Random, x: float, y: float, wide: float, tall: float) -> None:
    canvas.box(x - 6, y - 6, x + wide + 6, y + tall + 6, (84, 66, 54))
    canvas.box(x, y, x + wide, y + tall, (246, 242, 232))
    sky, land = rng.choice(_FABRICS), rng.choice(_FABRICS)
    canvas.box(x + 8, y + 8, x + wide - 8, y + tall - 8, lighter(sky, 0.45))
    canvas.shape([(x + 8, y + tall - 8), (x + wide * 0.4, y + tall * 0.4), (x + wide - 8, y + tall - 8)], land)


def _lamp(canvas: Canvas, x: float, foot: float, tall: float) -> None:
    canvas.box(x - 2, foot - tall, x + 2, foot, (70, 62, 56))
    canvas.oval(x, foot, 18, 4, (70, 62, 56))
    canvas.shape(
        [
            (x - 16, foot - tall - 34),
            (x + 16, foot - tall - 34),
            (x + 28, foot - tall + 10),
            (x - 28, foot - tall + 10),
        ],
        (252, 230, 180),
    )


def living(canvas: Canvas, rng: Random, fireplace: bool) -> None:
    """Living room: sofa, rug, window, and the fireplace if the home has one."""
    _shell(canvas, rng)
    sofa, rug = rng.sample(_FABRICS, 2)
    _view(canvas, rng, 150, 110, 170, 190)
    _curtains(canvas, lighter(rng.choice(_FABRICS), 0.45), 150, 110, 170, 190)
    canvas.oval(400, 520, 320, 62, darker(rug, 0.1))
    canvas.oval(400, 518, 300, 54, lighter(rug, 0.3))
    canvas.oval(400, 518, 250, 42, lighter(rug, 0.12))
    if fireplace:
        canvas.box(470, 60, 670, _FLOOR, (164, 148, 136))
        for row in range(9):
            for stone in range(4):
                tint = mixed((176, 160, 146), (136, 122, 114), rng.random())
                left = 472 + stone * 50 + (25 if row % 2 else 0)
                canvas.box(left, 62 + row * 39, min(668, left + 46), 62 + row * 39 + 35, tint, radius=5)
        canvas.box(455, 228, 685, 246, (96, 70, 52))
        canvas.box(510, 290, 630, _FLOOR, (40, 34, 32))
        for x, size, tint in ((570, 34, (226, 92, 40)), (556, 24, (246, 150, 54)), (580, 18, (255, 214, 110))):
            canvas.shape([(x - size, 402), (x + size, 402), (x + 4, 402 - size * 2.2)], tint)
    else:
        _picture(canvas, rng, 480, 120, 150, 104)
        _lamp(canvas, 690, 440, 150)
    _sofa(canvas, rng, sofa, 190, 452)
    canvas.shape([(330, 500), (500, 500), (530, 532), (300, 532)], (132, 94, 66))
    canvas.box(300, 532, 530, 540, (104, 72, 50))
    canvas.oval(415, 504, 16, 5, (240, 240, 236))
    canvas.oval(415, 494, 11, 12, rng.choice(_FABRICS))


def _sofa(canvas: Canvas, rng: Random, colour: Colour, x: float, foot: float) -> None:
    canvas.box(x, foot - 112, x + 270, foot - 20, darker(colour, 0.08), radius=16)
    canvas.box(x + 16, foot - 58, x + 254, foot - 8, lighter(colour, 0.1), radius=8)
    canvas.box(x + 134, foot - 58, x + 136, foot - 10, darker(colour, 0.15))
    for left in (x - 18, x + 252):
        canvas.box(left, foot - 84, left + 36, foot, darker(colour, 0.14), radius=12)
    for left in (x + 30, x + 190):
        canvas.box(left, foot - 96, left + 52, foot - 50, lighter(rng.choice(_FABRICS), 0.3), radius=9)


def kitchen(canvas: Canvas, rng: Random) -> None:
    """Kitchen: cabinets above and below, range, window over the sink, an island with pendants."""
    wall = _shell(canvas, rng)
    cabinet = rng.choice(((246, 244, 238), (120, 140, 150), (92, 112, 100), (170, 124, 84), (60, 76, 96)))
    stone = rng.choice(((236, 236, 234), (96, 96, 100), (206, 196, 182)))
    canvas.box(80, 236, 720, 300, lighter(wall, 0.5))
    for x in range(80, 720, 32):
        canvas.box(x, 236, x + 1, 300, darker(wall, 0.08))
    _view(canvas, rng, 316, 110, 168, 130)
    for x in (86, 188, 506, 608):
        _cupboard(canvas, cabinet, x, 74, 100, 150)
    for x in (86, 188, 290, 392, 494, 610):
        _cupboard(canvas, cabinet, x, 312, 100, 96)
    canvas.box(76, 298, 724, 314, stone)
    canvas.box(496, 300, 608, 408, (196, 200, 204))
    canvas.box(508, 336, 596, 392, (54, 58, 64), radius=5)
    for x in (514, 540, 566, 592):
        canvas.oval(x, 320, 5, 5, (72, 76, 82))
    canvas.line([(400, 298), (400, 268), (414, 262), (422, 272)], (160, 166, 172), 4)
    canvas.shape([(190, 446), (610, 446), (650, 474), (150, 474)], lighter(stone, 0.25))
    canvas.box(150, 474, 650, 486, darker(stone, 0.1))
    canvas.box(180, 486, 620, 590, darker(cabinet, 0.1))
    for x in (196, 304, 412, 520):
        canvas.box(x, 498, x + 88, 582, cabinet, radius=3)
    for x in (290, 510):
        canvas.box(x - 1, 0, x + 1, 150, (60, 56, 54))
        canvas.shape(
            [(x - 12, 150), (x + 12, 150), (x + 30, 188), (x - 30, 188)], rng.choice(((54, 58, 62), (206, 160, 84)))
        )
        canvas.oval(x, 190, 15, 8, (255, 240, 200))
    canvas.oval(400, 450, 40, 12, (232, 226, 214))
    for x, tint in ((384, (214, 70, 54)), (402, (240, 176, 60)), (418, (126, 168, 74))):
        canvas.oval(x, 442, 12, 11, tint)


def _cupboard(canvas: Canvas, colour: Colour, x: float, y: float, wide: float, tall: float) -> None:
    canvas.box(x, y, x + wide, y + tall, darker(colour, 0.16))
    for left in (x + 2, x + wide / 2 + 1):
        canvas.box(left, y + 2, left + wide / 2 - 3, y + tall - 2, colour)
        canvas.box(left + 8, y + 10, left + wide / 2 - 11, y + tall - 10, darker(colour, 0.06))
    for knob in (x + wide / 2 - 6, x + wide / 2 + 6):
        canvas.oval(knob, y + tall / 2, 2.5, 2.5, (190, 160, 100))


def bedroom(canvas: Canvas, rng: Random) -> None:
    """Bedroom: a bed with pillows, night stands with lamps, a window."""
    _shell(canvas, rng)
    cover, wood = rng.choice(_FABRICS), rng.choice(((120, 84, 58), (196, 166, 128), (232, 226, 216), (74, 62, 56)))
    _view(canvas, rng, 118, 104, 120, 176)
    _curtains(canvas, lighter(cover, 0.5), 118, 104, 120, 176)
    _picture(canvas, rng, 356, 96, 130, 84)
    canvas.oval(420, 548, 350, 48, lighter(rng.choice(_FABRICS), 0.5))
    for x in (250, 570):
        canvas.box(x - 34, 352, x + 36, 430, wood, radius=3)
        canvas.box(x - 26, 364, x + 28, 388, darker(wood, 0.12))
        canvas.box(x - 26, 394, x + 28, 420, darker(wood, 0.12))
        _lamp(canvas, x, 352, 34)
    canvas.box(292, 246, 548, 400, wood, radius=12)
    canvas.box(306, 258, 534, 380, lighter(wood, 0.1), radius=8)
    canvas.shape([(300, 362), (540, 362), (590, 520), (250, 520)], (250, 248, 244))
    canvas.shape([(289, 400), (551, 400), (590, 520), (250, 520)], cover)
    canvas.shape([(289, 400), (551, 400), (557, 418), (283, 418)], lighter(cover, 0.4))
    canvas.shape([(250, 520), (590, 520), (582, 566), (258, 566)], darker(cover, 0.16))
    for x in (318, 428):
        canvas.box(x, 326, x + 96, 378, (254, 252, 250), radius=16)
    canvas.box(376, 346, 464, 386, lighter(cover, 0.25), radius=12)


def bath(canvas: Canvas, rng: Random) -> None:
    """Bath: tiles, a tub under the window, a basin under a mirror."""
    _shell(canvas, rng)
    tile = rng.choice(((206, 224, 228), (226, 232, 226), (188, 208, 204), (232, 222, 214), (170, 196, 208)))
    canvas.box(80, 210, 720, 398, tile)
    for x in range(80, 721, 40):
        canvas.box(x, 210, x + 2, 398, lighter(tile, 0.5))
    for y in range(210, 398, 31):
        canvas.box(80, y, 720, y + 2, lighter(tile, 0.5))
    _view(canvas, rng, 180, 66, 150, 124)
    canvas.box(118, 330, 430, 462, (250, 250, 250), radius=34)
    canvas.box(108, 322, 440, 346, (255, 255, 255), radius=12)
    canvas.oval(274, 334, 150, 8, mixed(tile, (120, 180, 210), 0.5))
    canvas.line([(412, 322), (412, 276), (390, 270)], (170, 176, 182), 6)
    towel = rng.choice(_FABRICS)
    canvas.box(446, 250, 482, 360, lighter(towel, 0.2))
    canvas.box(446, 330, 482, 342, lighter(towel, 0.6))
    canvas.oval(600, 150, 78, 92, (150, 120, 84))
    canvas.oval(600, 150, 70, 84, (206, 224, 234))
    canvas.shape([(560, 120), (600, 72), (622, 76), (556, 170)], (232, 242, 248))
    wood = rng.choice(((150, 108, 72), (236, 232, 224), (84, 100, 104)))
    canvas.box(510, 300, 692, 440, wood)
    for x in (518, 604):
        canvas.box(x, 322, x + 80, 430, darker(wood, 0.1), radius=3)
    canvas.box(502, 286, 700, 304, (248, 248, 246), radius=4)
    canvas.oval(600, 288, 54, 9, (222, 228, 230))
    canvas.line([(600, 284), (600, 256), (616, 252)], (170, 176, 182), 5)
    canvas.oval(360, 540, 150, 30, lighter(towel, 0.3))
