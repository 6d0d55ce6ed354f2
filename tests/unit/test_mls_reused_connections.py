"""Connections that are used again: what a server says unasked is the answer to nothing."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui.domain.errors import PhotoError
from tests.unit.test_mls_transport import JPEG, serving, whole, wire_to

OTHER = JPEG + b"of another house"


@pytest.mark.promise("hostile bodies")
async def test_answer_that_nobody_asked_for_is_not_taken_for_the_next_photo() -> None:
    said = asyncio.Event()

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, JPEG)
        if number == 1:
            await writer.drain()
            asyncio.get_running_loop().call_later(0.02, unasked, writer)

    def unasked(writer: asyncio.StreamWriter) -> None:
        whole(writer, OTHER)
        asyncio.get_running_loop().call_later(0.02, said.set)

    async with serving(reply) as server:
        wire = await wire_to(server)
        url = f"http://cdn.test:{server.port}"
        await wire.http.photo(f"{url}/1.jpg")
        await asyncio.wait_for(said.wait(), 5)
        assert (await wire.http.photo(f"{url}/2.jpg")).body == JPEG
        await wire.http.close()
    assert len(server.heads) == server.connections == 2


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Encoding: \r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n",
    ],
)
async def test_second_answer_in_the_same_breath_is_dropped_with_its_connection(head: str) -> None:
    async def reply(number: int, request: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head.format(size=len(JPEG)).encode() + JPEG)
        whole(writer, OTHER)

    async with serving(reply) as server:
        wire = await wire_to(server)
        for number in range(2):
            assert (await wire.http.photo(f"http://cdn.test:{server.port}/{number}.jpg")).body == JPEG
        await wire.http.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + JPEG,
        b"HTTP/1.1 200 OK\r\nContent-Length: 204\r\nContent-Length: 4\r\n\r\n" + JPEG,
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\ncc\r\n" + JPEG + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncc\r\n" + JPEG,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 204\r\n\r\n" + JPEG,
    ],
)
async def test_answer_whose_length_is_in_doubt_is_no_photo_and_spoils_none(said: bytes) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            writer.write(said)
            await writer.drain()
            writer.close()
        else:
            whole(writer, JPEG)

    async with serving(reply) as server:
        wire = await wire_to(server)
        with pytest.raises(PhotoError):
            await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        assert (await wire.http.photo(f"http://cdn.test:{server.port}/2.jpg")).body == JPEG
        await wire.http.close()
    assert server.connections == 2


@pytest.mark.promise("hostile bodies")
async def test_connection_of_a_photo_that_was_given_up_halfway_is_not_used_again() -> None:
    begun = asyncio.Event()

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(OTHER)}\r\n\r\n".encode() + OTHER[:9])
            begun.set()
        else:
            whole(writer, JPEG)

    async with serving(reply) as server:
        wire = await wire_to(server)
        task = asyncio.create_task(wire.http.photo(f"http://cdn.test:{server.port}/1.jpg"))
        await begun.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await wire.http.photo(f"http://cdn.test:{server.port}/2.jpg")).body == JPEG
        await wire.http.close()
    assert server.connections == 2
