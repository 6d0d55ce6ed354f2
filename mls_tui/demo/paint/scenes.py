"""Views that are not the house itself: the garden, the lake, and a map of where the home lies."""

from __future__ import annotations

from random import Random

from mls_tui.demo.homes import Home
from mls_tui.demo.paint import outdoors
from mls_tui.demo.paint.canvas import Canvas, Colour, darker, lighter
from mls_tui.demo.paint.outdoors import DUSK, Light, shaded


def garden(canvas: Canvas, rng: Random, light: Light, pool: bool) -> None:
    """Back yard: fence, trees, beds, a patio; the pool if the home has one."""
    outdoors.sky(canvas, light, rng, 330)
    outdoors.hills(canvas, light, rng, 330)
    outdoors.lawn(canvas, light, rng, 322)
    for x in (rng.uniform(40, 160), rng.uniform(300, 460), rng.uniform(620, 760)):
        outdoors.tree(canvas, light, rng, x, 352, rng.uniform(1.0, 1.5))
    fence = shaded(rng.choice(((188, 152, 112), (238, 236, 230), (146, 118, 92))), light)
    for x in range(0, 800, 26):
        canvas.shape([(x + 1, 392), (x + 1, 308), (x + 12, 298), (x + 23, 308), (x + 23, 392)], fence)
        canvas.box(x + 23, 310, x + 25, 392, darker(fence, 0.25))
    for x in range(20, 800, 52):
        outdoors.bush(canvas, light, rng, x + rng.uniform(-10, 10), 404, rng.uniform(0.8, 1.3))
    if pool:
        canvas.oval(330, 486, 262, 64, shaded((226, 220, 208), light))
        canvas.oval(330, 484, 242, 54, shaded((52, 156, 196), light))
        canvas.oval(312, 478, 200, 38, shaded((94, 190, 220), light))
    stone = shaded((200, 188, 172), light)
    canvas.shape([(470, 470), (800, 450), (800, 600), (400, 600)], stone)
    for y in (500, 540):
        canvas.line([(440, y + 8), (800, y - 10)], darker(stone, 0.14), 1.5)
    _table(canvas, rng, light)


def _table(canvas: Canvas, rng: Random, light: Light) -> None:
    shade = shaded(rng.choice(((196, 74, 62), (60, 110, 140), (226, 186, 92), (98, 134, 92))), light)
    canvas.oval(640, 560, 110, 16, shaded((150, 140, 128), light))
    canvas.box(636, 370, 643, 556, shaded((120, 92, 66), light))
    canvas.shape([(520, 392), (640, 330), (760, 392)], shade)
    canvas.shape([(600, 392), (640, 330), (680, 392)], lighter(shade, 0.2))
    canvas.oval(640, 490, 74, 16, shaded((236, 232, 222), light))
    for x in (548, 706):
        canvas.box(x, 470, x + 30, 520, shaded((132, 100, 72), light), radius=5)
        canvas.box(x, 512, x + 30, 522, shaded((104, 78, 56), light))
        for leg in (x + 2, x + 24):
            canvas.box(leg, 520, leg + 4, 556, shaded((104, 78, 56), light))


def lake(canvas: Canvas, rng: Random) -> None:
    """The water with a dock, as the sun goes down or in full day."""
    light = DUSK if rng.random() < 0.5 else rng.choice(outdoors.DAYLIGHT)
    outdoors.sky(canvas, light, rng, 300)
    outdoors.hills(canvas, light, rng, 300)
    outdoors.water(canvas, light, rng, 300, 600)
    wood = shaded((164, 124, 86), light)
    canvas.shape([(300, 372), (352, 372), (520, 600), (180, 600)], wood)
    for step in range(15):
        part = (step / 15) ** 1.6
        y = 372 + 228 * part
        canvas.line([(300 - 120 * part, y), (352 + 168 * part, y)], darker(wood, 0.24), 1 + 2 * part)
    for part in (0.0, 0.28, 0.7):
        y, size = 372 + 228 * part, 5 + 9 * part
        for x in (300 - 120 * part, 352 + 168 * part):
            canvas.box(x - size, y - 26 - 44 * part, x + size, y + 16, darker(wood, 0.35))
    if rng.random() < 0.7:
        hull = shaded(rng.choice(((196, 60, 52), (246, 244, 238), (48, 96, 130))), light)
        canvas.shape([(560, 412), (700, 412), (680, 438), (580, 438)], hull)
        canvas.box(628, 300, 632, 412, darker(wood, 0.3))
        canvas.shape([(636, 304), (636, 402), (700, 402)], shaded((250, 248, 240), light))
        canvas.shape([(624, 318), (624, 402), (580, 402)], shaded((236, 232, 222), light))


def neighbourhood(canvas: Canvas, home: Home) -> None:
    """A map: blocks, roads, a park, water if the town has it, and a pin on the home."""
    rng = Random(f"{home.town.name} {home.street}")
    canvas.box(0, 0, 800, 600, (240, 236, 226))
    for _ in range(60):
        x, y = rng.uniform(-20, 780), rng.uniform(-20, 580)
        canvas.box(x, y, x + rng.uniform(18, 46), y + rng.uniform(18, 40), (226, 220, 208), radius=3)
    park = (rng.uniform(60, 260), rng.uniform(330, 430))
    canvas.box(*park, park[0] + 190, park[1] + 120, (200, 224, 180), radius=16)
    for _ in range(14):
        canvas.oval(park[0] + rng.uniform(14, 176), park[1] + rng.uniform(14, 106), 8, 8, (164, 202, 148))
    if home.town.lake:
        shore = [(470 + 40 * step + rng.uniform(-20, 20), 30 + 34 * step) for step in range(9)]
        canvas.shape([(470, -10), *shore, (810, 330), (810, -10)], (160, 204, 230))
    streets: list[tuple[float, Colour]] = [(20, (208, 200, 186)), (15, (255, 255, 255))]
    slant = rng.uniform(-60, 60)
    for width, tint in streets:
        for x in (120, 300, 470, 640):
            canvas.line([(x - slant, -10), (x + slant, 610)], tint, width)
        for y in (90, 230, 330, 520):
            canvas.line([(-10, y + slant / 3), (810, y - slant / 3)], tint, width)
    for width, tint in ((30.0, (222, 160, 88)), (24.0, (252, 214, 130))):
        canvas.line([(-10, 470), (240, 440), (520, 400), (810, 420)], tint, width)
    canvas.text(200, 252, f"{home.street} {home.suffix}", (110, 104, 96), 17)
    canvas.text(560, 560, home.town.name, (90, 86, 80), 26)
    pin: Colour = (208, 52, 48)
    canvas.oval(400, 300, 26, 8, (190, 180, 166))
    canvas.shape([(372, 236), (428, 236), (400, 300)], pin)
    canvas.oval(400, 222, 33, 33, pin)
    canvas.oval(400, 222, 14, 14, (255, 255, 255))
