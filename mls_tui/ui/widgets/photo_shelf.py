"""Photos on their way to the screen: bytes fetched once, pictures drawn once in a thread, the latest kept.

It does no I/O of its own: ``fetch`` is lent by the screen, which asks ``actions``, and ``tell`` by the application."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from mls_tui.domain.listing import Photo
from mls_tui.ui.widgets.painter import Painter
from mls_tui.ui.widgets.picture import Picture, UnreadablePhotoError
from mls_tui.ui.widgets.plain import clean

Fetch = Callable[[str], Awaitable[bytes | str]]
"""The bytes of a stored photo by its key, or a sentence that says why they cannot be had."""

KEPT_BYTES = 24
KEPT_LARGE, KEPT_SMALL = 12, 120
"""Pictures kept of each size: the terminal keeps them as well, where it shows pixels."""
LARGE = 400
"""Cells from which a picture counts as large."""

Wanted = tuple[str, int, int, tuple[int, int]]


class PhotoShelf:
    """Answers a Picture, or a sentence that says why there is none."""

    def __init__(self, fetch: Fetch, painter: Painter | None = None, tell: Callable[[str], None] | None = None) -> None:
        self._fetch = fetch
        self._painter = painter or Painter()
        self._tell = tell
        self._bytes: OrderedDict[str, bytes] = OrderedDict()
        self._pictures: OrderedDict[Wanted, Picture] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    def forget(self) -> None:
        """Photos were fetched anew, or the screen is closed: what is kept may be old."""
        self._bytes.clear()
        for wanted in tuple(self._pictures):
            self._drop(wanted)

    def kept(self, photo: Photo, width: int, height: int) -> Picture | None:
        """A picture that needs no work."""
        wanted = (photo.key or "", width, height, self._painter.cell)
        if wanted in self._pictures:
            self._pictures.move_to_end(wanted)
        return self._pictures.get(wanted)

    async def picture(self, photo: Photo, width: int, height: int) -> Picture | str:
        if photo.key is None:
            return why_missing(photo)
        async with self._one_at_a_time:
            if (kept := self.kept(photo, width, height)) is not None:
                return kept
            data = await self._data(photo.key)
            if isinstance(data, str):
                return data
            wanted = (photo.key, width, height, self._painter.cell)
            try:
                picture = await asyncio.to_thread(self._painter.draw, data, width, height)
            except UnreadablePhotoError as error:
                return str(error)
            self._keep(wanted, picture)
        return picture

    def _keep(self, wanted: Wanted, picture: Picture) -> None:
        """The terminal hears of a picture before anything can show it."""
        if self._tell is not None and picture.send:
            self._tell(picture.send)
        self._pictures[wanted] = picture
        large = wanted[1] * wanted[2] >= LARGE
        alike = [each for each in self._pictures if (each[1] * each[2] >= LARGE) is large]
        for oldest in alike[: -(KEPT_LARGE if large else KEPT_SMALL)]:
            self._drop(oldest)

    def _drop(self, wanted: Wanted) -> None:
        picture = self._pictures.pop(wanted)
        if self._tell is not None and picture.free:
            self._tell(picture.free)

    async def _data(self, key: str) -> bytes | str:
        if key in self._bytes:
            self._bytes.move_to_end(key)
            return self._bytes[key]
        data = await self._fetch(key)
        if isinstance(data, bytes):
            self._bytes[key] = data
            if len(self._bytes) > KEPT_BYTES:
                self._bytes.popitem(last=False)
        return data


def why_missing(photo: Photo) -> str:
    """Why a photo is not stored, as the import noted it."""
    return (
        f"It could not be had: {clean(photo.error[:400], newlines=False)}"
        if photo.error
        else "It has not been fetched yet."
    )
