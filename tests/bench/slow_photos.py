"""A photo host with latency: one photo under any name, each answer a fixed time after its request. Started by the bench
with a port, seconds and a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


class Slow(asyncio.Protocol):
    """One connection; a GET has no body, so an empty line ends each request."""

    def __init__(self, seconds: float, answer: bytes) -> None:
        self._seconds, self._answer = seconds, answer
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=1 << 20)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            self._held = self._held.partition(b"\r\n\r\n")[2]
            asyncio.get_running_loop().call_later(self._seconds, self._write)

    def _write(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._answer)


async def serve(port: int, seconds: float, photo: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(photo)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Slow(seconds, head + photo), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
