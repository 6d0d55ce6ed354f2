"""Downloads one photo and checks it. Its type is determined by its first bytes, not by its name or headers.

See docs/reso-feeds.md, section 5 (Media).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.domain.masking import Masker
from mls_tui.reso.addresses import AddressGuard, AddressRefusedError, Target, same_origin
from mls_tui.reso.base import Observer, PhotoBytes
from mls_tui.reso.presets import ProviderPreset
from mls_tui.reso.rate_limit import RateLimit, Slot
from mls_tui.reso.responses import phrase, read_fault
from mls_tui.reso.transport import (
    REACH_ERRORS,
    BodyError,
    Network,
    Reply,
    Timeouts,
    packing,
    read_body,
    read_error_body,
    why_unanswered,
)

PHOTO_CAP = 25_000_000
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


class PhotoSource:
    """Downloads photos, one attempt each; the importer decides whether to try again.

    ``token`` returns an access token that has not expired. If the preset says that photos need it, it is sent to the
    API's own origin and to the preset's ``media_token_hosts``.
    """

    def __init__(
        self,
        network: Network,
        guard: AddressGuard,
        limit: RateLimit,
        observer: Observer,
        mask: Masker,
        preset: ProviderPreset,
        token: Callable[[], Awaitable[str]],
        *,
        user_agent: str,
        timeouts: Timeouts,
    ) -> None:
        self._network = network
        self._guard = guard
        self._limit = limit
        self._observer = observer
        self._mask = mask
        self._preset = preset
        self._token = token
        self._user_agent = user_agent
        self._timeouts = timeouts
        self._wants_token = preset.media_auth or any("{token}" in value for value in preset.media_headers.values())
        self._without_token = self._headers("")

    async def fetch(self, url: str) -> PhotoBytes:
        """The photo at ``url``, after at most three redirects. Waits after a 429 and tries again.

        Raises:
            PhotoError: ``expired`` for 401, 403, 404 and 410; ``retryable`` if another attempt may help.
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
                    target = self._guard.moved(target, answer, "photo")
        except AddressRefusedError as error:
            raise PhotoError(str(error), retryable=False) from None
        except BodyError as error:
            raise PhotoError(f"The photo cannot be stored: {error}.", retryable=error.retryable) from None
        except MLSError as error:
            raise PhotoError(f"The photo could not be fetched. {error}", retryable=error.retryable) from None

    async def _once(self, target: Target) -> PhotoBytes | str | None:
        """The photo, or the URL of a redirect, or None after a 429: send again after the pause."""
        if self._limit.tripped and self._limit.paused_for():
            raise PhotoError(
                f"{target.host} keeps answering 429 Too Many Requests; the next import asks again.", retryable=False
            )
        wants_token = self._wants_token and self._may_have_token(target)
        headers = self._headers(await self._token()) if wants_token else self._without_token
        async with await self._limit.slot(target.host, PHOTO_CAP, self._observer) as slot:
            try:
                async with asyncio.timeout(self._timeouts.photo):
                    reply = await self._network.send("GET", target, headers, read_seconds=self._timeouts.photo_read)
                    slot.answered(reply.headers)
                    try:
                        return await self._read(target, reply, slot)
                    finally:
                        if (closing := reply.close()) is not None:
                            await closing
            except REACH_ERRORS as error:
                # Without its cause, which holds the request with its token.
                raise MLSError(f"{target.host}: {why_unanswered(error)}.", retryable=True) from None

    async def _read(self, target: Target, reply: Reply, slot: Slot) -> PhotoBytes | str | None:
        if reply.status == 200:
            photo = await self._photo(reply, slot)
            slot.throttled(reply.status, reply.headers)
            return photo
        location = reply.headers.get("location")
        if reply.status in _MOVED and location:
            slot.throttled(reply.status, reply.headers)
            return location
        fault = read_fault(await read_error_body(reply, lambda chunk: slot.received(len(chunk))), self._mask)
        if slot.throttled(reply.status, reply.headers, fault):
            return None
        said = f": {fault.message}" if fault.message and reply.status not in _GONE else ""
        raise PhotoError(
            f"{target.host} answered {phrase(reply.status)}{said}.",
            retryable=reply.status in _GONE or reply.status == 408 or reply.status >= 500,
            expired=reply.status in _GONE,
        )

    async def _photo(self, reply: Reply, slot: Slot) -> PhotoBytes:
        if packing(reply.headers) != "identity":
            raise PhotoError("The photo came compressed although that was not asked for.")
        body = await read_body(reply, PHOTO_CAP, lambda chunk: slot.received(len(chunk)))
        if not body:
            raise PhotoError("The answer holds no bytes where a photo should be.")
        kind = sniff(body)
        if kind is None:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something that is no image"
            raise PhotoError(f"The answer is {what} where a photo should be.")
        return PhotoBytes(body, *kind, hashlib.sha256(body).hexdigest())

    def _headers(self, token: str) -> dict[str, str]:
        headers = {"accept": "image/*", "user-agent": self._user_agent}
        for name, value in self._preset.media_headers.items():
            if "{token}" not in value or token:
                headers[name.lower()] = value.replace("{token}", token)
        if self._preset.media_auth and token:
            headers["authorization"] = f"Bearer {token}"
        headers["accept-encoding"] = "identity"
        return headers

    def _may_have_token(self, target: Target) -> bool:
        scheme, _, port = target.origin
        named = target.host in self._preset.media_token_hosts and (scheme, port) == ("https", 443)
        return named or same_origin(target.text, self._preset.base_url)
