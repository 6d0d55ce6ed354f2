"""An answer is read alike however its server frames it and the network cuts it, and what is not its own is never taken
for a part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.reso.net.incoming import Incoming
from mls_tui.reso.net.unanswered import CUT_SHORT, LOST, NOT_HTTP, UnansweredError

LENGTH, CHUNKED, TO_THE_END = "length", "chunked", "to the end"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@dataclass
class Told:
    """The answer as its reader had it, and whether its connection may be used again."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    reusable: list[bool] = field(default_factory=list)
    held_off: int = 0


class Flow:
    def __init__(self, told: Told) -> None:
        self._told = told

    def hold_off(self) -> None:
        self._told.held_off += 1

    def read_on(self) -> None:
        pass


def read(pieces: Iterable[bytes], *, closed: bool | None = None) -> Told:
    """``closed``: the connection ends after the pieces, cleanly or not; None leaves it open."""
    told = Told()

    async def reading(answer: Incoming) -> None:
        try:
            await answer.head()
            told.status, told.headers = answer.status, answer.raw_headers
            async for chunk in answer:
                told.body += chunk
        except UnansweredError as error:
            told.error = str(error)
        finally:
            answer.close()

    async def both() -> None:
        answer = Incoming(Flow(told), told.reusable.append)
        reader = asyncio.create_task(reading(answer))
        for piece in pieces:
            if not reader.done():
                answer.feed(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if closed is not None and not reader.done():
            answer.ended(closed)
        await asyncio.wait_for(reader, 5)

    asyncio.run(both())
    return told


def framed(body: bytes, framing: str, cuts: Iterable[int] = ()) -> bytes:
    if framing == LENGTH:
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == TO_THE_END:
        return b"\r\n" + body
    parts = [part for part in split(body, cuts) if part]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"Transfer-Encoding: chunked\r\n\r\n%b0\r\nX-Trailer: 1\r\n\r\n" % chunks


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(at)] or [data]


CUTS = st.lists(st.integers(0, 3_000), max_size=8)


@given(st.binary(max_size=900), st.sampled_from([LENGTH, CHUNKED, TO_THE_END]), CUTS, CUTS, st.integers(0, 2))
@example(b"", LENGTH, [], [], 0)
@example(b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", CHUNKED, [4], list(range(40)), 1)
def test_answer_is_the_same_however_it_is_framed_and_cut(
    body: bytes, framing: str, chunks: list[int], cuts: list[int], early: int
) -> None:
    head = EARLY * early + b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
    told = read(split(head + framed(body, framing, chunks), cuts), closed=True if framing == TO_THE_END else None)
    assert (told.status, told.body, told.error) == (200, body, "")
    assert told.headers[0] == (b"Content-Type", b"image/jpeg")
    assert not any(name == b"X-Trailer" for name, _ in told.headers)
    assert told.reusable == [framing != TO_THE_END]


@pytest.mark.promise("hostile bodies")
@given(st.binary(min_size=1, max_size=300), st.sampled_from([LENGTH, CHUNKED]), CUTS, st.integers(1, 10_000))
def test_answer_that_is_cut_off_is_never_whole(body: bytes, framing: str, cuts: list[int], missing: int) -> None:
    message = b"HTTP/1.1 200 OK\r\n" + framed(body, framing, cuts)
    short = message[: -(1 + missing % (len(message) - 1))]
    told = read(split(short, cuts), closed=True)
    assert told.error in (LOST, CUT_SHORT)
    assert (told.error == LOST) == (b"\r\n\r\n" not in short)
    assert body.startswith(told.body)
    assert told.reusable == [False]


@pytest.mark.parametrize("clean", [True, False])
def test_answer_to_the_end_of_its_connection_is_whole_only_where_that_ended_cleanly(clean: bool) -> None:
    told = read([b"HTTP/1.1 200 OK\r\n\r\nabc"], closed=clean)
    assert told.body == b"abc"
    assert told.error == ("" if clean else CUT_SHORT)


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
@pytest.mark.parametrize(
    ("after", "error"),
    [(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ""), (b"more than was announced", NOT_HTTP)],
)
def test_what_follows_in_the_same_breath_is_no_part_of_it_and_costs_the_connection(
    framing: str, after: bytes, error: str
) -> None:
    told = read([b"HTTP/1.1 200 OK\r\n" + framed(b"abc", framing) + after])
    assert (told.body, told.error, told.reusable) == (b"abc", error, [False])


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize(
    "endless",
    [b"X-Long: " + b"a" * 1_000, b"X-Many: 1\r\n" * 90, EARLY * 20],
    ids=["a line", "lines", "answers that bid us wait"],
)
@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"]
)
def test_lines_without_end_are_cut_off(endless: bytes, before: bytes) -> None:
    start = b"" if endless == EARLY * 20 else b"HTTP/1.1 200 OK\r\n" + before
    told = read([start, *[endless] * 100], closed=True)
    assert told.error == NOT_HTTP
    assert told.reusable == [False]


def test_one_that_changes_the_protocol_is_refused() -> None:
    told = read([b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"])
    assert told.error == NOT_HTTP


def test_no_more_is_read_ahead_than_its_bound() -> None:
    told = Told()

    async def work() -> None:
        answer = Incoming(Flow(told), told.reusable.append)
        answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
        while not told.held_off:
            answer.feed(bytes(100_000))
            told.body += bytes(100_000)
        answer.close()

    asyncio.run(work())
    assert 1_000_000 < len(told.body) < 1_300_000
