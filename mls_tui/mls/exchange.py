"""One request, one answer, one body within its cap and time. It must never read more than the cap, nor show the text of
an error that may hold a URL's query."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from mls_tui.domain.errors import MLSError
from mls_tui.mls.answers import READ_AT_MOST
from mls_tui.mls.budget import Slot
from mls_tui.mls.transport import REACH_ERRORS, why_not_reached

Chunk = Callable[[bytes], object]

_PIECE = 256 * 1024
"""Most bytes that are unpacked at a time: a few packed kilobytes may hold gigabytes."""
_PACKED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS}


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came; header names in lower case, the body decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class BodyError(MLSError):
    """The body is larger than the cap, or not as long as its Content-Length says."""


@asynccontextmanager
async def opened(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, slot: Slot, total_seconds: float
) -> AsyncIterator[httpx.Response]:
    """The answer with its body not yet read; everything inside must end within ``total_seconds``.

    Raises:
        MLSError: retryable; no answer came, or the block could not read it.
    """
    try:
        async with asyncio.timeout(total_seconds):
            response = await transport.handle_async_request(request)
            slot.answered()
            try:
                yield response
            finally:
                await response.aclose()
    except REACH_ERRORS as error:
        # Without its cause: that holds the request with its token.
        raise MLSError(f"{request.url.host}: {why_not_reached(error)}.", retryable=True) from None


async def read_body(
    response: httpx.Response, headers: Mapping[str, str], slot: Slot, cap: int, on_chunk: Chunk | None = None
) -> bytes:
    """The whole body, at most ``cap`` bytes, counted as it comes. ``headers`` are the response's ``plain_headers``.

    Raises:
        BodyError: over the cap (not retryable); not the length that its Content-Length says, or packed badly
            (retryable).
    """
    packing = _packing(headers)
    promised = _length(headers) if packing == "identity" else None
    if promised is not None and promised > cap:
        raise _too_large(cap)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(response, packing):
        size += len(chunk)
        if size > cap:
            raise _too_large(cap)
        slot.received(len(chunk))
        chunks.append(chunk)
        if on_chunk is not None:
            on_chunk(chunk)
    if promised is not None and size != promised:
        raise BodyError(f"the answer has {size:,} bytes and not the {promised:,} it announced", retryable=True)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_head(response: httpx.Response, slot: Slot) -> bytes:
    """The first 2 kB of an error's body; empty where it cannot be read."""
    head = b""
    try:
        async for chunk in _chunks(response, _packing(response.headers)):
            slot.received(len(chunk))
            head += chunk[:READ_AT_MOST]
            if len(head) >= READ_AT_MOST:
                break
    except (*REACH_ERRORS, BodyError):
        pass
    return head[:READ_AT_MOST]


def plain_headers(response: httpx.Response) -> dict[str, str]:
    """Lower-case names; a repeated header joined by commas. One header after another by httpx takes five times as long:
    it looks for their common encoding each time."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _chunks(response: httpx.Response, packing: str) -> AsyncIterable[bytes]:
    """The body as it comes. httpx's own iteration costs more than the rest of a small photo, and unpacks whole what a
    server packed, as often as it says that it did."""
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the transport gave a body that cannot be read here")
    if packing == "identity":
        return stream
    if packing not in _PACKED:
        raise BodyError(f"the answer is packed as {packing[:30]!r}, which was not asked for", retryable=True)
    return _unpacking(stream, zlib.decompressobj(_PACKED[packing]))


async def _unpacking(stream: httpx.AsyncByteStream, unpacker: zlib._Decompress) -> AsyncIterator[bytes]:
    """A packed body unpacked; what follows its end is dropped."""
    empty = True
    async for chunk in stream:
        empty = empty and not chunk
        if not unpacker.eof:
            for piece in _unpacked(unpacker, chunk):
                yield piece
    if not empty and not unpacker.eof:
        raise BodyError("the packed answer ended before it was whole", retryable=True)


def _unpacked(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What a part of a packed body holds, in bounded pieces."""
    full = True
    try:
        while packed or full:
            piece = unpacker.decompress(packed, _PIECE)
            packed, full = unpacker.unconsumed_tail, len(piece) == _PIECE
            yield piece
    except zlib.error:
        raise BodyError("the packed answer is damaged", retryable=True) from None


def _packing(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower() or "identity"


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(cap: int) -> BodyError:
    return BodyError(f"the answer is larger than {cap // 1_000_000} MB")
