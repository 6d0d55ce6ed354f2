"""Over real connections: an answer is read alike however its server frames it and the network cuts it, every fault is
seen exactly once, the URL is sent as it was given, and what a server says unasked is the answer to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.domain.connection import SecretField
from mls_tui.domain.errors import MLSError, PhotoError, UsageError
from mls_tui.reso.addresses import AddressGuard
from mls_tui.reso.transport import (
    CUT_SHORT,
    LOST,
    NO_TLS,
    NOT_CONNECTED,
    NOT_HTTP,
    NOT_RESOLVED,
    UNSENDABLE,
    Network,
    Reply,
    Timeouts,
    UnansweredError,
    read_body,
    tls_context,
    why_unanswered,
)
from tests.certificates import certified
from tests.unit.reso.raw_server import JPEG, RawServer, serving, whole
from tests.unit.reso.transport_fakes import TOKEN, Resolver, Wire

OTHER = JPEG + b"of another house"
GUARD = AddressGuard(allow_private=True)


@contextlib.asynccontextmanager
async def opened(*addresses: str, ca_bundle: str | None = None) -> AsyncIterator[Network]:
    async def lookup(name: str, port: int) -> list[str]:
        if not addresses:
            raise OSError
        return list(addresses)

    network = Network(GUARD, Timeouts(), resolver=Resolver(lookup), ca_bundle=ca_bundle)
    try:
        yield network
    finally:
        await network.close()


async def body(network: Network, url: str) -> bytes:
    """The body at ``url``; UnansweredError with the phrase of whatever was wrong."""
    try:
        reply = await network.send("GET", GUARD.target(url, "test"), {}, read_seconds=60)
        try:
            return await read_body(reply, 10_000_000, lambda _: None)
        finally:
            if (closing := reply.close()) is not None:
                await closing
    except Exception as error:
        raise UnansweredError(str(error) if isinstance(error, MLSError) else why_unanswered(error)) from None


async def wire_to(server: RawServer, **more: object) -> Wire:
    async def lookup(name: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    base = {"base_url": f"http://mls.test:{server.port}"}
    return Wire(preset_changes=base, allow_private_hosts=True, lookup=lookup, **more)  # type: ignore[arg-type]


# ---- Framing

LENGTH, CHUNKED, TO_THE_END = "length", "chunked", "to the end"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CUTS = st.lists(st.integers(0, 3_000), max_size=6)


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(at)] or [data]


def framed(body: bytes, framing: str, cuts: Iterable[int] = ()) -> bytes:
    if framing == LENGTH:
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == TO_THE_END:
        return b"\r\n" + body
    parts = [part for part in split(body, cuts) if part]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"Transfer-Encoding: chunked\r\n\r\n%b0\r\nX-Trailer: 1\r\n\r\n" % chunks


def answered(pieces: list[bytes], *, pause: bool = False) -> tuple[bytes, str]:
    """What is read of an answer that comes in these pieces before its connection is closed: body and error."""

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            for _ in range(40 if pause else 1):  # so that the pieces arrive apart
                await asyncio.sleep(0)
        writer.close()

    async def work() -> tuple[bytes, str]:
        async with serving(reply) as server, opened("127.0.0.1") as network:
            try:
                return await body(network, f"http://mls.test:{server.port}/"), ""
            except UnansweredError as error:
                return b"", str(error)

    return asyncio.run(work())


@pytest.mark.fuzz("HTTP answers")
@given(st.binary(max_size=900), st.sampled_from([LENGTH, CHUNKED, TO_THE_END]), CUTS, CUTS, st.integers(0, 2))
@example(b"", LENGTH, [], [], 0)
@example(b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", CHUNKED, [4], list(range(40)), 1)
def test_an_answer_is_the_same_however_it_is_framed_and_cut(
    content: bytes, framing: str, chunks: list[int], cuts: list[int], early: int
) -> None:
    head = EARLY * early + b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
    assert answered(split(head + framed(content, framing, chunks), cuts)) == (content, "")


@pytest.mark.fuzz("HTTP answers")
@pytest.mark.promise("hostile bodies")
@given(st.binary(min_size=1, max_size=300), st.sampled_from([LENGTH, CHUNKED]), CUTS, st.integers(1, 10_000))
def test_an_answer_that_is_cut_off_is_never_whole(content: bytes, framing: str, cuts: list[int], missing: int) -> None:
    message = b"HTTP/1.1 200 OK\r\n" + framed(content, framing, cuts)
    short = message[: -(1 + missing % (len(message) - 1))]
    _, error = answered(split(short, cuts))
    assert error in (LOST, CUT_SHORT, NOT_HTTP) or "announced" in error


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length : 500\r\n\r\n" + JPEG,
        b"CONTENT-LENGTH\t: 500\r\n\r\n" + JPEG,
        b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n" + JPEG,
        b"Transfer-Encoding : chunked\r\n\r\n1f4\r\n" + JPEG,
        b"Transfer-Encoding: chunked\r\n\r\ncc\r\n" + JPEG + b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\ncc\r\n" + JPEG + b"\r\n0\r\n",
    ],
    ids=["space before the colon", "tab before the colon", "in a chunk", "spaced", "between chunks", "before the end"],
)
async def test_a_photo_with_too_few_bytes_is_never_stored_as_whole(sent: bytes) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n" + sent)
        await writer.drain()
        writer.close()

    async with serving(reply) as server:
        wire = await wire_to(server)
        with pytest.raises(PhotoError) as caught:
            await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        await wire.http.close()
    assert caught.value.retryable
    assert len(server.heads) == 1


async def test_a_space_before_the_colon_does_not_cost_a_whole_answer() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length : {len(JPEG)}\r\n\r\n".encode() + JPEG)

    async with serving(reply) as server:
        wire = await wire_to(server)
        assert (await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")).body == JPEG
        await wire.http.close()


def test_a_chunk_that_is_not_http_ends_the_answer_at_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    assert answered([head, b"zz\r\nabc"], pause=True) == (b"", NOT_HTTP)


def test_more_bytes_than_were_announced_make_an_answer_invalid() -> None:
    assert answered([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", b"cdef"], pause=True) == (b"", NOT_HTTP)


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize(
    "endless",
    [b"X-Long: " + b"a" * 1_000, b"X-Many: 1\r\n" * 90],
    ids=["a line", "lines"],
)
@pytest.mark.parametrize("where", ["head", "trailer"])
def test_header_lines_without_end_are_cut_off(endless: bytes, where: str) -> None:
    start = b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n0\r\n" if where == "trailer" else b"")
    _, error = answered([start, *[endless] * 100])
    assert error in (NOT_HTTP, CUT_SHORT)


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"SSH-2.0-x\r\n\r\n"]
)
def test_another_protocol_is_refused(said: bytes) -> None:
    assert answered([said]) in ((b"", NOT_HTTP), (b"", LOST))


PAGE = b'{"value": [{"ListingKey": "1"}]}'
OK = b"HTTP/1.1 200 OK\r\n"
GOOD = (
    OK + framed(PAGE, LENGTH),
    OK + framed(PAGE, CHUNKED, [16]),
    OK + b"Content-Encoding: gzip\r\nConnection: close\r\n" + framed(gzip.compress(PAGE, mtime=0), TO_THE_END),
    b"HTTP/1.1 302 Found\r\nLocation: /Property?a=1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
)
BYTES = st.binary(max_size=6) | st.sampled_from([b"\r\n", b": ", b"\0", b"\xff", b"99999999999999999999", b"-1", b"0"])


@pytest.mark.fuzz("HTTP answers")
@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), BYTES), max_size=4),
    CUTS,
)
def test_whatever_bytes_a_server_sends_end_as_an_answer_or_a_sentence(
    good: bytes, changes: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    said = good
    for at, length, new in changes:
        at %= len(said) + 1
        said = said[:at] + new + said[at + length :]

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        for piece in split(said, cuts):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    async def work() -> None:
        async with serving(reply) as server:
            wire = await wire_to(server, timeouts=Timeouts(page=5, photo=5))
            with contextlib.suppress(MLSError):
                await wire.http.get_json(f"http://mls.test:{server.port}/Property")
            with contextlib.suppress(PhotoError):
                await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
            await wire.http.close()
            assert not [each for each in wire.failures if "took too long" in each.cause]

    asyncio.run(work())


# ---- Packed bodies


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"value": [{"Listing') + gzip.compress(b'Key": "1"}]}')),
        ("gzip", gzip.compress(b"") + gzip.compress(b'{"value": [{"ListingKey": "1"}]}') + bytes(300)),
        ("x-gzip", gzip.compress(b'{"value": [{"Listing') + bytes(9) + gzip.compress(b'Key": "1"}]}')),
        ("deflate", zlib.compress(b'{"value": [{"ListingKey": "1"}]}')),
        ("deflate", zlib.compress(b'{"value": [{"ListingKey": "1"}]}', wbits=-15)),
    ],
    ids=["two members", "padded", "padded between", "zlib", "bare deflate"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_every_member_of_a_packed_body_is_read(encoding: str, packed: bytes, size: int) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for at in range(0, len(packed), size):
            piece = packed[at : at + size]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with serving(reply) as server:
        wire = await wire_to(server)
        answer = await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert answer.body["value"] == [{"ListingKey": "1"}]


# ---- Each failure once


@pytest.mark.feed(0, "keep-alive reset")
async def test_a_reset_of_a_reused_connection_is_one_failed_attempt_and_not_silently_repeated() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number in (2, 4):
            writer.transport.abort()
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
async def test_a_photo_that_breaks_off_is_asked_for_once_and_fails_once(sent: bytes) -> None:
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
@pytest.mark.parametrize("timeouts", [Timeouts(page=0.05), Timeouts(read=0.05)], ids=["in all", "of silence"])
async def test_a_silent_server_is_given_up_after_the_time_limit(timeouts: Timeouts) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        return

    async with serving(reply) as server:
        wire = await wire_to(server, timeouts=timeouts)
        with pytest.raises(MLSError, match="took too long"):
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert len(server.heads) == 3


async def test_the_servers_silence_is_a_setting_of_the_connection() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        return

    async with serving(reply) as server:
        wire = Wire(
            preset_changes={"base_url": f"http://127.0.0.1:{server.port}", "read_timeout_seconds": 0.05},
            allow_private_hosts=True,
        )
        with pytest.raises(MLSError, match="took too long"):
            await wire.http.get_json(f"http://127.0.0.1:{server.port}/Property")
        await wire.http.close()
    assert len(server.heads) == 3


# ---- What is sent


async def test_a_signed_url_its_host_and_identity_are_sent_untouched_without_the_token() -> None:
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


async def test_a_token_with_a_line_break_is_a_sentence_without_it_and_no_header_of_its_own() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, b'{"value": []}')

    async with serving(reply) as server:
        wire = await wire_to(server, secrets={SecretField.ACCESS_TOKEN: "canary\r\nX-Evil: 1"})
        with pytest.raises(MLSError, match=UNSENDABLE) as caught:
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert server.heads == []
    assert "canary" not in str(caught.value)


# ---- Connections that are used again


async def test_a_connection_is_used_again_while_its_server_keeps_it() -> None:
    async def closing_the_second(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, b"hello", "Connection: close\r\n" if number == 2 else "")

    async with serving(closing_the_second) as server, opened("127.0.0.1") as network:
        for _ in range(4):
            assert await body(network, f"http://mls.test:{server.port}/") == b"hello"
    assert (len(server.heads), server.connections) == (4, 2)


async def test_a_reset_of_an_idle_connection_is_not_logged() -> None:
    begun, logged = asyncio.Event(), []
    writers: list[asyncio.StreamWriter] = []

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        await writer.drain()
        await begun.wait()
        writer.write(b"hello")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context["message"]))
    async with serving(reply) as server, opened("127.0.0.1") as network:
        target = GUARD.target(f"http://mls.test:{server.port}/", "test")
        answer = await network.send("GET", target, {}, read_seconds=60)
        begun.set()
        assert await read_body(answer, 100, lambda _: None) == b"hello"
        answer.close()
        writers[0].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writers[0].transport.abort()
        del answer
        for _ in range(3):  # the pool drops the connection
            with contextlib.suppress(UnansweredError):
                await body(network, f"http://mls.test:{server.port}/")
        gc.collect()
    assert [each for each in logged if "never retrieved" in each] == []


@pytest.mark.promise("hostile bodies")
async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_photo() -> None:
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
async def test_a_second_answer_in_the_same_packet_is_dropped_with_its_connection(head: str) -> None:
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
async def test_an_answer_whose_length_is_in_doubt_is_no_photo_and_spoils_none(said: bytes) -> None:
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
async def test_the_connection_of_a_photo_that_was_given_up_halfway_is_not_used_again() -> None:
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


# ---- Addresses and certificates


async def hello(number: int, head: str, writer: asyncio.StreamWriter) -> None:
    whole(writer, b"hello")


@contextlib.asynccontextmanager
async def tls(folder: Path, name: str) -> AsyncIterator[int]:
    """A server with a certificate for ``name``; its port. ``folder/ca.pem`` is who made it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified(folder, name))
    server = RawServer(hello)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.mark.parametrize("setting", ["SSL_CERT_FILE", "MLS_TUI_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("name", "asked"),
    [("mls.test", "mls.test"), ("mls.test", "mls.test."), ("127.0.0.1", "127.0.0.1")],
)
async def test_the_certificate_of_the_host_that_was_asked_for_is_taken(
    setting: str, name: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_bundle = str(tmp_path / "ca.pem")
    if setting == "SSL_CERT_FILE":
        monkeypatch.setenv(setting, ca_bundle)
    async with (
        tls(tmp_path, name) as port,
        opened("127.0.0.1", ca_bundle=ca_bundle if setting == "MLS_TUI_CA_BUNDLE" else None) as network,
    ):
        for _ in range(2):
            assert await body(network, f"https://{asked}:{port}/") == b"hello"


def test_uvloop_which_commands_run_on_does_the_same(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def work() -> list[bytes]:
        async with (
            tls(tmp_path, "mls.test") as port,
            serving(hello) as server,
            opened("127.0.0.1", ca_bundle=str(tmp_path / "ca.pem")) as network,
        ):
            with pytest.raises(UnansweredError, match=NO_TLS):
                await body(network, f"https://other.test:{port}/")
            urls = [f"https://mls.test:{port}/", f"http://mls.test:{server.port}/", f"https://mls.test:{port}/"]
            return [await body(network, url) for url in urls]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(work()) == [b"hello"] * 3


@pytest.mark.parametrize(("trusted", "asked"), [(False, "mls.test"), (True, "other.test")])
async def test_a_certificate_of_another_host_or_authority_is_a_sentence(
    trusted: bool, asked: str, tmp_path: Path
) -> None:
    async with (
        tls(tmp_path, "mls.test") as port,
        opened("127.0.0.1", ca_bundle=str(tmp_path / "ca.pem") if trusted else None) as network,
    ):
        with pytest.raises(UnansweredError, match=NO_TLS) as caught:
            await body(network, f"https://{asked}:{port}/")
    assert ("MLS_TUI_CA_BUNDLE" in str(caught.value)) is not trusted


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "no certificate"])
def test_a_ca_bundle_that_cannot_be_used_is_named(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"MLS_TUI_CA_BUNDLE names '.*ca\.pem', which"):
        tls_context(str(file))


async def test_a_server_that_speaks_no_tls_is_a_sentence() -> None:
    async def plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(plainly, "127.0.0.1", 0)
    async with opened("127.0.0.1") as network:
        with pytest.raises(UnansweredError, match=f"{NO_TLS}|{NOT_CONNECTED}|{LOST}"):
            await body(network, f"https://mls.test:{listening.sockets[0].getsockname()[1]}/")
    listening.close()


async def test_an_address_that_does_not_answer_leaves_it_to_the_next() -> None:
    async with serving(hello) as server, opened("127.0.0.2", "127.0.0.1") as network:
        assert await body(network, f"http://mls.test:{server.port}/") == b"hello"


async def test_a_name_without_address_and_an_address_without_server_are_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(hello) as server:
        gone = f"http://mls.test:{server.port}/"
    async with opened("127.0.0.1") as network:
        with pytest.raises(UnansweredError, match=NOT_CONNECTED):
            await body(network, gone)
    async with opened() as network:
        with pytest.raises(UnansweredError, match=NOT_RESOLVED):
            await body(network, gone)


async def test_closing_ends_what_is_still_awaited() -> None:
    asked = asyncio.Event()

    async def silent(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        asked.set()

    async with serving(silent) as server, opened("127.0.0.1") as network:
        waiting = asyncio.create_task(body(network, f"http://mls.test:{server.port}/"))
        await asked.wait()
        await network.close()
        with pytest.raises(UnansweredError, match=LOST):
            await waiting
        with pytest.raises(UnansweredError, match=LOST):
            await body(network, f"http://mls.test:{server.port}/")


def test_a_reply_shows_no_header_in_a_traceback() -> None:
    assert "canary" not in repr(Reply(200, {"location": "canary"}, None, lambda: None))  # type: ignore[arg-type]
