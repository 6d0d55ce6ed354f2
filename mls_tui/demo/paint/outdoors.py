"""What lies around a home: sky at a time of day, hills, water, lawns, trees, flowers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from mls_tui.demo.paint.canvas import WIDTH, Canvas, Colour, darker, lighter, mixed


@dataclass(frozen=True, slots=True)
class Light:
    """A time of day: the sky's colours from the top down, and what it does to other colours."""

    sky: tuple[Colour, ...]
    sun: Colour
    sun_at: tuple[float, float]
    shade: float
    lamps: bool


DAYLIGHT = (
    Light(((64, 140, 214), (128, 187, 236), (206, 230, 246)), (255, 250, 225), (640, 95), 0.0, False),
    Light(((86, 156, 222), (163, 206, 240), (240, 240, 232)), (255, 246, 210), (150, 120), 0.02, False),
    Light(((104, 150, 205), (190, 205, 222), (250, 226, 190)), (255, 232, 170), (690, 190), 0.06, False),
    Light(((120, 160, 196), (176, 198, 214), (222, 228, 230)), (236, 238, 240), (420, 80), 0.05, False),
)
DUSK = Light(((38, 42, 92), (120, 82, 138), (238, 150, 118), (252, 200, 140)), (255, 214, 150), (610, 330), 0.38, True)


def shaded(colour: Colour, light: Light) -> Colour:
    """A colour as this light shows it."""
    return mixed(colour, (34, 30, 70), light.shade)


def sky(canvas: Canvas, light: Light, rng: Random, horizon: float) -> None:
    """Sky down to the horizon, a sun, a few clouds."""
    canvas.gradient(0, horizon, *light.sky)
    x, y = light.sun_at
    near = light.sky[min(len(light.sky) - 1, int(y / horizon * len(light.sky)))]
    for radius, part in ((62, 0.25), (48, 0.45), (34, 1.0)):
        canvas.oval(x, y, radius, radius, mixed(near, light.sun, part))
    for _ in range(rng.randint(2, 4)):
        _cloud(canvas, rng.uniform(40, 760), rng.uniform(45, horizon * 0.5), rng.uniform(0.6, 1.25), light)


def _cloud(canvas: Canvas, x: float, y: float, size: float, light: Light) -> None:
    soft = mixed(light.sky[-1], (255, 255, 255), 0.15 if light.lamps else 0.55)
    canvas.oval(x + 6 * size, y + 8 * size, 66 * size, 12 * size, mixed(soft, light.sky[0], 0.18))
    for across, up, radius in ((-38, 0, 20), (-12, -12, 28), (22, -6, 24), (46, 2, 16)):
        canvas.oval(x + across * size, y + up * size, radius * 1.25 * size, radius * 0.72 * size, soft)


def hills(canvas: Canvas, light: Light, rng: Random, horizon: float) -> None:
    """Two wooded ridges on the horizon."""
    for tall, colour in ((74.0, (118, 150, 158)), (40.0, (86, 128, 98))):
        phase, waves = rng.uniform(0, 6), rng.uniform(1.6, 3.1)
        ridge = [
            (x, horizon - tall * (0.55 + 0.3 * math.sin(phase + waves * x / 260) + 0.15 * math.sin(phase * 2 + x / 43)))
            for x in range(0, WIDTH + 21, 20)
        ]
        canvas.shape(
            [(0, horizon + 4), *ridge, (WIDTH, horizon + 4)], shaded(mixed(colour, light.sky[-1], 0.25), light)
        )


def lawn(canvas: Canvas, light: Light, rng: Random, horizon: float) -> None:
    """Grass from the horizon down, with tufts."""
    grass = rng.choice(((104, 158, 78), (118, 166, 84), (96, 148, 82)))
    canvas.gradient(horizon, 600, shaded(lighter(grass, 0.14), light), shaded(darker(grass, 0.16), light))
    for _ in range(46):
        x, y = rng.uniform(0, 800), rng.uniform(horizon + 14, 596)
        tint = darker(grass, 0.2) if rng.random() < 0.6 else lighter(grass, 0.2)
        canvas.line([(x, y), (x + rng.uniform(-4, 4), y - 4 - (y - horizon) / 40)], shaded(tint, light), 1.5)


def water(canvas: Canvas, light: Light, rng: Random, top: float, bottom: float) -> None:
    """A lake that mirrors the sky, with a glitter path under the sun."""
    deep = shaded((36, 92, 140), light)
    canvas.gradient(top, bottom, mixed(light.sky[-1], deep, 0.25), mixed(light.sky[0], deep, 0.6), deep)
    for _ in range(int((bottom - top) / 2.4)):
        y = rng.uniform(top + 3, bottom)
        far = (y - top) / (bottom - top)
        x = light.sun_at[0] + rng.gauss(0, 26 + 70 * far) if rng.random() < 0.55 else rng.uniform(0, WIDTH)
        long = 6 + 34 * far * rng.random()
        tint = mixed(light.sun, light.sky[-1], 0.4)
        canvas.line([(x - long, y), (x + long, y)], mixed(deep, tint, 0.75 - 0.3 * far), 1 + 1.4 * far)


def tree(canvas: Canvas, light: Light, rng: Random, x: float, foot: float, size: float) -> None:
    """A maple, or now and then a fir; ``size`` 1 is 200 points tall."""
    trunk = shaded((96, 70, 50), light)
    canvas.oval(x, foot + 2, 62 * size, 9 * size, shaded((72, 112, 60), light))
    canvas.box(x - 7 * size, foot - 70 * size, x + 7 * size, foot, trunk)
    if rng.random() < 0.3:
        green = rng.choice(((42, 92, 70), (52, 104, 74)))
        for step in range(4):
            wide, base = (66 - 13 * step) * size, foot - (34 + 40 * step) * size
            tint = lighter(green, 0.05 * step)
            canvas.shape([(x - wide, base), (x + wide, base), (x, base - 76 * size)], shaded(tint, light))
        return
    green = rng.choice(((70, 128, 62), (88, 142, 66), (60, 116, 72), (188, 122, 52), (176, 88, 52)))
    blobs = [(rng.gauss(0, 26), rng.gauss(-118, 22), rng.uniform(26, 42)) for _ in range(9)]
    for part, off in ((-0.22, 7), (0.0, 0), (0.2, -9)):
        tint = darker(green, -part) if part < 0 else lighter(green, part)
        shrink = 1 - 0.28 * (part > 0) - 0.1 * (part >= 0)
        for across, up, radius in blobs:
            spot = (x + (across + off) * size, foot + (up + off) * size)
            canvas.oval(*spot, radius * shrink * size, radius * shrink * 0.92 * size, shaded(tint, light))


def bush(canvas: Canvas, light: Light, rng: Random, x: float, foot: float, size: float) -> None:
    """A shrub, flowering or not."""
    green = rng.choice(((72, 120, 66), (88, 134, 76), (64, 108, 72)))
    for across, radius in ((-16.0, 17), (14.0, 18), (0.0, 22)):
        spot = (x + across * size, foot - radius * 0.7 * size)
        canvas.oval(*spot, radius * size, radius * 0.85 * size, shaded(darker(green, 0.12), light))
        canvas.oval(
            spot[0] - 3 * size, spot[1] - 4 * size, radius * 0.75 * size, radius * 0.6 * size, shaded(green, light)
        )
    if rng.random() < 0.5:
        petal = rng.choice(((232, 120, 150), (246, 214, 92), (244, 240, 250), (170, 120, 214)))
        for _ in range(9):
            across, up = rng.gauss(0, 14), rng.uniform(6, 30)
            canvas.oval(x + across * size, foot - up * size, 2.8 * size, 2.8 * size, shaded(petal, light))
