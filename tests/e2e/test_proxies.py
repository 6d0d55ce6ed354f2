"""Imports through a proxy: used only if it is set, never for names of its own, and its password is a secret."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.run import RunState
from tests.certificates import certified
from tests.clocks import SwiftClock
from tests.e2e.hostile_mls import HostileMLS, good_jpeg, hostile_mls, whole
from tests.e2e.house import House

PASSWORD = "canary-proxy-password"
SIGNED_IN = f"Proxy-Authorization: Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}"


class Proxy:
    """Speaks CONNECT and plain HTTP, and leads every name to ``port``; ``heads`` are the requests it was sent."""

    def __init__(self, port: int = 0, *, password: bool = False) -> None:
        self.port = port
        self.password = password
        self.heads: list[str] = []
        self.origin = ""

    @property
    def asked(self) -> set[str]:
        return {head.split("\r\n")[0] for head in self.heads}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.password and SIGNED_IN not in head:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            else:
                upstream, out = await asyncio.open_connection("127.0.0.1", self.port)
                if head.startswith("CONNECT "):
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    out.write(head.replace("http://mls.test", "", 1).encode())
                await asyncio.gather(_pour(reader, out), _pour(upstream, writer))
                out.close()
        writer.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()


@asynccontextmanager
async def secure(mls: HostileMLS, folder: Path, name: str = "mls.test") -> AsyncIterator[int]:
    """The MLS as https://``name``, which only the proxy knows, certified by ``folder/ca.pem``; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified(folder, name))
    server = await asyncio.start_server(mls.serve, "127.0.0.1", 0, ssl=context)
    mls.origin = f"https://{name}"
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def visiting(mls: HostileMLS, home: Path, environ: dict[str, str], **form: object) -> AsyncIterator[House]:
    clock = SwiftClock()
    async with Workspace(load_settings(environ=environ, home=str(home)), clock=clock) as ws:
        fields = actions.ConnectionForm(
            name="H",
            provider="reso",
            base_url=mls.base_url,
            access_token="canary-token",
            **form,  # type: ignore[arg-type]
        )
        made = await actions.connect_mls(fields, ws)
        assert made.data is not None, made.error
        yield House(None, ws, clock, made.data.connection.connection_id)  # type: ignore[arg-type]


def with_password(origin: str) -> str:
    return origin.replace("://", f"://me:{PASSWORD}@")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("way", ["setting", "environment", "connection"])
async def test_an_import_goes_through_a_connect_proxy(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with secure(mls, tmp_path) as port, running(Proxy(port, password=way != "connection")) as proxy:
        environ = {"MLS_TUI_CA_BUNDLE": str(tmp_path / "ca.pem")}
        form: dict[str, object] = {}
        if way == "setting":
            environ["MLS_TUI_PROXY"] = with_password(proxy.origin)
        elif way == "environment":
            environ["MLS_TUI_PROXY"] = "env"
            monkeypatch.setenv("HTTPS_PROXY", with_password(proxy.origin))
        else:
            form["overrides"] = {"proxy": proxy.origin}
        async with visiting(mls, tmp_path / "home", environ, **form) as house:
            result = await house.run()
            assert result.state is RunState.DONE, result.error
            (listing,) = (await house.listings()).values()
            assert [photo.key is not None for photo in listing.photos] == [True]
            told = await actions.run_doctor(house.ws, house.connection_id)
            assert "private addresses are refused only where a URL spells them out" in str(told)
            assert PASSWORD not in str(told)
    assert proxy.asked == {"CONNECT mls.test:443 HTTP/1.1"}
    assert not [head for head in proxy.heads if "canary-token" in head]
    assert not [head for head in mls.heads if "Proxy-Authorization" in head]
    stored = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert PASSWORD.encode() not in stored


async def test_an_emoji_domain_is_imported_from(tmp_path: Path) -> None:
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with secure(mls, tmp_path, "xn--ls8h.la") as port, running(Proxy(port)) as proxy:
        environ = {"MLS_TUI_CA_BUNDLE": str(tmp_path / "ca.pem"), "MLS_TUI_PROXY": proxy.origin}
        async with visiting(mls, tmp_path / "home", environ) as house:
            result = await house.run()
            assert result.state is RunState.DONE, result.error
            assert len(await house.objects()) == 1
    assert proxy.asked == {"CONNECT xn--ls8h.la:443 HTTP/1.1"}


async def test_a_plain_http_mls_is_asked_for_through_the_proxy_too(tmp_path: Path) -> None:
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with hostile_mls(mls):
        port = int(mls.origin.rpartition(":")[2])
        mls.origin = "http://mls.test"
        async with running(Proxy(port, password=True)) as proxy:
            environ = {"MLS_TUI_PROXY": with_password(proxy.origin)}
            async with visiting(mls, tmp_path, environ) as house:
                result = await house.run()
                assert result.state is RunState.DONE, result.error
                assert len(await house.objects()) == 1
    assert proxy.asked
    assert all(line.startswith("GET http://mls.test/") for line in proxy.asked)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://10.0.0.1:8080/1.jpg", "private address"),
        ("http://localhost/1.jpg", "private address"),
        ("http://[::1]/1.jpg", "private address"),
    ],
)
async def test_literal_private_addresses_are_refused_behind_a_proxy_too(url: str, says: str, tmp_path: Path) -> None:
    mls = HostileMLS({"bad": whole(b"")})
    mls.record = lambda name: {**HostileMLS.record(mls, name), "Media": [{"MediaKey": "1", "MediaURL": url}]}  # type: ignore[method-assign]
    async with secure(mls, tmp_path) as port, running(Proxy(port)) as proxy:
        environ = {"MLS_TUI_CA_BUNDLE": str(tmp_path / "ca.pem"), "MLS_TUI_PROXY": proxy.origin}
        async with visiting(mls, tmp_path / "home", environ) as house:
            result = await house.run()
            assert result.counts.photos_failed == 1
            assert await house.objects() == set()
    assert proxy.asked == {"CONNECT mls.test:443 HTTP/1.1"}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("http://127.0.0.1:1", "the proxy cannot be reached"),
        ("refusing", "the proxy refused its user name or password (407)"),
    ],
)
async def test_a_proxy_that_does_not_work_is_a_sentence(setting: str, says: str, tmp_path: Path) -> None:
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with secure(mls, tmp_path) as port, running(Proxy(port, password=True)) as proxy:
        environ = {
            "MLS_TUI_PROXY": proxy.origin.replace("://", "://me:wrong-canary@") if setting == "refusing" else setting
        }
        async with visiting(mls, tmp_path / "home", environ) as house:
            result = await house.run()
            assert (result.state, result.exit_code) == (RunState.FAILED, 4)
            assert f"mls.test: {says}." in (result.error or "")
            assert "canary" not in (result.error or "")


async def test_a_proxy_of_the_environment_that_is_not_used_is_named_when_no_connection_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mls = HostileMLS({"good": whole(good_jpeg())})
    mls.origin = "https://name-of-no-host.invalid"
    async with running(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", with_password(proxy.origin))
        async with visiting(mls, tmp_path, {}) as house:
            result = await house.run()
            assert (result.state, result.exit_code) == (RunState.FAILED, 4)
            assert "HTTPS_PROXY names a proxy that is not used" in (result.error or "")
            assert 'set MLS_TUI_PROXY=env, or proxy = "env" in config.toml' in (result.error or "")
            assert PASSWORD not in (result.error or "")
    assert proxy.heads == []


@pytest.mark.parametrize("text", ["socks5://127.0.0.1:1080", "127.0.0.1:3128", "http://", "http://me:canary@[/"])
def test_a_proxy_setting_that_cannot_be_is_refused_without_being_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="an HTTP proxy, such as") as caught:
        load_settings(environ={"MLS_TUI_PROXY": text}, home=str(tmp_path))
    assert "canary" not in str(caught.value)


async def test_a_connections_own_proxy_takes_no_password(tmp_path: Path) -> None:
    async with Workspace(load_settings(environ={}, home=str(tmp_path))) as ws:
        form = actions.ConnectionForm(
            name="H",
            provider="reso",
            base_url="https://mls.test/odata",
            access_token="canary-token",
            overrides={"proxy": "http://me:canary@proxy.example.com:3128"},
        )
        answer = await actions.connect_mls(form, ws)
    assert not answer.success
    assert "MLS_TUI_PROXY" in (answer.error or "")
