"""Addresses that one parser reads and another refuses: each ends as a sentence, and nothing is sent on a guess."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mls_tui.domain.connection import SecretField
from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.reso.net.netguard import AddressRefusedError, NetGuard
from mls_tui.reso.net.transport import placed
from tests.unit.mls_transport_fakes import Wire
from tests.unit.test_mls_transport import JPEG, serving, whole, wire_to

ODD = (
    "http://xn--/1.jpg",
    "http://xn--a.cdn.test/1.jpg",
    "http://a..b/1.jpg",
    "http://.cdn.test/1.jpg",
    f"http://{'a' * 64}.test/1.jpg",
    f"http://{'a.' * 127}test/1.jpg",
    "https://cdn.test\\/1.jpg",
    "http://cdn%2etest/1.jpg",
    "http://cdn test/1.jpg",
    "http://*/1.jpg",
    "http://cdn.test:0/1.jpg",
    "http://cdn.test:99999/1.jpg",
)
_PARTS = [
    "a",
    "b.c",
    "mls.example",
    "..",
    ":",
    "@",
    "/",
    "\\",
    "?",
    "#",
    "%2e",
    "%00",
    "[",
    "]",
    "::1",
    "1",
    "。",
    "０",
]
_PARTS += [
    "é",
    " ",
    "\t",
    "\r\n",
    "443",
    "80",
    "99999",
    "xn--",
    "_",
    "-",
    "&",
    "*",
    "＠",
    "／",
    "\x7f",
    "\u200b",
    "u:p@",
]


async def unasked(name: str, port: int) -> list[str]:
    raise AssertionError(f"{name} was looked up")


@pytest.mark.parametrize("url", ODD)
async def test_address_that_no_host_can_have_is_refused_as_a_sentence(url: str) -> None:
    wire = Wire(lookup=unasked)
    with pytest.raises(PhotoError, match=r"not a URL\. Nothing was requested\.$") as caught:
        await wire.http.photo(url)
    assert not caught.value.retryable
    await wire.http.close()


@given(st.sampled_from(["http://", "https://", "HTTPS://", "//"]), st.lists(st.sampled_from(_PARTS), max_size=7))
@example("https://", ["mls.example", "\\", "@", "a"])
@example("http://", ["mls.example", ":", "０"])
@settings(max_examples=400)
def test_host_and_port_that_are_checked_are_those_that_are_connected_to(scheme: str, parts: list[str]) -> None:
    try:
        target = NetGuard(allow_private=True).target(scheme + "".join(parts), "photo")
    except AddressRefusedError:
        return
    sent, checked = placed(target.text), httpx.URL(target.text)
    assert sent.origin == (target.origin[0], checked.raw_host.decode(), target.origin[2])
    assert sent.authority == checked.netloc.decode()
    assert sent.path == checked.raw_path.decode()
    assert sent.path.isascii()
    assert sent.path.isprintable()
    assert " " not in sent.path


@pytest.mark.parametrize("place", ["http://[::x/", "http://xn--/", "//a\\b/1.jpg"])
async def test_redirect_to_no_address_fails_the_photo_alone(place: str) -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    async with serving(reply) as server:
        wire = await wire_to(server)
        with pytest.raises(PhotoError, match=r"not a URL\."):
            await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        with pytest.raises(MLSError, match=r"not a URL\."):
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert len(server.heads) == 2


async def test_redirect_in_raw_utf_8_leads_where_it_says() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            writer.write("HTTP/1.1 302 Found\r\nLocation: /größe.jpg\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            whole(writer, JPEG)

    async with serving(reply) as server:
        wire = await wire_to(server)
        await wire.http.photo(f"http://cdn.test:{server.port}/1.jpg")
        await wire.http.close()
    assert server.heads[1].startswith("GET /gr%C3%B6%C3%9Fe.jpg HTTP/1.1\r\n")


async def test_token_with_a_line_break_is_a_sentence_without_it_and_no_header_of_its_own() -> None:
    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, b'{"value": []}')

    async with serving(reply) as server:
        wire = await wire_to(server, secrets={SecretField.ACCESS_TOKEN: "canary\r\nX-Evil: 1"})
        with pytest.raises(MLSError, match="cannot be sent") as caught:
            await wire.http.get_json(f"http://mls.test:{server.port}/Property")
        await wire.http.close()
    assert server.heads == []
    assert "canary" not in str(caught.value)
