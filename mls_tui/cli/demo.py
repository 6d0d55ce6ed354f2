"""``mls-tui demo``: a whole MLS on this machine, imported for real, its data in a folder of its own."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from mls_tui import actions
from mls_tui.actions.results import ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.imports import drained
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.progress import show_for, summary
from mls_tui.cli.running import Stop, fail, json_option, leave, log_to, replay_keys, require_terminal, run, settings_of
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import StorageError
from mls_tui.domain.events import Event
from mls_tui.domain.run import ImportResult
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.storage.files import private_folder
from mls_tui.ui.terminal import TerminalProbe

if TYPE_CHECKING:
    from pathlib import Path

    from mls_tui.demo.process import DemoProcess, Served
    from mls_tui.log import Log


_MAX_DEMOS = 100


class DemoFolder:
    """The demo's own folder below the user's data: ``demo/1``, or the first number that no other process has locked.
    The lock is on a file beside the folder. The system releases it when this process ends."""

    def __init__(self, data: Path) -> None:
        """Raises StorageError if no folder is free or writable."""
        for number in range(1, _MAX_DEMOS + 1):
            path = data / "demo" / str(number)
            lock = _lock(path.with_suffix(".lock"))
            if lock is not None:
                self.path, self._file = path, lock
                return
        raise StorageError(
            f"{_MAX_DEMOS} demos are open already, each with its folder in {data}/demo. Close one of them."
        )

    def empty(self) -> None:
        """Remove what an earlier demo left there. Raises StorageError if that cannot be done."""
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def release(self) -> None:
        """Unlock the folder. The next demo empties it."""
        self._file.close()


def _lock(path: Path) -> IO[bytes] | None:
    """Lock the file until it is closed. None if another process holds the lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        fcntl = None  # type: ignore[assignment]
    try:
        private_folder(path.parent)
        stream = path.open("ab")
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    except OSError:
        pass  # a disk without locks, such as some network drives
    return stream


def _unusable(path: Path, error: OSError) -> StorageError:
    why = error.strerror or type(error).__name__
    return StorageError(
        f"The demo cannot use {path}: {why}. Make it writable, or set MLS_TUI_HOME to a folder that is."
    )


CONNECTION = "Lakeside MLS (demo)"

FAST: dict[str, str | int | float | bool] = {"api_limits": "200/1", "page_size": 100, "overlap_minutes": 5}
"""The demo runs on this machine: it needs no low limits."""

FAULTY_PAGE, FAULTY_RATE = 25, 0.25
"""Rows of a page and share of API requests that fail, with faults: enough to see throttling at 300 listings."""


class DemoSession:
    """A demo MLS in a process of its own and a workspace over a fresh folder, started when first asked for."""

    def __init__(
        self, settings: Settings, log: Log | None = None, *, listings: int = 300, faults: int | None = None
    ) -> None:
        """Raises StorageError if no folder is free or writable."""
        self._folder = DemoFolder(settings.data_path)
        self.settings = demo_settings(settings, self._folder.path)
        self.log = log
        self._listings, self._faults = listings, faults
        self._running: DemoProcess | None = None
        self.connection_id = ""

    @property
    def mls(self) -> DemoProcess:
        if self._running is None:
            raise RuntimeError("the demo has not been started")
        return self._running

    async def workspace(self) -> Workspace:
        """Start the server, add the connection to it, and return the open workspace."""
        await asyncio.to_thread(self._start)
        workspace = Workspace(self.settings, on_secret=self.log.masker.add if self.log else None)
        await workspace.open()
        form = ConnectionForm(
            name=CONNECTION,
            provider="reso",
            base_url=self.mls.base_url,
            access_token=self.mls.token,
            overrides=dict(FAST) if self._faults is None else {**FAST, "page_size": FAULTY_PAGE},
        )
        answer = await actions.connect_mls(form, workspace)
        if answer.data is None:
            raise StorageError(answer.error or "The demo could not be connected.")
        self.connection_id = answer.data.connection.connection_id
        return workspace

    def stop(self) -> None:
        """Stop the server and unlock the folder."""
        self._stop_serving()
        self._folder.release()

    def _stop_serving(self) -> None:
        if self._running is not None:
            self._running.stop()

    def _start(self) -> None:
        from mls_tui.demo.process import DemoProcess

        self._stop_serving()
        self._folder.empty()
        self._running = DemoProcess(listings=self._listings, faults=self._faults, api_rate=FAULTY_RATE)
        try:
            self._running.start()
        except OSError as error:
            raise StorageError(f"The demo could not be started: {error}. Try again, or reinstall mls-tui.") from error


def demo_settings(settings: Settings, folder: Path) -> Settings:
    """The embedded store in a demo's folder. Of the user's configuration it takes only how things look. Its key is no
    secret: with one of its own, it asks for none in the user's keyring."""
    return load_settings(
        environ={},
        home=str(folder),
        storage="local",
        allow_private_hosts=True,
        key="The key of the demo, which keeps no secret",
        theme=settings.theme,
        photos=settings.photos,
    )


@click.command()
@click.option("--listings", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Active homes.")
@click.option("--faults", type=int, metavar="SEED", help="Let the demo misbehave: 429s, 5xx, resets, bad photos.")
@click.option("--headless", is_flag=True, help="Import once, print the result, exit.")
@json_option("With --headless: print the result as one JSON document.")
@click.option("--events", is_flag=True, help="With --headless: print each event as one line of JSON.")
@click.pass_context
def demo(ctx: click.Context, listings: int, faults: int | None, headless: bool, as_json: bool, events: bool) -> None:
    """Open the interface with a demo MLS running on this machine. It starts afresh each time."""
    settings = settings_of(ctx)
    if not headless and (as_json or events):
        raise click.UsageError("--json and --events go with --headless.")
    try:
        demo_session = DemoSession(settings, listings=listings, faults=faults)
    except StorageError as error:
        fail(str(error), error.exit_code, as_json=as_json)
    demo_session.log = log_to(ctx, demo_session.settings)
    try:
        if headless:
            run(_headless(demo_session, as_json=as_json, events=events), as_json=as_json and not events)
        else:
            code = _interface(demo_session, settings)
    finally:
        demo_session.stop()
    if not headless:
        leave(code)


def _interface(demo_session: DemoSession, settings: Settings) -> int:
    require_terminal()
    with TerminalProbe(demo_session.settings.photos) as probe:
        from mls_tui.ui.app import Hooks, MlsTuiApp

        workspace = run(_closed(demo_session))
        graphics = probe.answer()
    hooks = Hooks(demo_session.workspace, lambda: Workspace(settings), graphics, light=probe.light)
    app = MlsTuiApp(workspace, hooks=hooks, demo=True, start_import=demo_session.connection_id)
    app.run(auto_pilot=replay_keys(probe.typed))
    return app.return_code or 0


async def _closed(demo_session: DemoSession) -> Workspace:
    """The workspace, set up and closed again: the interface opens it in its own loop."""
    workspace = await demo_session.workspace()
    await workspace.close()
    return workspace


async def _headless(demo_session: DemoSession, *, as_json: bool, events: bool) -> None:
    def start(workspace: Workspace, control: ImportControl) -> AsyncGenerator[Event, None]:
        return actions.import_events(demo_session.connection_id, ImportOptions(), workspace, control)

    with Stop() as stop:
        if not as_json:
            say("The demo MLS is starting…")
        async with await demo_session.workspace() as workspace:
            result = await drained(workspace, start, show_for(events=events, quiet=as_json), stop)
            served = await asyncio.to_thread(demo_session.mls.served)
            facts = {**await _verified(served, workspace), **_faults(served, result)}
    document = result.to_contract()
    if "data" in document:
        document["data"]["demo"] = facts
    if as_json and not events:
        print_json(document)
    elif not events:
        click.echo(summary(result) if result.error is None else plain_text(result.error))
        click.echo(", ".join(f"{name}: {value}" for name, value in facts.items()))
    sys.exit(result.exit_code)


async def _verified(served: Served, workspace: Workspace) -> dict[str, Any]:
    """Every stored photo against the bytes that the demo served, by SHA-256 of both."""
    same = different = 0
    async for batch in workspace.store.listings(workspace.user_id):
        for listing in batch:
            digests = served.digests[listing.mls_id]
            for photo, digest in zip(sorted(listing.photos, key=lambda each: each.order), digests, strict=True):
                stored = await workspace.photos.get(photo.key) if photo.key else None
                if stored is not None and hashlib.sha256(stored).hexdigest() == digest == photo.sha256:
                    same += 1
                else:
                    different += 1
    return {"photosVerified": same, "photosDiffering": different}


def _faults(served: Served, result: ImportResult) -> dict[str, Any]:
    """What the server did wrong beside what the import reports; slow answers fail no attempt."""
    counts = result.counts
    failed = {kind: number for kind, number in sorted(served.faults.items()) if kind != "slow"}
    reported = counts.attempts_failed_listing + counts.attempts_failed_photo + counts.attempts_failed_page
    return {
        "faultsServed": sum(failed.values()),
        "faultsReported": reported + counts.throttled,
        "faults": failed,
    }
