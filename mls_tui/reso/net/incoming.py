"""The answer to one HTTP/1.1 request as it comes in, parsed by llhttp. It must never take what a server says unasked
for a part of it, read ahead of its reader without bound, or let head lines grow without end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from mls_tui.reso.net.unanswered import CUT_SHORT, LOST, NOT_HTTP, UnansweredError

_HEAD_AT_MOST = 64 * 1024
"""Bytes of status line, headers, trailers or chunk heads with no body between them."""
_READ_AHEAD = 1024 * 1024
"""The connection is not read from while more than this waits for whoever reads the body."""


class Flow(Protocol):
    """What an answer asks of its connection."""

    def hold_off(self) -> None:
        """Read nothing further for now."""

    def read_on(self) -> None:
        """Read again, if reading was held off."""


class Incoming:
    """``head``, then iteration over the body as it was sent, then ``close``. ``on_close`` hears whether the connection
    can be used again: only where the answer has come to its end, and nothing after it."""

    def __init__(self, flow: Flow, on_close: Callable[[bool], None]) -> None:
        self.status = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self._flow = flow
        self._on_close: Callable[[bool], None] | None = on_close
        self._parser = HttpResponseParser(self)
        # Servers in use write such heads, and every common client reads them.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._headless = 0
        self._waiter: asyncio.Future[None] | None = None
        self._headed = self._whole = self._reusable = False
        self._error: str | None = None

    async def head(self) -> None:
        """Wait for status and headers. Raises UnansweredError."""
        while not self._headed:
            if self._error is not None:
                raise UnansweredError(self._error)
            await self._news()

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> bytes:
        """The next part of the body. Raises UnansweredError where it ends before its length."""
        while not self._chunks:
            if self._error is not None:
                raise UnansweredError(self._error)
            if self._whole:
                raise StopAsyncIteration
            await self._news()
        chunk = self._chunks.popleft()
        self._held -= len(chunk)
        if self._held <= _READ_AHEAD:
            self._flow.read_on()
        return chunk

    def close(self) -> None:
        """Read nothing further. May be called again."""
        if self._on_close is not None:
            on_close, self._on_close = self._on_close, None
            del self._parser  # which holds this object: the two would wait for the garbage collector
            on_close(self._whole and self._reusable)

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the connection tells.

    def feed(self, data: bytes) -> None:
        """Bytes that came."""
        self._headless += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._whole = False  # what follows the announced length is no answer either: the length is in doubt
            self.broken(NOT_HTTP)
        else:
            if self._headless > _HEAD_AT_MOST:
                self.broken(NOT_HTTP)

    def ended(self, clean: bool) -> None:
        """The connection has ended; only a body of no announced length may end with it."""
        if clean and self._headed and self._error is None and not self._bounded():
            self._whole = True
        self.broken(CUT_SHORT if self._headed else LOST)

    def broken(self, phrase: str) -> None:
        """Nothing more can come. What was whole stays so, but its connection is of no further use."""
        self._reusable = False
        if not self._whole and self._error is None:
            self._error = phrase
        self._wake()

    def _bounded(self) -> bool:
        found = {name.lower(): value.lower() for name, value in self.raw_headers}
        return b"content-length" in found or b"chunked" in found.get(b"transfer-encoding", b"")

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self._whole:  # a second answer, to a question that nobody asked
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # else a trailer
            self.raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._whole:
            return
        status = self._parser.get_status_code()
        if status < 200:  # "wait for it": the answer follows
            self.raw_headers.clear()
            return
        self.status, self._headed = status, True
        self._wake()

    def on_body(self, chunk: bytes) -> None:
        if self._whole:
            return
        self._headless = 0
        self._chunks.append(chunk)
        self._held += len(chunk)
        if self._held > _READ_AHEAD:
            self._flow.hold_off()
        self._wake()

    def on_message_complete(self) -> None:
        if self._headed and not self._whole:
            self._whole, self._reusable = True, self._parser.should_keep_alive()
            self._wake()
