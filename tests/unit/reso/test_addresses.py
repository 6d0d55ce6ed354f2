"""No URL, name, redirect or DNS answer leads to an address that is not public."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.reso.addresses import AddressGuard, AddressRefusedError, GuardedResolver, is_public, origin, same_origin
from tests.unit.reso.raw_server import JPEG, serving, whole
from tests.unit.reso.test_transport import wire_to
from tests.unit.reso.transport_fakes import TOKEN, Resolver, Wire

SPELLINGS = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1
0x7F.0x0.0x0.0x1 0177.0.0.1 017700000001 0 0.0.0.0 127.0.0.1.
localhost localhost. LOCALHOST a.localhost [::1] [::]
[::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [0:0:0:0:0:ffff:7f00:1] [64:ff9b::7f00:1] [64:ff9b::169.254.169.254]
[64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [fd00:ec2::254] [fe80::1]
[fec0::1] [ff02::1] 169.254.169.254 169.254.170.2 0xa9fea9fe 2852039166
0251.0376.0251.0376 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 100.100.100.200
192.0.0.192 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255
"""


@pytest.mark.promise("hostile addresses")
@pytest.mark.parametrize("host", SPELLINGS.split())
async def test_spelling_of_a_private_address_is_refused_before_any_connection(host: str) -> None:
    async def no_lookup(name: str, port: int) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    wire = Wire(lookup=no_lookup)
    with pytest.raises(PhotoError, match=r"(?i)nothing was") as caught:
        await wire.http.photo(f"http://{host}:8080/a.jpg")
    assert not caught.value.retryable
    await wire.http.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://mls.example/a",
        "file:///etc/passwd",
        "//mls.example/a",
        "/a.jpg",
        "",
        "http://",
        "http://[::1",
        "javascript:1",
        "http://①②⑦.⓪.⓪.①/",
        "http://mls.example@127.0.0.1/",
        "http://user:pw@[::ffff:127.0.0.1]/",
    ],
)
async def test_url_of_another_kind_is_refused_as_a_sentence(url: str) -> None:
    wire = Wire()
    with pytest.raises(PhotoError, match=r"\.$"):
        await wire.http.photo(url)


@pytest.mark.promise("hostile addresses")
@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.5"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
        ["2001:4860:4860::8888", "::1"],
    ],
)
async def test_name_with_one_private_answer_is_refused(found: list[str]) -> None:
    async def lookup(name: str, port: int) -> list[str]:
        return found

    wire = Wire(lookup=lookup)
    with pytest.raises(PhotoError, match=r"10-0-0-5\.nip\.example leads to .* not a public address"):
        await wire.http.photo("http://10-0-0-5.nip.example/a.jpg")
    await wire.http.close()
    wire = Wire(lookup=lookup, preset_changes={"base_url": "http://10-0-0-5.nip.example"})
    with pytest.raises(MLSError, match="not a public address") as caught:
        await wire.http.get_json("http://10-0-0-5.nip.example/Property")
    assert not caught.value.retryable
    assert TOKEN not in str(caught.value)
    await wire.http.close()


async def test_typed_base_url_on_this_machine_needs_the_setting() -> None:
    wire = Wire(preset_changes={"base_url": "http://127.0.0.1:9"})
    with pytest.raises(AddressRefusedError, match="MLS_TUI_ALLOW_PRIVATE_HOSTS=1"):
        await wire.http.get_json("http://127.0.0.1:9/Property")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_address_passes(address: str) -> None:
    assert is_public(address)


def test_setting_lifts_the_address_check_only() -> None:
    guard = AddressGuard(allow_private=True)
    assert guard.target("http://127.0.0.1/a", "photo").host == "127.0.0.1"
    guard.resolved("x", ["10.0.0.1"])
    with pytest.raises(AddressRefusedError):
        guard.target("file:///etc/passwd", "photo")


@pytest.mark.parametrize(
    "url", ["https://xn--ls8h.la/1.jpg", "https://xn--bcher-kva.example/", "https://faß.de/", "https://💩.la/1.jpg"]
)
def test_international_names_and_emoji_are_urls(url: str) -> None:
    target = AddressGuard().target(url, "photo")
    ascii_names = {"https://faß.de/": "xn--fa-hia.de", "https://💩.la/1.jpg": "xn--ls8h.la"}
    assert target.host == ascii_names.get(url, URL(url).raw_host)


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://mls.example/a", "https://mls.example:443/b?c", True),
        ("https://MLS.example./a", "https://mls.example/", True),
        ("http://mls.example/", "https://mls.example/", False),
        ("https://mls.example:444/", "https://mls.example/", False),
        ("https://mls.example@evil.example/", "https://mls.example/", False),
        ("https://mls.example.evil.example/", "https://mls.example/", False),
        ("https://[/", "https://[/", False),
        ("", "", False),
    ],
)
def test_same_origin_is_scheme_host_and_port(url: str, other: str, same: bool) -> None:
    assert same_origin(url, other) is same_origin(other, url) is same


# ---- URLs that parsers read differently

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
@settings(max_examples=300)
def test_host_and_port_that_are_checked_are_those_that_are_connected_to(scheme: str, parts: list[str]) -> None:
    try:
        target = AddressGuard(allow_private=True).target(scheme + "".join(parts), "photo")
    except AddressRefusedError:
        return
    sent = URL(target.text, encoded=True)
    assert sent.raw_host is not None
    assert (sent.scheme, sent.raw_host.rstrip("."), sent.port) == target.origin == origin(target.text)
    assert sent.raw_host == target.host
    assert sent.user is sent.password is None
    assert sent.raw_path_qs.isascii()
    assert sent.raw_path_qs.isprintable()
    assert " " not in sent.raw_path_qs


@given(
    st.sampled_from(["http", "https", "HTTPS", "ftp"]),
    st.sampled_from(
        ["cdn.example", "CDN.example", "cdn.example.", "xn--bcher-kva.example", "u:p@cdn.example", "8.8.8.8"]
    ),
    st.sampled_from(["", ":80", ":443", ":8443", ":08443", ":99999"]),
    st.text(alphabet="aZ0-._~!$&'()*+,;=:@%2Ff /?#[]|\\é\u200b\x00", max_size=24),
)
@example("https", "cdn.example", "", "a/../b?x=%7e")
@example("https", "cdn.example", "", "a/.b/./c?x='")
@example("https", "cdn.example", ":443", "")
def test_an_address_is_sent_as_httpx_writes_it(scheme: str, host: str, port: str, rest: str) -> None:
    text = f"{scheme}://{host}{port}/{rest}"
    try:
        target = AddressGuard().target(text, "photo")
    except AddressRefusedError:
        return
    parsed = httpx.URL(text)
    parsed = parsed.copy_with(userinfo=b"") if parsed.userinfo else parsed
    assert (target.text, target.host) == (str(parsed), parsed.host if parsed.host.isascii() else target.host)


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


# ---- Names


@pytest.mark.promise("hostile addresses")
async def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to() -> None:
    asked: list[str] = []

    async def reply(number: int, head: str, writer: asyncio.StreamWriter) -> None:
        whole(writer, JPEG)

    async def rebinding(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    async with serving(reply) as server:
        wire = Wire(allow_private_hosts=True, lookup=rebinding)
        for number in range(3):
            await wire.http.photo(f"http://cdn.test:{server.port}/{number}.jpg")
        await wire.http.close()
    assert asked == ["cdn.test"]


async def test_a_name_that_could_not_be_resolved_or_was_refused_is_asked_for_again() -> None:
    answers: list[list[str] | OSError] = [OSError("no such name"), ["93.184.216.34", "10.0.0.1"], ["93.184.216.34"]]

    async def lookup(name: str, port: int) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    resolver = GuardedResolver(AddressGuard(), seconds=10, inner=Resolver(lookup))
    with pytest.raises(OSError, match="no such name"):
        await resolver.resolve("cdn.test", 443)
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        await resolver.resolve("cdn.test", 443)
    assert [each["host"] for each in await resolver.resolve("cdn.test", 443)] == ["93.184.216.34"]


async def test_a_resolver_that_does_not_answer_is_given_up() -> None:
    async def silent(name: str, port: int) -> list[str]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    resolver = GuardedResolver(AddressGuard(), seconds=0.01, inner=Resolver(silent))
    with pytest.raises(TimeoutError):
        await resolver.resolve("cdn.test", 443)


async def test_a_proxy_that_was_set_may_be_private_and_nothing_else() -> None:
    async def lookup(name: str, port: int) -> list[str]:
        return ["10.0.0.1"]

    resolver = GuardedResolver(AddressGuard(), seconds=10, exempt=["proxy.corp"], inner=Resolver(lookup))
    assert [each["host"] for each in await resolver.resolve("proxy.corp", 3128)] == ["10.0.0.1"]
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("cdn.test", 443)


async def test_a_feed_cannot_reach_the_proxy_itself_where_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def lookup(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["10.0.0.1"]

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    wire = Wire(proxy="env", lookup=lookup)
    with pytest.raises(PhotoError, match=r"proxy\.corp leads to the proxy of this network"):
        await wire.http.photo("http://proxy.corp:8080/admin")
    assert asked == []
    await wire.http.close()
