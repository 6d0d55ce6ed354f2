"""The front of a home: walls, roof, windows and door by its kind, storeys and colours, and its number on a plate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from mls_tui.demo.homes import Home
from mls_tui.demo.paint import outdoors
from mls_tui.demo.paint.canvas import Canvas, Colour, darker, lighter, mixed
from mls_tui.demo.paint.outdoors import Light, shaded

_WALLS: tuple[Colour, ...] = (
    (236, 228, 210), (206, 216, 222), (158, 176, 190), (226, 204, 160), (178, 92, 74), (196, 206, 178),
    (242, 240, 234), (120, 138, 152), (214, 180, 150), (146, 160, 134), (186, 110, 88), (232, 214, 190),
)  # fmt: skip
_ROOFS: tuple[Colour, ...] = ((84, 78, 80), (110, 84, 72), (72, 86, 98), (128, 76, 62), (94, 98, 92))
_DOORS: tuple[Colour, ...] = ((168, 48, 44), (38, 82, 116), (50, 96, 74), (232, 186, 74), (92, 58, 44), (44, 48, 56))
_GROUND = 468


@dataclass(frozen=True, slots=True)
class Paints:
    """The colours of one house in one light."""

    wall: Colour
    roof: Colour
    door: Colour
    trim: Colour
    glass: Colour
    light: Light


def front(canvas: Canvas, home: Home, light: Light) -> None:
    """The whole picture: surroundings, house, garden, number."""
    rng = Random(home.look)
    horizon = 372
    outdoors.sky(canvas, light, rng, horizon)
    outdoors.hills(canvas, light, rng, horizon)
    if home.waterfront:
        outdoors.water(canvas, light, rng, horizon - 14, 420)
    outdoors.lawn(canvas, light, rng, 416 if home.waterfront else horizon)
    for x in sorted((rng.uniform(20, 120), rng.uniform(690, 780))):
        outdoors.tree(canvas, light, rng, x, rng.uniform(430, 462), rng.uniform(1.15, 1.6))
    paints = _paints(rng, light)
    build = {"Condominium": _block, "Townhouse": _row, "Cabin": _cabin, "Duplex": _duplex}.get(home.kind, _house)
    build(canvas, home, paints, rng)
    for _ in range(rng.randint(1, 2)):
        outdoors.tree(canvas, light, rng, rng.choice((rng.uniform(0, 60), rng.uniform(745, 800))), 560, 1.9)


def _paints(rng: Random, light: Light) -> Paints:
    glass = (255, 214, 130) if light.lamps else (122, 158, 184)
    wall, roof, door = rng.choice(_WALLS), rng.choice(_ROOFS), rng.choice(_DOORS)
    trim = (250, 248, 242) if sum(wall) < 690 else (116, 104, 92)
    return Paints(shaded(wall, light), shaded(roof, light), shaded(door, light), shaded(trim, light), glass, light)


def _house(canvas: Canvas, home: Home, paints: Paints, rng: Random) -> None:
    """A detached house: one or two storeys, gable to the front or along, a garage if it has one."""
    half = min(215, 130 + home.area / 22)
    middle = 400 - (62 if home.garage else 0)
    left, right = middle - half * 0.86, middle + half * 0.86
    top = _GROUND - (118 if home.storeys == 1 else 208)
    if home.garage:
        _drive(canvas, paints, right + 6, right + 150)
        _garage(canvas, paints, right - 4, right + 158, home.garage > 1)
    _path(canvas, paints, middle)
    if home.fireplace:
        _chimney(canvas, paints, left + (right - left) * 0.2, top - 118, top - 20)
    _walls(canvas, paints, left, top, right)
    _roof(canvas, paints, left, top, right, rng.random() < 0.5)
    count = 4 if half > 165 else 3
    for floor in range(home.storeys):
        _windows(
            canvas,
            paints,
            left,
            right,
            top + 26 + floor * 96,
            count,
            skip=count // 2 if floor == home.storeys - 1 else -1,
            wide=44,
        )
    door = left + (right - left) * (count // 2 + 0.5) / count
    _porch(canvas, paints, door)
    _door(canvas, paints, door, str(home.house))
    _shrubs(canvas, paints, rng, left, right, door)


def _cabin(canvas: Canvas, home: Home, paints: Paints, rng: Random) -> None:
    """A log cabin under a steep roof."""
    logs = replace(paints, wall=shaded((150, 104, 66), paints.light))
    left, right, top = 240, 560, _GROUND - 118
    _path(canvas, logs, 400)
    _chimney(canvas, logs, 490, top - 150, top - 30)
    canvas.shape([(left - 34, top + 8), (400, top - 178), (right + 34, top + 8)], darker(logs.roof, 0.15))
    canvas.shape([(left, top + 6), (400, top - 146), (right, top + 6)], lighter(logs.wall, 0.06))
    _walls(canvas, logs, left, top, right, board=15)
    _window(canvas, logs, 362, top - 66, 76, 54)
    _windows(canvas, logs, left, right, top + 30, 3, skip=1, wide=52)
    _door(canvas, logs, 400, str(home.house))
    _shrubs(canvas, logs, rng, left, right, 400)


def _row(canvas: Canvas, home: Home, paints: Paints, rng: Random) -> None:
    """A townhouse between its neighbours."""
    floors = max(2, home.storeys)
    top = _GROUND - 104 * floors + 10
    neighbours = [shaded(rng.choice(_WALLS), paints.light) for _ in range(2)]
    for left, wall in ((128, neighbours[0]), (492, neighbours[1]), (310, paints.wall)):
        door = paints.door if left == 310 else shaded(rng.choice(_DOORS), paints.light)
        own = replace(paints, wall=wall, door=door)
        rise = 0 if left == 310 else 16
        _walls(canvas, own, left, top + rise, left + 182, board=0)
        canvas.box(left - 4, top + rise - 12, left + 186, top + rise + 6, darker(own.trim, 0.06))
        canvas.box(left - 4, top + rise + 6, left + 186, top + rise + 10, darker(own.wall, 0.3))
        for floor in range(floors):
            _windows(
                canvas,
                own,
                left,
                left + 182,
                top + rise + 26 + floor * 100,
                2,
                skip=0 if floor == floors - 1 else -1,
                wide=46,
            )
        _path(canvas, own, left + 46, narrow=True)
        _door(canvas, own, left + 46, str(home.house) if left == 310 else str(home.house + (2 if left > 310 else -2)))
        outdoors.bush(canvas, paints.light, rng, left + 130, _GROUND + 6, 1.0)


def _duplex(canvas: Canvas, home: Home, paints: Paints, rng: Random) -> None:
    """Two homes under one roof, a door each."""
    left, right, top = 170, 630, _GROUND - (118 if home.storeys == 1 else 206)
    _path(canvas, paints, 285, narrow=True)
    _path(canvas, paints, 515, narrow=True)
    _walls(canvas, paints, left, top, right)
    _roof(canvas, paints, left, top, right, along=True)
    for floor in range(home.storeys):
        ground = floor == home.storeys - 1
        for start in (left, 400):
            _windows(canvas, paints, start, start + 230, top + 26 + floor * 96, 3, 1 if ground else -1, wide=42)
    canvas.box(398, top, 402, _GROUND, darker(paints.wall, 0.2))
    for door, letter in ((285, "A"), (515, "B")):
        _door(canvas, paints, door, f"{home.house}{letter}", beside=-78)
    _shrubs(canvas, paints, rng, left, right, 285, 515)


def _block(canvas: Canvas, home: Home, paints: Paints, rng: Random) -> None:
    """A condominium building with balconies."""
    floors = 4
    left, right, top = 190, 610, _GROUND - 82 * floors - 14
    _path(canvas, paints, 400)
    _walls(canvas, paints, left, top, right, board=0)
    canvas.box(left - 10, top - 14, right + 10, top + 4, paints.roof)
    canvas.box(350, top + 4, 450, _GROUND, mixed(paints.wall, paints.roof, 0.55))
    for floor in range(floors):
        y = top + 22 + floor * 82
        for x in (left + 24, left + 92, right - 138, right - 70):
            _window(canvas, paints, x, y, 46, 46)
        if floor < floors - 1:
            _window(canvas, paints, 366, y, 68, 46)
        for x in (left + 14, right - 148):
            canvas.box(x, y + 48, x + 134, y + 54, darker(paints.trim, 0.15))
            for bar in range(0, 134, 11):
                canvas.box(x + bar, y + 32, x + bar + 2, y + 48, darker(paints.trim, 0.25))
            canvas.box(x, y + 30, x + 134, y + 33, darker(paints.trim, 0.3))
    canvas.box(330, _GROUND - 84, 470, _GROUND - 74, paints.roof)
    _door(canvas, paints, 400, str(home.house), beside=44)
    _shrubs(canvas, paints, rng, left, right, 400)


def _walls(canvas: Canvas, paints: Paints, left: float, top: float, right: float, board: float = 9) -> None:
    canvas.box(left, top, right, _GROUND, paints.wall)
    if board:
        y = top + board
        while y < _GROUND - 10:
            canvas.box(left, y, right, y + 1, darker(paints.wall, 0.1))
            y += board
    canvas.box(right - (right - left) * 0.06, top, right, _GROUND, darker(paints.wall, 0.1))
    canvas.box(left, _GROUND - 10, right, _GROUND, darker(mixed(paints.wall, (120, 120, 120), 0.5), 0.2))


def _roof(canvas: Canvas, paints: Paints, left: float, top: float, right: float, along: bool) -> None:
    """A roof that shows its long side, or one with a gable to the front."""
    high = 84 if along else 112
    inset = 54 if along else (right - left) / 2
    base = top + 10
    canvas.shape(
        [(left - 24, base), (left + inset, top - high), (right - inset, top - high), (right + 24, base)], paints.roof
    )
    if along:
        for step in range(1, 7):
            y = top - high + step * (high + 10) / 7
            part = step / 7
            canvas.line(
                [(left + inset - (inset + 24) * part, y), (right - inset + (inset + 24) * part, y)],
                darker(paints.roof, 0.14),
                1.5,
            )
    else:
        canvas.shape(
            [(left + 16, base), ((left + right) / 2, top - high + 30), (right - 16, base)], lighter(paints.wall, 0.08)
        )
        middle = (left + right) / 2
        canvas.oval(middle, top - 32, 19, 19, paints.trim)
        canvas.oval(middle, top - 32, 14, 14, paints.glass)
    canvas.box(left - 24, base - 3, right + 24, base + 5, paints.trim)
    canvas.box(left, base + 5, right, base + 12, darker(paints.wall, 0.24))


def _windows(
    canvas: Canvas, paints: Paints, left: float, right: float, top: float, count: int, skip: int, wide: float
) -> None:
    step = (right - left) / count
    for place in range(count):
        if place != skip:
            _window(canvas, paints, left + step * (place + 0.5) - wide / 2, top, wide, 56)


def _window(canvas: Canvas, paints: Paints, x: float, y: float, wide: float, tall: float) -> None:
    canvas.box(x - 5, y - 5, x + wide + 5, y + tall + 7, paints.trim)
    canvas.box(x, y, x + wide, y + tall, paints.glass)
    shine = lighter(paints.glass, 0.35)
    canvas.shape([(x, y), (x + wide * 0.7, y), (x, y + tall * 0.75)], shine)
    canvas.box(x + wide / 2 - 1.5, y, x + wide / 2 + 1.5, y + tall, paints.trim)
    canvas.box(x, y + tall / 2 - 1.5, x + wide, y + tall / 2 + 1.5, paints.trim)


def _door(canvas: Canvas, paints: Paints, x: float, number: str, beside: float = 38) -> None:
    canvas.box(x - 25, _GROUND - 92, x + 25, _GROUND - 6, paints.trim)
    canvas.box(x - 20, _GROUND - 87, x + 20, _GROUND - 6, paints.door)
    for y in (_GROUND - 80, _GROUND - 44):
        canvas.box(x - 13, y, x + 13, y + 28, darker(paints.door, 0.18))
    canvas.oval(x + 14, _GROUND - 46, 2.5, 2.5, (232, 202, 120))
    canvas.box(x - 36, _GROUND - 8, x + 36, _GROUND + 4, (176, 172, 166))
    canvas.box(x - 42, _GROUND + 2, x + 42, _GROUND + 12, (158, 154, 150))
    wide = 7 + 5.4 * len(number)
    canvas.box(x + beside - wide + 20, _GROUND - 78, x + beside + wide + 20, _GROUND - 56, (36, 42, 52), radius=4)
    canvas.text(x + beside + 20, _GROUND - 67, number, (250, 246, 232), 16)


def _porch(canvas: Canvas, paints: Paints, x: float) -> None:
    canvas.shape([(x - 58, _GROUND - 100), (x, _GROUND - 132), (x + 58, _GROUND - 100)], paints.roof)
    canvas.box(x - 54, _GROUND - 102, x + 54, _GROUND - 95, paints.trim)
    for post in (-50, 45):
        canvas.box(x + post, _GROUND - 95, x + post + 6, _GROUND, paints.trim)


def _chimney(canvas: Canvas, paints: Paints, x: float, top: float, bottom: float) -> None:
    brick = shaded((150, 84, 70), paints.light)
    canvas.box(x, top, x + 34, bottom, brick)
    canvas.box(x - 4, top - 7, x + 38, top + 3, darker(brick, 0.25))


def _garage(canvas: Canvas, paints: Paints, left: float, right: float, double: bool) -> None:
    top = _GROUND - 104
    canvas.shape(
        [(left - 8, top + 6), ((left + right) / 2, top - 56), (right + 18, top + 6)], darker(paints.roof, 0.08)
    )
    canvas.box(left, top, right, _GROUND, darker(paints.wall, 0.05))
    edge = 16 if double else 40
    canvas.box(left + edge - 5, top + 25, right - edge + 5, _GROUND, paints.trim)
    for row in range(4):
        y = top + 30 + row * 19
        canvas.box(left + edge, y, right - edge, y + 17, lighter(mixed(paints.trim, paints.wall, 0.35), 0.1))
    canvas.box(left + edge, top + 30, right - edge, top + 47, paints.glass)


def _path(canvas: Canvas, paints: Paints, x: float, narrow: bool = False) -> None:
    stone = shaded((196, 186, 170), paints.light)
    foot = 40 if narrow else 92
    canvas.shape([(x - 26, _GROUND), (x + 26, _GROUND), (x + foot, 600), (x - foot * 0.7, 600)], stone)
    for y in (490, 518, 552):
        spread = 26 + (foot - 26) * (y - _GROUND) / (600 - _GROUND)
        canvas.line([(x - spread * 0.8, y), (x + spread, y)], darker(stone, 0.14), 1.5)


def _drive(canvas: Canvas, paints: Paints, left: float, right: float) -> None:
    canvas.shape(
        [(left, _GROUND - 4), (right, _GROUND - 4), (right + 130, 600), (left + 20, 600)],
        shaded((150, 150, 152), paints.light),
    )


def _shrubs(canvas: Canvas, paints: Paints, rng: Random, left: float, right: float, *doors: float) -> None:
    x = left + 16
    while x < right - 8:
        if all(abs(x - door) > 66 for door in doors):
            outdoors.bush(canvas, paints.light, rng, x, _GROUND + 8, rng.uniform(0.75, 1.15))
        x += rng.uniform(36, 56)
