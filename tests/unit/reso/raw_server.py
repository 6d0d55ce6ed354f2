"""A server that writes HTTP by hand, so that it can send invalid HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

JPEG = b"\xff\xd8\xff\xe0" + bytes(200)
Reply = Callable[[int, str, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Speaks HTTP by hand, so that it can break it. ``heads`` are the request heads in order."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.heads: list[str] = []
        self.port = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await self._reply(len(self.heads), self.heads[-1], writer)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[RawServer]:
    server = RawServer(reply)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def whole(writer: asyncio.StreamWriter, body: bytes, more: str = "") -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
