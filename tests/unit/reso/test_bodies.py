"""Packed answers are unpacked in bounded pieces, once, and counted as they come: no bomb costs more than its cap."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.errors import MLSError
from mls_tui.reso.transport import BodyError, Reply, read_body, read_error_body

MB = 1_000_000


class Sent(httpx.AsyncByteStream):
    """A body in pieces of a given size; counts what was taken of it."""

    def __init__(self, body: bytes, size: int = 100_000) -> None:
        self._body, self._size = body, size
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), self._size):
            self.taken += self._size
            yield self._body[at : at + self._size]


async def whole(stream: httpx.AsyncByteStream, packing: str = "gzip", cap: int = 64 * MB, status: int = 200) -> bytes:
    reply = Reply(status, {"content-encoding": packing}, stream, stream.aclose)
    if status >= 300:
        return await read_error_body(reply, lambda _: None)
    return await read_body(reply, cap, lambda _: None)


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(bytes(MB)) for _ in range(megabytes)), packer.flush()])


@pytest.mark.promise("hostile bodies")
async def test_a_bomb_is_cut_off_at_its_cap_and_never_held_whole() -> None:
    stream = Sent(bomb(400), size=1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BodyError, match="larger than 10 MB") as caught:
            await whole(stream, cap=10 * MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not caught.value.retryable
    assert peak < 14 * MB, "more than the cap was unpacked at once"


async def test_a_bomb_in_an_error_costs_its_first_lines() -> None:
    tracemalloc.start()
    try:
        head = await whole(Sent(bomb(400), size=1_000_000), status=500)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert head == bytes(2048)
    assert peak < 4 * MB


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize("packing", ["gzip, gzip", "gzip,gzip,gzip,gzip", "br", "zstd", "deflate, gzip", "x" * 9_000])
async def test_what_was_not_asked_for_is_not_unpacked(packing: str) -> None:
    stream = Sent(gzip.compress(gzip.compress(b"{}")))
    with pytest.raises(MLSError, match="not asked for") as caught:
        await whole(stream, packing)
    assert stream.taken == 0
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("body", "says"),
    [(gzip.compress(bytes(5_000))[:-9], "before it was whole"), (b"no gzip at all", "damaged")],
    ids=["cut", "no gzip"],  # a gzip header holds the second it was made in: two workers would name two tests
)
async def test_broken_packing_is_a_passing_fault(body: bytes, says: str) -> None:
    with pytest.raises(BodyError, match=says) as caught:
        await whole(Sent(body))
    assert caught.value.retryable


async def test_an_empty_body_said_to_be_packed_is_empty() -> None:
    assert await whole(Sent(b"")) == b""


async def test_what_follows_the_end_is_neither_read_nor_kept() -> None:
    assert await whole(Sent(gzip.compress(b"{}") + bytes(30 * MB)), cap=MB) == b"{}"


@pytest.mark.fuzz("HTTP answers")
@given(body=st.binary(max_size=3_000), times=st.integers(1, 300), size=st.integers(1, 70_000))
async def test_an_honest_body_comes_whole_however_it_is_cut(body: bytes, times: int, size: int) -> None:
    assert await whole(Sent(gzip.compress(body * times), size), " GZip ") == body * times
