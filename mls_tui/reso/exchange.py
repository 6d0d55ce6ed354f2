"""One request, one answer, one body within its cap and time. It must never read more than the cap, nor show the text of
an error that may hold a URL's query."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mls_tui.domain.errors import MLSError
from mls_tui.reso.answers import READ_AT_MOST
from mls_tui.reso.net.reply import Reply
from mls_tui.reso.net.unanswered import REACH_ERRORS, why_unanswered
from mls_tui.reso.rate_limit import Slot

T = TypeVar("T")

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


async def asked(
    asking: Awaitable[Reply], host: str, slot: Slot, seconds: float, read: Callable[[Reply], Awaitable[T]]
) -> T:
    """What ``read`` makes of the answer of ``host``; asking and reading must end within ``seconds``.

    Raises:
        MLSError: retryable; no answer came, or ``read`` could not read it.
    """
    try:
        async with asyncio.timeout(seconds):
            reply = await asking
            slot.answered(reply.headers)
            try:
                return await read(reply)
            finally:
                if (closing := reply.close()) is not None:
                    await closing
    except REACH_ERRORS as error:
        # Without its cause: that holds the request with its token.
        raise MLSError(f"{host}: {why_unanswered(error)}.", retryable=True) from None


async def read_body(reply: Reply, slot: Slot, cap: int, on_chunk: Chunk | None = None) -> bytes:
    """The whole body, at most ``cap`` bytes, counted as it comes.

    Raises:
        BodyError: over the cap (not retryable); not the length that its Content-Length says, or packed badly
            (retryable).
    """
    packed = packing(reply.headers)
    promised = _length(reply.headers) if packed == "identity" else None
    if promised is not None and promised > cap:
        raise _too_large(cap)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(reply, packed):
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


async def read_head(reply: Reply, slot: Slot) -> bytes:
    """The first 2 kB of an error's body; empty where it cannot be read."""
    head = b""
    try:
        async for chunk in _chunks(reply, packing(reply.headers)):
            slot.received(len(chunk))
            head += chunk[:READ_AT_MOST]
            if len(head) >= READ_AT_MOST:
                break
    except (*REACH_ERRORS, BodyError):
        pass
    return head[:READ_AT_MOST]


def _chunks(reply: Reply, packed: str) -> AsyncIterable[bytes]:
    """The body as it comes, unpacked. httpx's own iteration would unpack it whole, as often as the server says that it
    was packed."""
    if packed == "identity":
        return reply.body
    if packed not in _PACKED:
        raise BodyError(f"the answer is packed as {packed[:30]!r}, which was not asked for", retryable=True)
    return _unpacking(reply.body, zlib.decompressobj(_PACKED[packed]))


async def _unpacking(stream: AsyncIterable[bytes], unpacker: zlib._Decompress) -> AsyncIterator[bytes]:
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


def packing(headers: Mapping[str, str]) -> str:
    """How a body is packed, "identity" where it is not."""
    return headers.get("content-encoding", "").strip().lower() or "identity"


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(cap: int) -> BodyError:
    return BodyError(f"the answer is larger than {cap // 1_000_000} MB")
