"""The application over fake actions, run by Pilot, and ways to wait for what a test promises without sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from mls_tui.domain.clock import Clock
from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    ListingStarted,
    ListingStored,
    PageFetched,
    PhotoStored,
    RunFinished,
    RunStarted,
)
from mls_tui.domain.run import ImportCounts, ImportResult, RunState
from mls_tui.ui.app import Hooks, MlsTuiApp
from tests.ui.fakes import NOW, FakeActions, FrozenClock, Step, a_view, fake_workspace

SIZES = [(80, 24), (120, 36), (200, 60)]
RUN = "run-1"
HOSTILE = [
    "[/]",
    "[@click=app.quit]press me[/]",
    "100% [sold]",
    "\x1b[31mred\x1b]0;title\x07\x1bP1;2q\x1b\\",
    "\x9b31mC1\x85\x90",
    "\u202eright to left\u2066\u200f",
    "🏠👨‍👩‍👧‍👦 home",
    "湖畔の家は広い",
    "e" + "\u0301" * 40,
    "x" * 10_000,
    "two\nlines\r\nand\tmore",
    "\ud800 half a pair",
    "",
]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def begun(total: int = 10, connection: str = "Demo MLS") -> list[Step]:
    return [
        RunStarted(at=at(-10), run=RUN, connection=connection, provider="reso"),
        PageFetched(at=at(-9), run=RUN, number=1, records=total, total=total),
    ]


def started(number: str, address: str = "12 Oak St", photos: int = 2) -> Event:
    return ListingStarted(at=at(-5), run=RUN, mls_number=number, listing_key=number, address=address, photos=photos)


def photo(number: str, index: int = 0) -> Event:
    return PhotoStored(
        at=at(-4), run=RUN, mls_number=number, listing_key=number, photo_index=index, key="k", size=1_000
    )


def again(number: str, cause: str = "503 Service Unavailable", wait: float = 2.4) -> Event:
    return AttemptFailed(
        at=at(0),
        run=RUN,
        what="listing",
        attempt=1,
        of=3,
        wait=wait,
        cause=cause,
        mls_number=number,
        listing_key=number,
    )


def stored(number: str) -> Event:
    return ListingStored(
        at=at(-3), run=RUN, mls_number=number, listing_key=number, outcome="created", listing_id=number, photos=2
    )


def failed(number: str, error: str = "404 Not Found") -> Event:
    return ListingFailed(at=at(-3), run=RUN, mls_number=number, listing_key=number, error=error, attempts=3)


def finished(error: str | None = None, **counts: int) -> Event:
    result = ImportResult(state=RunState.FAILED if error else RunState.DONE, error=error, counts=ImportCounts(**counts))
    return RunFinished(at=at(0), run=RUN, result=result)


def an_app(
    actions: FakeActions | None = None,
    *,
    hooks: Hooks | None = None,
    read_only: bool = False,
    clock: Clock | None = None,
    demo: bool = False,
    **settings: Any,
) -> MlsTuiApp:
    lent = FakeActions(connections=[a_view()]) if actions is None else actions
    workspace = fake_workspace(read_only=read_only, **settings)
    return MlsTuiApp(workspace, lent, hooks=hooks, clock=clock or FrozenClock(), demo=demo)


@asynccontextmanager
async def opened(app: MlsTuiApp, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[None]]:
    """The running application, its first screen loaded."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot


LASTING = frozenset({"delete", "export", "default", "import", "schedule"})
"""Workers that wait for the user or for the test."""


async def settled(pilot: Pilot[None]) -> None:
    """Wait for every worker that ends by itself, and for what it posts."""
    await pilot._wait_for_screen()
    while busy := [each for each in pilot.app.workers if not each.is_finished and each.group not in LASTING]:
        await asyncio.gather(*(each.wait() for each in busy), return_exceptions=True)
        await pilot._wait_for_screen()
    await pilot.pause()


async def resized(pilot: Pilot[None], size: tuple[int, int]) -> None:
    """The same terminal in another size."""
    await pilot.resize_terminal(*size)
    await settled(pilot)


async def until(pilot: Pilot[None], what: Callable[[], bool], seconds: float = 10.0) -> None:
    """Let the application run until ``what`` holds; fails where it never does."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came to pass"
        await pilot._wait_for_screen()
        pilot.app.screen._on_timer_update()
        await asyncio.sleep(0)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after another, waiting for what each begins."""
    for key in keys:
        await pilot.press(key)
        if len(pilot.app.workers):
            await settled(pilot)


def seen(pilot: Pilot[None]) -> str:
    """Everything on the screen, as text, row by row."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)


def harmless(text: str) -> bool:
    """No control character, bidi control or C1 is on the screen."""
    letters = text.replace("\n", "")
    return not any(
        ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or letter in "\u202e\u2066\u200f" for letter in letters
    )


def text_of(pilot: Pilot[None], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector, Static).content)


def toasts(pilot: Pilot[None]) -> list[str]:
    return [note.message for note in pilot.app._notifications]


def scripted(*steps: Step, views: Sequence[str] = ("Demo MLS",)) -> FakeActions:
    from tests.ui.fakes import a_connection

    return FakeActions(connections=[a_view(a_connection(name)) for name in views], script=steps)
