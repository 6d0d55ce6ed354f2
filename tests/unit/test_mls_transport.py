"""Over real connections: every fault is seen exactly once, the checked address is the one connected to, the URL is sent
as it was given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.reso.net.transport import Timeouts
from tests.unit.mls_transport_fakes import TOKEN, Wire

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


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def wire_to(server: RawServer, **more: object) -> Wire:
    async def lookup(name: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    base = {"base_url": f"http://mls.test:{server.port}"}
    return Wire(preset_changes=base, allow_private_hosts=True, lookup=lookup, **more)  # type: ignore[arg-type]


@pytest.mark.feed(0, "keep-alive reset")
async def test_reset_of_a_reused_connection_is_one_failed_attempt_and_not_silently_repeated() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number in (2, 4):
            await reset(writer)
        else:
            whole(writer, b'{"value": []}')

    async with serving(reply) as server:
        wire = await wire_to(server)
        for _ in range(3):
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert len(server.heads) == 5
    assert len(wire.failures) == 2
    assert all("closed or reset" in each.cause for each in wire.failures)


@pytest.mark.promise(6)
@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + JPEG]
)
async def test_photo_that_breaks_off_is_asked_for_once_and_fails_once(sent: bytes) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            whole(writer, JPEG)
        else:
            writer.write(sent)
            await writer.drain()
            writer.close()

    async with serving(reply) as server:
        wire = await wire_to(server)
        await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        with pytest.raises(PhotoError) as caught:
            await wire.http.photo(f"http://cdn.test:{server.port}/2.jpg?sig=canary")
        await wire.http.close()
    assert caught.value.retryable
    assert len(server.heads) == 2
    assert "canary" not in str(caught.value)


async def test_garbage_instead_of_http_is_a_sentence() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-nothing here\r\n\r\n")
        await writer.drain()
        writer.close()

    async with serving(reply) as server:
        wire = await wire_to(server)
        with pytest.raises(MLSError, match=r"mls\.test: the answer was not valid HTTP"):
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert len(wire.failures) == len(server.heads) == 3


@pytest.mark.promise("hostile bodies")
async def test_silent_server_is_given_up_after_the_time_limit() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        return

    async with serving(reply) as server:
        wire = await wire_to(server, timeouts=Timeouts(page=0.05))
        with pytest.raises(MLSError, match="took too long"):
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert len(server.heads) == 3


async def test_signed_url_host_and_identity_are_sent_untouched_without_the_token() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, JPEG, "Set-Cookie: a=b; Path=/\r\n")

    path = "/a%2Fb/c%20d.jpg?X-Cred=AK%2F2026%2Fs3&sig=a%2Bb%3D%27&x=%7E"
    async with serving(reply) as server:
        wire = await wire_to(server)
        for _ in range(2):
            await wire.http.photo(f"http://user:pw@cdn.test:{server.port}{path}")
        await wire.http.close()
    assert server.connections == 1
    for head in server.heads:
        assert head.startswith(f"GET {path} HTTP/1.1\r\n")
        assert f"host: cdn.test:{server.port}\r\n" in head.lower()
        assert "accept-encoding: identity\r\n" in head.lower()
        assert "cookie" not in head.lower()
        assert "authorization" not in head.lower()
        assert TOKEN not in head


@pytest.mark.promise("hostile addresses")
async def test_name_is_resolved_once_and_the_checked_address_is_connected_to() -> None:
    asked: list[str] = []

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, JPEG)

    async def rebinding(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    async with serving(reply) as server:
        wire = Wire(allow_private_hosts=True, lookup=rebinding)
        await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        await wire.http.close()
    assert asked == ["cdn.test"]


@pytest.mark.promise("hostile addresses")
async def test_proxy_and_netrc_settings_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, JPEG)

    async with serving(reply) as server:
        wire = await wire_to(server)
        await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        await wire.http.close()
    assert len(server.heads) == 1
