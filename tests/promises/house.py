"""One user's house for imports that are killed: an MLS in a thread with photos that cost nothing to draw, a store pair,
and what was acknowledged so far, to be found whole whatever happened."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp import web

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.demo import homes
from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.listing import Listing
from tests.promises.children import Child, Ending

NAME = "Lakeside"
OVERRIDES: dict[str, str | int | float | bool] = {"api_limits": "500/0.1", "media_limits": "500/0.1", "page_size": 8}
"""A killed process counts as having used its limits to the full: the next one waits for one period, here 0.1 s."""

NOT_CONTENT = ("syncedAt", "connectionId", "lastImport")


@dataclass(slots=True)
class Acknowledged:
    """What ``--events`` said: listings by MLS number (-> listing id), photos by (MLS number, index) (-> key)."""

    listings: dict[str, str] = field(default_factory=dict)
    photos: dict[tuple[str, int], str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    events: int = 0

    def note(self, event: dict[str, Any]) -> None:
        self.events += 1
        match event["event"]:
            case "ListingStarted":
                self.keys[event["mlsNumber"]] = event["listingKey"]
            case "PhotoStored":
                self.photos[event["mlsNumber"], event["photoIndex"]] = event["key"]
            case "ListingStored":
                self.keys[event["mlsNumber"]] = event["listingKey"]
                self.listings[event["mlsNumber"]] = event["listingId"]


@dataclass(slots=True)
class KilledHouse:
    """``environ`` is the whole environment of its imports."""

    mls: DemoMLS
    environ: dict[str, str]
    stderr: Path | None = None
    told: Acknowledged = field(default_factory=Acknowledged)
    _served: dict[str, list[bytes]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Theirs alone."""
        return Path(self.environ["MLS_TUI_HOME"])

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Workspace]:
        with mock.patch.dict(os.environ, self.environ, clear=True):
            settings = load_settings()
            async with Workspace(settings) as ws:
                yield ws

    async def connect(self) -> None:
        async with self.workspace() as ws:
            await ws.store.init()
            await ws.photos.init()
            form = actions.ConnectionForm(
                name=NAME,
                provider="reso",
                base_url=self.mls.base_url,
                access_token=self.mls.token,
                overrides=OVERRIDES,
            )
            answer = await actions.connect_mls(form, ws)
            assert answer.success, answer.error

    def start(self, *options: str) -> Child:
        """``import Lakeside --events`` in a child."""
        return Child(
            self.environ, ["import", NAME, "--events", *options], self.stderr or self.folder.with_suffix(".stderr")
        )

    def run(self, *options: str) -> Ending:
        """The same to its end, whatever that is."""
        child = self.start(*options)
        for event in child.events():
            self.told.note(event)
        return child.ending()

    def run_and_kill(self, rng: random.Random, most: int) -> bool:
        """An import killed at a random one of its first ``most`` events or requests to the MLS; False where it ended
        before that."""
        at = rng.randrange(0, most)
        by_request = rng.random() < 0.5
        child = self.start()
        asked = 0

        async def hook(request: web.Request) -> None:
            nonlocal asked
            asked += 1
            if by_request and asked > at:
                child.kill()

        self.mls.hook = hook
        for number, event in enumerate(child.events()):
            self.told.note(event)
            if not by_request and number >= at:
                child.kill()
        self.mls.hook = None
        ending = child.ending()
        assert ending.code in (0, -9), ending.said
        return ending.code == -9

    def served(self, listing_key: str) -> list[bytes]:
        if listing_key not in self._served:
            self._served[listing_key] = self.mls.feed.photos(listing_key)
        return self._served[listing_key]

    def check(self, *, everything: bool = False) -> dict[str, Listing]:
        """What was acknowledged is there and whole, what is there is whole and there once; the listings by number."""
        return asyncio.run(self.look(everything=everything))

    async def look(self, *, everything: bool = False) -> dict[str, Listing]:
        """``check`` in the caller's loop."""
        async with self.workspace() as ws:
            stored = [listing async for batch in ws.store.listings(ws.user_id) for listing in batch]
            objects = {key async for batch in ws.photos.keys("listings/") for key in batch}
            rows = {listing.mls_number: listing for listing in stored}
            assert len(rows) == len(stored), "an MLS number is stored twice"
            for number, listing_id in self.told.listings.items():
                assert rows[number].listing_id == listing_id
            wanted = {key: self._body(number, index) for (number, index), key in self.told.photos.items()}
            for listing in stored:
                bodies = self.served(listing.mls_id)
                assert [photo.order for photo in listing.photos] == list(range(len(bodies)))
                for photo, body in zip(listing.photos, bodies, strict=True):
                    assert photo.key is not None
                    assert photo.sha256 == hashlib.sha256(body).hexdigest()
                    wanted[photo.key] = body
            assert set(wanted) <= objects, "a photo that was acknowledged, or that a row points at, is gone"
            for key, body in wanted.items():
                if everything or key not in self._read:
                    assert await ws.photos.get(key) == body, f"{key} is torn"
                    self._read.add(key)
            if everything:
                assert objects == set(wanted), "a photo that no row points at is left"
                for listing in stored:
                    assert await ws.store.find(ws.user_id, listing.mls_number) == [listing]
        return rows

    def _body(self, number: str, index: int) -> bytes:
        return self.served(self.told.keys[number])[index]

    def stored_count(self) -> int:
        """Photos that stored rows point at."""
        return sum(len(listing.photos) for listing in self.check().values())

    def content(self, rows: dict[str, Listing]) -> str:
        """Every Data map as JSON, without what differs between any two imports: when, where, and the ids made of it."""
        epochs = {listing.listing_id.rpartition("-")[2] for listing in rows.values()}
        assert len(epochs) <= 1, "a resumed import gives the ids that it began with"
        maps = [
            {
                name: value
                for name, value in listing.to_data().items()
                if name not in ("syncedAt", "connectionId", "lastImport")
            }
            for _, listing in sorted(rows.items())
        ]
        text = json.dumps(maps, indent=1, sort_keys=True, default=str)
        for place in (*epochs, self.environ["MLS_TUI_HOME"], self.environ.get("MLS_TUI_BUCKET", "")):
            text = text.replace(place, "…") if place else text
        return text


def quick_photo(home: Any, shot: Any) -> bytes:
    """Stands in for the demo's drawing."""
    return quick_jpeg(f"{home.look}/{home.key}/{shot.number}/{shot.version}")


def quick_jpeg(name: str) -> bytes:
    """A real JPEG of 8 x 8 pixels, told apart from every other by a comment inside it."""
    comment = name.encode() * 40
    return _JPEG[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + _JPEG[2:]


def _jpeg() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 120, 60)).save(stream, "JPEG")
    return stream.getvalue()


_JPEG = _jpeg()


@contextmanager
def cheap_photos(most: int | None = None) -> Iterator[None]:
    """Demo homes have ``quick_photo``s, at most so many each."""
    made = homes.home

    def few(*where: int) -> homes.Home:
        home = made(*where)
        return home if most is None else replace(home, photos=min(most, home.photos))

    with mock.patch.object(homes, "home", few), mock.patch("mls_tui.demo.photos.draw", quick_photo):
        yield


@contextmanager
def lakeside(listings: int, photos: int | None = None) -> Iterator[DemoMLS]:
    """A demo MLS in a thread, with cheap photos."""
    with cheap_photos(photos), start_in_thread(listings=listings) as running:
        yield running.mls
