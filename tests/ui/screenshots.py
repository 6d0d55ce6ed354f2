"""``python -m tests.ui.screenshots`` draws every picture in ``screenshots/`` anew: the same data, size and clock give
the same bytes. It runs the interface over actions in memory and reaches nothing outside."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from mls_tui.domain.events import Event
from mls_tui.importer.options import ImportControl
from mls_tui.reso.base import Window
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.import_thread import ImportThread
from mls_tui.ui.messages import ImportEvents, ImportProgress
from mls_tui.ui.widgets.log_view import LogView
from mls_tui.ui.widgets.run_view import Gauge
from tests.ui.fakes import FrozenClock, fake_workspace
from tests.ui.import_scene import Scene, scene
from tests.ui.scenery import SceneryActions
from tests.ui.shell import settled

FOLDER = Path(__file__).parents[2] / "screenshots"
VERSIONS = FOLDER / "versions.json"
SIZE = (120, 36)
DRAWN_WITH = ("textual", "rich", "pillow")
FILM_SECONDS = 0.75
"""Between two frames of the film, in the time of the import."""


class StillClock(FrozenClock):
    """No schedule comes due in a picture."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


Stage = Callable[[Pilot[None]], Awaitable[None]]


def stage(*keys: str) -> Stage:
    """Press these keys, one after another."""

    async def play(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
            await rest(pilot)

    return play


async def form(pilot: Pilot[None]) -> None:
    await stage("a")(pilot)
    await pilot.press(*"Hill Country")
    await rest(pilot)


async def progress(pilot: Pilot[None]) -> None:
    await stage("3")(pilot)
    await show_moment(pilot, the_scene(pilot), 11.5)


async def marked(pilot: Pilot[None]) -> None:
    await stage("2", *["space"] * 3, "d")(pilot)


STAGES: dict[str, Stage] = {
    "connections": stage(),
    "connection-form": form,
    "listings": stage("2", "down", "down", "down"),
    "listings-light": stage("2", "down", "down", "down"),
    "detail": stage("2", "down", "down", "down", "enter"),
    "delete": marked,
    "progress": progress,
    "preview": stage("p"),
    "history": stage("4"),
    "run-detail": stage("4", "down", "enter"),
    "help": stage("2", "question_mark"),
}
PAINTED = frozenset({"detail"})
"""These show photos, whose colours are Pillow's."""


def the_scene(pilot: Pilot[None]) -> Scene:
    actions = pilot.app.actions  # type: ignore[attr-defined]
    return scene([home for home in actions.listings.values() if home.status == "active"][:120])


async def show_moment(pilot: Pilot[None], of: Scene, seconds: float, *, told: int = 0) -> int:
    """Show the import as it stands after so many seconds; the number of events told by then."""
    app = pilot.app
    assert isinstance(app, MlsTuiApp)
    tally, past = of.until(seconds)
    if not app.imports.running and tally.result is None:
        app.imports._thread = ImportThread(_endless, ImportControl())  # never started: the scene says what happens
    if tally.result is not None:
        app.imports._thread = None
    app.screen.query_one(LogView).seconds_between = 0
    app.post_message(ImportProgress(tally))
    await pilot.pause()
    app.post_message(ImportEvents(past[told:]))
    await pilot.pause()
    app.screen.query_one(LogView).follow_end()
    used = int(seconds * 7) % 60 + 20
    app.screen.query_one(Gauge).windows = (Window("api", 3600, 7200, 1_100 + used), Window("api", 1, 4, used % 4))
    app.refresh_bindings()
    await rest(pilot)
    return len(past)


async def _endless(control: ImportControl) -> AsyncIterator[Event]:
    """An import that says nothing: the scene does."""
    await asyncio.Event().wait()
    yield  # type: ignore[misc]


async def rest(pilot: Pilot[None]) -> None:
    """Wait for what was begun, and stop what blinks and what pops up."""
    await pilot.pause()
    await settled(pilot)
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    pilot.app.clear_notifications()
    await pilot.pause()


async def drawn(name: str) -> str:
    """One screenshot as SVG."""
    workspace = fake_workspace(theme="mls-light" if name.endswith("-light") else None)
    app = MlsTuiApp(workspace, SceneryActions(), clock=StillClock())
    app.animation_level = "none"
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await rest(pilot)
        await STAGES[name](pilot)
        await rest(pilot)
        return alone(app.export_screenshot(title="mls_tui"))


def alone(svg: str) -> str:
    """The picture without the fonts it would fetch from a host; the reader's own monospace font takes their place.

    Classes are named alike in every picture, so that a diff shows what changed. Texts begin where their first letter
    stands: not every viewer keeps blanks at the beginning of one.
    """
    without = re.sub(r"\s*@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    named = without.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")
    return _TEXT.sub(_without_blanks, re.sub(r"terminal-\d+", "screen", named))


_CELL = 12.2
_BLANK = "&#160;"
_TEXT = re.compile(r'(<text class="[^"]*") x="([\d.]+)" (y="[^"]*") textLength="([\d.]+)" ([^>]*)>([^<]*)</text>')


def _without_blanks(found: re.Match[str]) -> str:
    begin, x, y, length, more, text = found.groups()
    shown = text
    while shown.startswith(_BLANK):
        shown = shown.removeprefix(_BLANK)
    left = (len(text) - len(shown)) // len(_BLANK)
    while shown.endswith(_BLANK):
        shown = shown.removesuffix(_BLANK)
    if not shown:
        return ""
    cells = (len(text) - len(shown)) // len(_BLANK)
    at, wide = round(float(x) + left * _CELL, 1), round(float(length) - cells * _CELL, 1)
    return f'{begin} x="{at:g}" {y} textLength="{wide:g}" {more}>{shown}</text>'


def versions() -> dict[str, str]:
    """The packages that decide what a screenshot looks like."""
    return {name: importlib.metadata.version(name) for name in DRAWN_WITH}


async def film() -> list[str]:
    """The frames of an import with faults, from its start to its summary."""
    app = MlsTuiApp(fake_workspace(), SceneryActions(), clock=StillClock())
    app.animation_level = "none"
    frames = []
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await rest(pilot)
        await stage("3")(pilot)
        whole, told, seconds = the_scene(pilot), 0, 0.5
        while seconds < whole.seconds + FILM_SECONDS:
            told = await show_moment(pilot, whole, seconds, told=told)
            frames.append(alone(app.export_screenshot(title="mls_tui")))
            seconds += FILM_SECONDS
    return frames


async def draw_all(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or STAGES:
        (FOLDER / f"{name}.svg").write_text(await drawn(name), encoding="utf-8")
        print(f"screenshots/{name}.svg")
    if not names:
        from tests.ui.gif import write_gif

        VERSIONS.write_text(json.dumps(versions(), indent=2) + "\n", encoding="utf-8")
        print(write_gif(await film(), FOLDER / "import.gif"))


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(draw_all(sys.argv[1:]))
