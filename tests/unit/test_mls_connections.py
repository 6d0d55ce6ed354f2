"""Over real sockets: which addresses are connected to, under which certificate, and how many at once."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mls_tui.reso.net import connections
from mls_tui.reso.net.connections import Connections
from mls_tui.reso.net.netguard import NetGuard
from mls_tui.reso.net.unanswered import LOST, NO_TLS, NOT_CONNECTED, NOT_RESOLVED, UnansweredError
from tests.certificates import certified
from tests.unit.test_mls_transport import RawServer, serving, whole

GET = b"GET / HTTP/1.1\r\n\r\n"


async def hello(number: int, head: str, writer: asyncio.StreamWriter) -> None:
    whole(writer, b"hello")


@contextlib.asynccontextmanager
async def opened(*addresses: str, limit: int = 4, read: float = 60.0) -> AsyncIterator[Connections]:
    async def lookup(name: str, port: int) -> list[str]:
        if not addresses:
            raise OSError
        return list(addresses)

    made = Connections(NetGuard(True), limit=limit, connect=10.0, read=read, lookup=lookup)
    try:
        yield made
    finally:
        await made.aclose()


async def body(made: Connections, port: int, scheme: str = "http", host: str = "mls.test") -> bytes:
    answer = await made.ask((scheme, host, port), GET)
    try:
        return b"".join([chunk async for chunk in answer])
    finally:
        answer.close()


@contextlib.asynccontextmanager
async def tls(folder: Path, name: str) -> AsyncIterator[int]:
    """A server with a certificate for ``name``; its port. ``SSL_CERT_FILE`` may name ``folder/ca.pem``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified(folder, name))
    server = RawServer(hello)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.fixture
def _certificates_read_anew() -> Iterator[None]:
    connections._tls.cache_clear()
    yield
    connections._tls.cache_clear()


@pytest.mark.usefixtures("_certificates_read_anew")
@pytest.mark.parametrize(
    ("name", "asked"),
    [("mls.test", "mls.test"), ("mls.test", "mls.test."), ("127.0.0.1", "127.0.0.1")],
)
async def test_certificate_of_the_host_that_was_asked_for_is_taken(
    name: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with tls(tmp_path, name) as port, opened("127.0.0.1") as made:
        for _ in range(2):
            assert await body(made, port, "https", asked) == b"hello"


@pytest.mark.usefixtures("_certificates_read_anew")
def test_uvloop_which_commands_run_on_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uvloop = pytest.importorskip("uvloop")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def work() -> list[bytes]:
        async with tls(tmp_path, "mls.test") as port, serving(hello) as server, opened("127.0.0.1") as made:
            with pytest.raises(UnansweredError, match=NO_TLS):
                await body(made, port, "https", "other.test")
            return [await body(made, port, "https"), await body(made, server.port), await body(made, port, "https")]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(work()) == [b"hello"] * 3


@pytest.mark.usefixtures("_certificates_read_anew")
@pytest.mark.parametrize(("trusted", "name"), [(False, "mls.test"), (True, "other.test")])
async def test_certificate_of_another_host_or_maker_is_a_sentence(
    trusted: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls(tmp_path, name) as port, opened("127.0.0.1") as made:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with pytest.raises(UnansweredError, match=NO_TLS):
            await body(made, port, "https")


async def test_server_that_speaks_no_tls_is_a_sentence() -> None:
    async def plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(plainly, "127.0.0.1", 0)
    async with opened("127.0.0.1") as made:
        with pytest.raises(UnansweredError, match=f"{NO_TLS}|{NOT_CONNECTED}"):
            await body(made, listening.sockets[0].getsockname()[1], "https")
    listening.close()


async def test_address_that_does_not_answer_leaves_it_to_the_next() -> None:
    async with serving(hello) as server, opened("127.0.0.2", "127.0.0.1") as made:
        assert await body(made, server.port) == b"hello"


async def test_name_without_address_and_address_without_server_are_sentences() -> None:
    async with serving(hello) as server:
        gone = server.port
    async with opened("127.0.0.1") as made:
        with pytest.raises(UnansweredError, match=NOT_CONNECTED):
            await body(made, gone)
    async with opened() as made:
        with pytest.raises(UnansweredError, match=NOT_RESOLVED):
            await body(made, gone)


async def test_no_more_than_the_limit_are_asked_at_once_and_failures_give_their_turn_back() -> None:
    at_once, most = 0, 0

    async def slowly(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(20):
            await asyncio.sleep(0)
        at_once -= 1
        if number % 3 == 0:
            writer.transport.abort()
        else:
            whole(writer, b"hello")

    async with serving(slowly) as server, opened("127.0.0.1", limit=3) as made:
        told = await asyncio.gather(*(body(made, server.port) for _ in range(30)), return_exceptions=True)
    assert most == 3
    assert told.count(b"hello") == 20
    assert sum(isinstance(each, UnansweredError) for each in told) == 10


async def test_connection_is_used_again_while_its_server_keeps_it() -> None:
    async def closing_the_second(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, b"hello", "Connection: close\r\n" if number == 2 else "")

    async with serving(closing_the_second) as server, opened("127.0.0.1") as made:
        for _ in range(4):
            assert await body(made, server.port) == b"hello"
    assert (len(server.heads), server.connections) == (4, 2)


async def test_closing_ends_what_is_still_awaited() -> None:
    asked = asyncio.Event()

    async def silent(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        asked.set()

    async with serving(silent) as server, opened("127.0.0.1") as made:
        waiting = asyncio.create_task(body(made, server.port))
        await asked.wait()
        await made.aclose()
        with pytest.raises(UnansweredError, match=LOST):
            await waiting
