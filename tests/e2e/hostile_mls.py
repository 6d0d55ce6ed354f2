"""An MLS that attacks: it speaks HTTP by hand, so that it can lie about lengths, never end, and pack what bursts."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))
MB = 1_000_000
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def flood(megabytes: int) -> bytes:
    """A page of empty rows, packed to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"value": [{}'), *(packer.compress(b",{}" * (MB // 3)) for _ in range(megabytes))]
    return b"".join([*parts, packer.compress(b"]}"), packer.flush()])


def bomb(start: bytes, megabytes: int) -> bytes:
    """``start`` and then zeros, packed to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(start), *(packer.compress(bytes(MB)) for _ in range(megabytes)), packer.flush()]
    return b"".join(parts)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says what it likes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def good_jpeg() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (64, 48), "seagreen").save(out, "JPEG")
    return out.getvalue()


def whole(body: bytes, *headers: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        head = "".join(f"{each}\r\n" for each in (f"Content-Length: {len(body)}", *headers))
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)

    return reply


def announced(length: int) -> Reply:
    """A length, and a first piece of the body."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + JPEG)

    return reply


def streamed(start: bytes, megabytes: int) -> Reply:
    """A chunked body that says nothing of its length."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (start, *[bytes(MB)] * megabytes):
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    return reply


def trickled(start: bytes) -> Reply:
    """A byte now and then, for ever: no time limit between two reads ever ends it."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n" + start)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0)

    return reply


def headers_without_end(size: int) -> Reply:
    """Headers of ``size`` bytes each, until the other side has had enough."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(200 * MB // size):
            writer.write(f"X-{number}: ".encode() + b"a" * size + b"\r\n")
            await writer.drain()

    return reply


def moved(location: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    return reply


class HostileMLS:
    """Serves ``photos`` by name, a listing for each, and ``page`` in place of the feed where it is set. ``heads`` are
    the heads of all requests."""

    def __init__(self, photos: dict[str, Reply] | None = None, page: Reply | None = None) -> None:
        self.photos = photos or {}
        self.page = page
        self.heads: list[str] = []
        self.origin = ""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/odata"

    def records(self) -> list[dict[str, Any]]:
        return [self.record(name) for name in self.photos]

    def record(self, name: str) -> dict[str, Any]:
        media = {"MediaKey": f"m-{name}", "Order": 0, "MediaURL": f"{self.origin}/photo/{name}"}
        moment = "2026-05-01T00:00:00Z"
        key = {"ListingKey": f"K-{name}", "ListingId": name, "StandardStatus": "Active", "ListPrice": 1}
        return {**key, "ModificationTimestamp": moment, "PhotosCount": 1, "Media": [media]}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                await self._reply(head.split()[1])(writer)
                await writer.drain()
        writer.close()

    def _reply(self, target: str) -> Reply:
        path = urlsplit(target).path
        if path.startswith("/photo/"):
            return self.photos[path.removeprefix("/photo/")]
        if self.page is not None:
            return self.page
        if path != "/odata/Property":
            return whole(b'{"value": []}')
        return whole(json.dumps({"value": self.records()}).encode())


@asynccontextmanager
async def hostile_mls(mls: HostileMLS) -> AsyncIterator[HostileMLS]:
    server = await asyncio.start_server(mls.serve, "127.0.0.1", 0)
    mls.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mls
    finally:
        server.close()


def packed(body: bytes, times: int = 1) -> Reply:
    """``body`` packed once more for each time beyond the first, and said to be so."""
    for _ in range(times - 1):
        body = gzip.compress(body)
    return whole(body, f"Content-Encoding: {', '.join(['gzip'] * times)}")
