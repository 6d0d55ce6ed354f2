"""Photos on their way to the screen: bytes fetched once, pictures drawn once in a thread, the latest kept.

It does no I/O of its own: ``fetch`` is lent by the screen, which asks ``actions``."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from mls_tui.domain.listing import Photo
from mls_tui.widgets.picture import Picture, UnreadablePhotoError, half_blocks
from mls_tui.widgets.plain import clean

Fetch = Callable[[str], Awaitable[bytes | str]]
"""The bytes of a stored photo by its key, or a sentence that says why they cannot be had."""

KEPT_BYTES = 24
KEPT_PICTURES = 200


class PhotoShelf:
    """Answers a Picture, or a sentence that says why there is none."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._bytes: OrderedDict[str, bytes] = OrderedDict()
        self._pictures: OrderedDict[tuple[str, int, int], Picture] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    def forget(self) -> None:
        """Photos were fetched anew: what is kept may be old."""
        self._bytes.clear()
        self._pictures.clear()

    def kept(self, photo: Photo, width: int, height: int) -> Picture | None:
        """A picture that needs no work."""
        return self._pictures.get((photo.key or "", width, height))

    async def picture(self, photo: Photo, width: int, height: int) -> Picture | str:
        if photo.key is None:
            return why_missing(photo)
        wanted = (photo.key, width, height)
        async with self._one_at_a_time:
            if wanted in self._pictures:
                return self._pictures[wanted]
            data = await self._data(photo.key)
            if isinstance(data, str):
                return data
            try:
                picture = await asyncio.to_thread(half_blocks, data, width, height)
            except UnreadablePhotoError as error:
                return str(error)
        self._pictures[wanted] = picture
        if len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        return picture

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
