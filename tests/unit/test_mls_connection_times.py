"""How long a connection may be silent, and how long it may rest: on virtual time, over a transport in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from mls_tui.reso.net.connection import Connection
from mls_tui.reso.net.connections import Connections
from mls_tui.reso.net.names import Addresses, Names
from mls_tui.reso.net.netguard import NetGuard
from mls_tui.reso.net.unanswered import SLOW_TO_ANSWER, UnansweredError
from tests.virtual_time import virtually

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
ORIGIN = ("http", "mls.test", 80)
Script = Iterable[tuple[float, bytes]]


class Wire(asyncio.Transport):
    """Answers each request with ``script``: bytes, each so many seconds after those before it."""

    def __init__(self, protocol: Connection, script: Script) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._script = list(script)
        self._closing = self.held_off = False
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        at = self._loop.time()
        for seconds, said in self._script:
            at += seconds
            self._loop.call_at(at, self._say, said)

    def _say(self, said: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(said)

    def pause_reading(self) -> None:
        self.held_off = True

    def resume_reading(self) -> None:
        self.held_off = False

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)


class NoNames(Names):
    def __init__(self) -> None:
        super().__init__(NetGuard(True), 10.0)

    async def addresses(self, host: str, port: int) -> Addresses:
        return []


class Wired(Connections):
    """Every connection is a ``Wire``."""

    def __init__(self, script: Script) -> None:
        super().__init__(NetGuard(True), limit=4, connect=10.0, read=30.0)
        self.wires: list[Wire] = []
        self._names = NoNames()
        self._script = script

    async def _opened(self, addresses: object, tls_name: str | None) -> Connection:
        connection = Connection(30.0)
        self.wires.append(Wire(connection, self._script))
        return connection


async def body(made: Connections, wait: float = 0.0) -> bytes:
    answer = await made.ask(ORIGIN, b"GET / HTTP/1.1\r\n\r\n")
    try:
        await asyncio.sleep(wait)
        return b"".join([chunk async for chunk in answer])
    finally:
        answer.close()


def connections_taken(rests: float) -> int:
    """By two requests with so many seconds between them, and another's connection at rest before."""

    async def work() -> int:
        made = Wired([(0, HEAD + b"hello")])
        answer = await made.ask(("http", "other.test", 80), b"GET / HTTP/1.1\r\n\r\n")
        answer.close()
        del made.wires[:]
        await asyncio.sleep(1)
        for _ in range(2):
            assert await body(made) == b"hello"
            await asyncio.sleep(rests)
        await made.aclose()
        return len(made.wires)

    return virtually(work)


def test_connection_that_rested_longer_than_servers_allow_is_not_used_again() -> None:
    assert [connections_taken(rests) for rests in (0, 3.9, 4.1, 4.9, 9)] == [1, 1, 2, 2, 2]


def test_connection_that_nobody_uses_any_more_is_closed() -> None:
    async def work() -> bool:
        made = Wired([(0, HEAD + b"hello")])
        await body(made)
        await asyncio.sleep(9)
        return made.wires[0].is_closing()

    assert virtually(work)


@pytest.mark.parametrize("said", [[], [(1, HEAD)], [(29, HEAD), (29, b"hel")]], ids=["nothing", "head", "a part"])
def test_silence_is_given_up_after_its_time_and_its_connection_with_it(said: list[tuple[float, bytes]]) -> None:
    async def work() -> tuple[float, bool]:
        made = Wired(said)
        with pytest.raises(UnansweredError, match=SLOW_TO_ANSWER):
            await body(made)
        return asyncio.get_running_loop().time(), made.wires[0].is_closing()

    assert virtually(work) == (sum(seconds for seconds, _ in said) + 30, True)


def test_answer_that_keeps_coming_may_take_longer() -> None:
    async def work() -> bytes:
        return await body(Wired([(29, HEAD), *((29, bytes([each])) for each in b"hello")]))

    assert virtually(work) == b"hello"


def test_reader_that_takes_its_time_is_not_the_servers_silence() -> None:
    size = 2_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size

    async def work() -> tuple[int, bool]:
        made = Wired([(0, head + bytes(size - 5)), (150, bytes(5))])
        got = await body(made, wait=140)
        return len(got), made.wires[0].held_off

    assert virtually(work) == (size, False)


def test_silence_is_counted_anew_for_each_request() -> None:
    async def work() -> tuple[bytes, int]:
        made = Wired([(28, HEAD + b"hello")])
        told = b"".join([await body(made), await body(made), await body(made)])
        return told, len(made.wires)

    assert virtually(work) == (b"hello" * 3, 1)
