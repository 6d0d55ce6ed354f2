"""One photo: downloaded once, checked, told by its first bytes (FIELD §5). It must never send the MLS token to another
origin, take a name or header for what the bytes are, or decode an image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.domain.masking import Masker
from mls_tui.reso.answers import Fault, phrase, read_fault
from mls_tui.reso.base import Observer, PhotoBytes
from mls_tui.reso.exchange import BodyError, asked, packing, read_body, read_head
from mls_tui.reso.net.netguard import AddressRefusedError, NetGuard, Target
from mls_tui.reso.net.reply import Door, Reply
from mls_tui.reso.rate_limit import RateLimit, Slot

PHOTO_CAP = 25_000_000
_GIL_KEPT_BYTES = 2047
_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({401, 403, 404, 410})

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
    (b"II*\x00", "image/tiff", "tiff"),
    (b"MM\x00*", "image/tiff", "tiff"),
    (b"II+\x00", "image/tiff", "tiff"),
    (b"MM\x00+", "image/tiff", "tiff"),
)
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def sniff(body: bytes) -> tuple[str, str] | None:
    """(content type, extension) by magic number: JPEG, PNG, GIF, WebP, AVIF, HEIC or TIFF; None for anything else."""
    for magic, content_type, extension in _MAGIC:
        if body.startswith(magic):
            return content_type, extension
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp", "webp"
    if body[4:8] == b"ftyp":
        end = min(int.from_bytes(body[:4], "big"), 256)
        brands = {body[8:12], *(body[at : at + 4] for at in range(16, end, 4))}
        if brands & _AVIF:
            return "image/avif", "avif"
        if brands & _HEIC:
            return "image/heic", "heic"
    return None


def _update(digest: hashlib._Hash, chunk: bytes) -> None:
    """In pieces for which hashlib keeps the GIL: to get it back from other threads costs more than to hash a photo."""
    view = memoryview(chunk)
    for at in range(0, len(view), _GIL_KEPT_BYTES):
        digest.update(view[at : at + _GIL_KEPT_BYTES])


class MediaHeaders(Protocol):
    """What to send with a request for a photo: the token only where it may go."""

    async def __call__(self, target: Target) -> Mapping[str, str]: ...


class PhotoSource:
    """Fetches photos, each in one attempt; the importer decides about another."""

    def __init__(
        self,
        door: Door,
        guard: NetGuard,
        limit: RateLimit,
        observer: Observer,
        mask: Masker,
        headers: MediaHeaders,
        *,
        total_seconds: float,
        cap: int = PHOTO_CAP,
    ) -> None:
        self._door = door
        self._guard = guard
        self._limit = limit
        self._observer = observer
        self._mask = mask
        self._headers = headers
        self._total = total_seconds
        self._cap = cap

    async def fetch(self, url: str) -> PhotoBytes:
        """The photo at ``url``, through at most three redirects. A 429 is waited out and asked again.

        Raises:
            PhotoError: what went wrong; ``expired`` for 401, 403, 404 and 410, ``retryable`` where it may help.
        """
        hops = 0
        try:
            target = self._guard.target(url, "photo")
            while True:
                answer = await self._once(target)
                if isinstance(answer, PhotoBytes):
                    return answer
                if answer is not None:
                    hops += 1
                    if hops > _REDIRECTS:
                        raise PhotoError(f"{target.host} redirects the photo more than three times.", retryable=False)
                    target = self._guard.target(answer, "photo")
        except AddressRefusedError as error:
            raise PhotoError(str(error), retryable=False) from None
        except BodyError as error:
            raise PhotoError(f"The photo cannot be stored: {error}.", retryable=error.retryable) from None
        except MLSError as error:
            raise PhotoError(f"The photo could not be fetched. {error}", retryable=error.retryable) from None

    async def _once(self, target: Target) -> PhotoBytes | str | None:
        """The photo, the address it has moved to, or None for "ask again after the pause"."""
        if self._limit.open and self._limit.paused_for():
            raise PhotoError(
                f"{target.host} keeps answering 429 Too Many Requests; the next import asks again.", retryable=False
            )
        headers = await self._headers(target)
        async with await self._limit.slot(target.host, self._cap, self._observer) as slot:

            async def read(reply: Reply) -> PhotoBytes | str | None:
                return await self._taken(target, reply, slot)

            return await asked(self._door.get(target.text, headers), target.host, slot, self._total, read)

    async def _taken(self, target: Target, reply: Reply, slot: Slot) -> PhotoBytes | str | None:
        if reply.status == 200:
            photo = await self._read(reply, slot)
            slot.throttled(reply.status, reply.headers)
            return photo
        location = reply.headers.get("location")
        if reply.status in _MOVED and location:
            slot.throttled(reply.status, reply.headers)
            return self._guard.moved(target, location, "photo")
        fault = read_fault(await read_head(reply, slot), self._mask)
        self._pause_or_raise(slot, target.host, reply, fault)
        return None

    async def _read(self, reply: Reply, slot: Slot) -> PhotoBytes:
        if packing(reply.headers) != "identity":
            raise PhotoError("The photo came compressed although that was not asked for.")
        digest = hashlib.sha256()
        body = await read_body(reply, slot, self._cap, lambda chunk: _update(digest, chunk))
        if not body:
            raise PhotoError("The answer holds no bytes where a photo should be.")
        kind = sniff(body)
        if kind is None:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something that is no image"
            raise PhotoError(f"The answer is {what} where a photo should be.")
        return PhotoBytes(body, *kind, digest.hexdigest())

    def _pause_or_raise(self, slot: Slot, host: str, reply: Reply, fault: Fault) -> None:
        status = reply.status
        if slot.throttled(status, reply.headers, fault):
            return
        said = f": {fault.message}" if fault.message and status not in _GONE else ""
        raise PhotoError(
            f"{host} answered {phrase(status)}{said}.",
            retryable=status in _GONE or status == 408 or status >= 500,
            expired=status in _GONE,
        )
