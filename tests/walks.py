"""How far four things travel: ``python -m tests.walks [home|key|photo|setting …] [--list]``.

Counts the files and functions of mls_tui that are entered, by ``sys.setprofile`` in every thread: while one home with
11 photos is imported into the embedded store, from the key ``i`` to the first event that the application has, while one
photo goes from its URL into S3, and from an environment variable to its use. Every walk is taken twice, and the second
one counts, so that imports and caches do not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch
from uuid import uuid4

from aiohttp import web

import mls_tui
from mls_tui import actions
from mls_tui.actions import ConnectionForm, ImportOptions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, load_settings
from mls_tui.domain.events import Event, RunFinished
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import PNG, Handler, house, serving

if TYPE_CHECKING:
    from mls_tui.ui.actions_port import ActionsPort

PACKAGE = str(Path(mls_tui.__file__).parent) + os.sep
_NOT_CALLS = ("<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>", "<module>")


@dataclass
class Walk:
    """What was entered, and the deepest stack of ours."""

    entered: set[CodeType] = field(default_factory=set)
    deepest: int = 0
    over: bool = False
    """Threads that were started meanwhile are still watched, but count no more."""
    produced: bool = False
    """Other threads have done their part of the walk, and count no more."""
    below: str | None = None
    """In the first thread, count only what this function calls or awaits."""

    @property
    def files(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code in self.entered:
            found.setdefault(code.co_filename.removeprefix(PACKAGE), []).append(code.co_qualname)
        return {name: sorted(found[name]) for name in sorted(found)}

    def note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if self.over or (self.produced and threading.current_thread() is not threading.main_thread()):
            return
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name in _NOT_CALLS:
            return
        if code.co_filename.startswith(PACKAGE + "demo"):
            return  # the MLS, not the client
        if code in self.entered:
            return
        stack = _stack(frame)
        if self.below and threading.current_thread() is threading.main_thread() and self.below not in stack:
            return
        self.entered.add(code)
        self.deepest = max(self.deepest, len(stack))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Watch this thread and those that are started meanwhile."""
        self.over = self.produced = False
        threading.setprofile(self.note)
        sys.setprofile(self.note)
        try:
            yield
        finally:
            self.over = True
            sys.setprofile(None)
            threading.setprofile(None)


def _stack(frame: FrameType | None) -> list[str]:
    """Our functions that this one was called by, itself first."""
    found = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            found.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return found


def one_home(photos: int) -> Handler:
    """An MLS with one listing."""
    media = [{"MediaKey": f"m{n}", "MediaURL": f"/{n}.png", "Order": n} for n in range(photos)]
    feed = offset_links([house(1, PhotosCount=photos, Media=media)])

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith(".png"):
            return web.Response(body=PNG, content_type="image/png")
        return await feed(request)

    return answer


async def connected(workspace: Workspace, base_url: str) -> str:
    await workspace.store.init()
    await workspace.photos.init()
    form = ConnectionForm(
        name="Lakeside", provider="reso", base_url=base_url, access_token="open-sesame",
        overrides={"api_limits": "1000/1"},
    )  # fmt: skip
    answer = await actions.connect_mls(form, workspace)
    assert answer.data is not None, answer.error
    return answer.data.connection.connection_id


async def imported(workspace: Workspace, connection: str) -> None:
    async for event in actions.import_events(connection, ImportOptions(), workspace):
        if isinstance(event, RunFinished):
            assert event.result.counts.created == 1, event.result


def local(folder: str) -> Settings:
    return load_settings(environ={}, home=folder, storage="local", allow_private_hosts=True)


async def home(walk: Walk) -> None:
    """One home with 11 photos, from the first request to the end of the run, embedded store."""
    with TemporaryDirectory() as folder:
        async with serving(one_home(11)) as origin:
            async with Workspace(local(folder)) as workspace:
                connection = await connected(workspace, f"{origin}/odata")
            async with Workspace(local(folder)) as workspace:
                with walk.taken():
                    await imported(workspace, connection)


async def key(walk: Walk) -> None:
    """From the key ``i`` on the connections screen to the first event that the application has. What the import goes
    on to do while that event is on its way is the walk of a home."""
    from mls_tui.ui.app import MlsTuiApp
    from tests.ui.shell import settled, until

    first = asyncio.Event()

    async def import_events(*arguments: Any) -> AsyncIterator[Event]:
        async for event in actions.import_events(*arguments):
            walk.produced = True
            yield event

    with TemporaryDirectory() as folder:
        async with serving(one_home(0)) as origin:
            async with Workspace(local(folder)) as workspace:
                await connected(workspace, f"{origin}/odata")
            lent = SimpleNamespace(**{name: getattr(actions, name) for name in actions.__all__})
            lent.import_events = import_events
            app = MlsTuiApp(Workspace(local(folder)), cast("ActionsPort", lent))
            async with app.run_test(size=(120, 36)) as pilot:
                await settled(pilot)
                await until(pilot, lambda: bool(app.screen.query("DataTable")), 20)
                await settled(pilot)
                app.import_events.subscribe(app, lambda _: first.set())
                with walk.taken():
                    app.simulate_key("i")
                    await first.wait()
                await until(pilot, lambda: not app.imports.running, 20)


async def photo(walk: Walk) -> None:
    """One photo from its URL into S3."""
    from mls_tui.importer import photos
    from tests.contract.aws_server import aws_endpoint

    fetch = photos.ListingPhotos.fetch

    async def watched(self: Any, wanted: Any) -> Any:
        walk.below = "ListingPhotos._one"
        with walk.taken():
            return await fetch(self, wanted)

    with TemporaryDirectory() as folder, aws_endpoint() as endpoint:
        environ = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        with patch.dict(os.environ, {**environ, "AWS_REGION": "us-east-1"}):
            name = f"walks-{uuid4().hex}"
            settings = load_settings(
                environ={}, home=folder, storage="aws", table=name, bucket=name, allow_private_hosts=True
            )
            async with serving(one_home(1)) as origin, Workspace(settings) as workspace:
                connection = await connected(workspace, f"{origin}/odata")
                with patch.object(photos.ListingPhotos, "fetch", watched):
                    await imported(workspace, connection)


async def setting(walk: Walk) -> None:
    """From ``MLS_TUI_TABLE`` to the store that uses it: what reads the variable, and what reads the setting."""

    def read(settings: Settings, name: str) -> Any:
        if name == "table":
            code = sys._getframe(1).f_code
            if code.co_filename.startswith(PACKAGE):
                walk.entered.add(code)
        return object.__getattribute__(settings, name)

    names = {"MLS_TUI_STORAGE": "aws", "MLS_TUI_TABLE": "homes", "MLS_TUI_BUCKET": "homes-photos"}
    with TemporaryDirectory() as folder:
        with walk.taken():
            settings = load_settings(environ={**names, "MLS_TUI_HOME": folder})
        with patch.object(Settings, "__getattribute__", read, create=True):
            async with Workspace(settings) as workspace:
                assert "homes" in workspace.store.describe()


TARGETS: dict[str, tuple[Callable[[Walk], Awaitable[None]], int, int | None]] = {
    "home": (home, 35, 300),
    "key": (key, 40, None),
    "photo": (photo, 12, None),
    "setting": (setting, 4, None),
}


def taken(name: str) -> Walk:
    """The second of two walks."""
    walk = Walk()
    for _ in range(2):
        walk = Walk()
        # Each walk has a loop of its own, so that its worker threads are new and watched.
        asyncio.run(TARGETS[name][0](walk))  # type: ignore[arg-type]
    return walk


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.walks", description=__doc__)
    parser.add_argument("walks", nargs="*", metavar="|".join(TARGETS))
    parser.add_argument("--list", action="store_true", help="name every file and function")
    asked = parser.parse_args()
    for name in asked.walks or TARGETS:
        walk = taken(name)
        _, files, functions = TARGETS[name]
        limit = f", functions {functions}" if functions else ""
        print(
            f"{name:8} {len(walk.files):3} files, {len(walk.entered):4} functions, stack of {walk.deepest:2}"
            f"   (at most: files {files}{limit})"
        )
        if asked.list:
            for file, entered in walk.files.items():
                print(f"    {file}: {', '.join(entered)}")


if __name__ == "__main__":
    main()
