"""One HTTP/1.1 connection, over the event loop's transports. It must never send a request where the server has spoken
unasked, nor wait for ever for one that is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from mls_tui.reso.net.incoming import Incoming
from mls_tui.reso.net.unanswered import LOST, SLOW_TO_ANSWER, UnansweredError


class Connection(asyncio.Protocol):
    """For one request at a time. ``read_seconds`` is the longest silence while an answer is awaited."""

    def __init__(self, read_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._read_seconds = read_seconds
        self._transport: asyncio.Transport | None = None
        self._answer: Incoming | None = None
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._held_off = self._aborted = False
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def usable(self) -> bool:
        """Whether a request can be sent: it is open, and the server has said nothing unasked."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, on_close: Callable[[bool], None]) -> Incoming:
        """Send a request; its answer. ``on_close`` hears whether the connection can be used again."""
        if self._transport is None or not self.usable:
            raise UnansweredError(LOST)
        answer = self._answer = Incoming(self, on_close)
        self._heard = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(self._read_seconds, self._look)
        self._transport.write(request)
        return answer

    def rest(self) -> None:
        """Nobody reads the answer any more."""
        self._answer = None
        self.read_on()

    def abort(self) -> None:
        """Close at once; what was being sent or read is dropped."""
        self._aborted = True
        if self._transport is not None:
            self._transport.abort()

    def hold_off(self) -> None:
        if not self._held_off and self._transport is not None:
            self._held_off = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        if self._held_off and self._transport is not None and not self._transport.is_closing():
            self._held_off = False
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def _look(self) -> None:
        """Give up an answer that has been silent for too long. One timer serves all requests of the connection."""
        self._watch = None
        if self._answer is None:
            return
        silent = 0.0 if self._held_off else self._loop.time() - self._heard
        if silent >= self._read_seconds:
            self._answer.broken(SLOW_TO_ANSWER)
            self.abort()
        else:
            self._watch = self._loop.call_later(self._read_seconds - silent, self._look)

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        if self._answer is None:
            self.abort()
        else:
            self._answer.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._answer is not None:
            self._answer.ended(exc is None and not self._aborted)
        self.lost.set_result(None)
