"""The interface over the real thing: the demo MLS, the embedded store, the importer in its own thread. What the store
holds afterwards is read by another workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from mls_tui import actions
from mls_tui.actions import ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, load_settings
from mls_tui.demo.faults import Faults
from mls_tui.demo.process import RunningDemo
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.run import RunState
from mls_tui.ui.app import MlsTuiApp
from tests.ui.shell import press, seen, settled, until

HOMES = 12
PATIENCE = 60.0


def settings_in(home: Path) -> Settings:
    return load_settings(environ={}, home=str(home), storage="local", allow_private_hosts=True)


@asynccontextmanager
async def importing(home: Path, faults: Faults, homes: int = HOMES) -> AsyncIterator[tuple[MlsTuiApp, Pilot[None]]]:
    """The application as ``mls-tui demo`` opens it: the import has begun by itself."""
    with RunningDemo(DemoMLS(listings=homes, faults=faults)).start() as demo:
        async with Workspace(settings_in(home)) as workspace:
            form = ConnectionForm(
                name="Lakeside", provider="reso", base_url=demo.mls.base_url, access_token=demo.mls.token,
                overrides={"page_size": 5, "api_limits": "200/1"},
            )  # fmt: skip
            answer = await actions.connect_mls(form, workspace)
        assert answer.data is not None
        app = MlsTuiApp(workspace, start_import=answer.data.connection.connection_id)
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await until(pilot, lambda: app.current_mode == "progress", PATIENCE)
            yield app, pilot


async def stored_in(home: Path) -> tuple[int, list[RunState]]:
    """How many listings are stored whole (each with all its photos there), and how the runs ended, newest first."""
    async with Workspace(settings_in(home)) as workspace:
        listings = (await actions.get_imported_listings(workspace)).data or []
        for listing in listings:
            for photo in listing.photos:
                assert photo.key is None or await workspace.photos.get(photo.key) is not None
        runs = (await actions.get_import_history(workspace)).data or []
    return len(listings), [run.state for run in runs]


async def test_an_import_begins_by_itself_shows_everywhere_and_says_what_is_next(tmp_path: Path) -> None:
    async with importing(tmp_path, Faults(None)) as (app, pilot):
        await press(pilot, "1")
        await until(pilot, lambda: "Lakeside" in seen(pilot) and "Imported" in seen(pilot), PATIENCE)
        await press(pilot, "3")
        await until(pilot, lambda: "2 listings" in seen(pilot), PATIENCE)
        assert app.tally is not None
        assert app.tally.counts.created == HOMES
    assert await stored_in(tmp_path) == (HOMES, [RunState.DONE])


async def test_cancelling_keeps_what_is_whole_and_the_next_import_brings_the_rest(tmp_path: Path) -> None:
    async with importing(tmp_path, Faults(None)) as (app, pilot):
        await until(pilot, lambda: app.tally is not None and app.tally.counts.successful > 0, PATIENCE)
        app.imports.cancel()
        await until(pilot, lambda: not app.imports.running, PATIENCE)
        await press(pilot, "1")
        await settled(pilot)
        await press(pilot, "i")
        await until(pilot, lambda: app.imports.running or app.tally is not None, PATIENCE)
        await until(pilot, lambda: not app.imports.running, PATIENCE)
    number, states = await stored_in(tmp_path)
    assert number == HOMES
    assert states[0] is RunState.DONE


async def test_quitting_in_the_middle_leaves_whole_listings_and_a_run_that_says_interrupted(tmp_path: Path) -> None:
    async with importing(tmp_path, Faults(None), homes=200) as (app, pilot):
        await until(pilot, lambda: app.tally is not None and app.tally.counts.successful > 0, PATIENCE)
        await pilot.press("q")
    number, states = await stored_in(tmp_path)
    assert 0 < number < 200
    assert states == [RunState.INTERRUPTED]
