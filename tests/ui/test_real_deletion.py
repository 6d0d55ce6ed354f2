"""Deleting and undoing over the embedded store: rows and photo files go, and come back byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.listings import ListingsScreen
from tests.ui.homes import a_home, a_jpeg, a_photo
from tests.ui.shell import seen, toasts, until


async def test_undo_brings_back_the_row_and_every_photo_of_the_embedded_store(tmp_path: Path) -> None:
    settings = load_settings(environ={}, home=str(tmp_path), storage="local")
    body = a_jpeg(2)
    async with Workspace(settings) as house:
        photo = a_photo("one", 0)
        key = f"listings/{house.user_id}/one/original/photo0.jpg"
        home = a_home(1, listing_id="one", photos=(photo.model_copy(update={"key": key, "url": key}),))
        await house.photos.put(
            key, body, content_type="image/jpeg", sha256=hashlib.sha256(body).hexdigest(), metadata={}
        )
        await house.store.put(house.user_id, home)
    workspace = Workspace(settings)
    app = MlsTuiApp(workspace)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "1 of 1" in seen(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "SQLite file" in seen(pilot) and "and 1 photo" in seen(pilot))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "No homes here yet" in seen(pilot))
        assert await workspace.photos.get(key) is None
        assert await workspace.store.get(workspace.user_id, "one") is None
        assert isinstance(app.screen, ListingsScreen)
        await pilot.press("u")
        await until(pilot, lambda: "1 of 1" in seen(pilot))
        assert "1 listing brought back." in toasts(pilot)
        assert await workspace.photos.get(key) == body
        assert await workspace.store.get(workspace.user_id, "one") == home
