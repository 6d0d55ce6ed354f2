"""One request, one answer, one body within its cap and time. It must never read more than the cap, nor show the text of
an error that may hold a URL's query."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from mls_tui.domain.errors import MLSError
from mls_tui.mls.answers import READ_AT_MOST
from mls_tui.mls.budget import Slot
from mls_tui.mls.transport import REACH_ERRORS, why_not_reached

Chunk = Callable[[bytes], object]


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
        BodyError: over the cap (not retryable), or not the length that its Content-Length says (retryable).
    """
    encoded = "content-encoding" in headers
    promised = None if encoded else _length(headers)
    if promised is not None and promised > cap:
        raise _too_large(cap)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(response, encoded=encoded):
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
        async for chunk in _chunks(response, encoded="content-encoding" in response.headers):
            slot.received(len(chunk))
            head += chunk[:READ_AT_MOST]
            if len(head) >= READ_AT_MOST:
                break
    except REACH_ERRORS:
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


def _chunks(response: httpx.Response, *, encoded: bool) -> AsyncIterable[bytes]:
    # httpx's own iteration costs more than the rest of a small photo; it is needed for decompression only.
    if not encoded and isinstance(response.stream, httpx.AsyncByteStream):
        return response.stream
    return response.aiter_bytes()


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(cap: int) -> BodyError:
    return BodyError(f"the answer is larger than {cap // 1_000_000} MB")
