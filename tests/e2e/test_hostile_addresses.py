"""Addresses that attack, through a whole import without the setting that allows private ones: a feed cannot switch it
on, and neither a photo, a redirect nor a next link leads to a private address or takes the token to another host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.events import PhotoFailed
from mls_tui.domain.run import RunState
from mls_tui.reso import addresses
from tests.clocks import SwiftClock
from tests.e2e.hostile_mls import HostileMLS, good_jpeg, hostile_mls, moved, whole
from tests.e2e.house import House

TOKEN = "canary-token-of-the-mls-4f7e"
PRIVATE = (
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:4136:e378:8000:63bf:5601:5601]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[::1]",
    "100.64.0.1",
    "10.0.0.1",
    "localhost",
    "metadata.google.internal.localhost",
    "mls.example@10.0.0.1",
)
"""Spellings of loopback, metadata and other private addresses."""


@pytest.fixture(autouse=True)
def _loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard stays on; only 127.0.0.1, where the test's servers are, counts as public."""
    real = addresses.is_public
    monkeypatch.setattr(addresses, "is_public", lambda address: str(address) == "127.0.0.1" or real(address))


@asynccontextmanager
async def visiting(mls: HostileMLS, home: Path, **form: Any) -> AsyncIterator[House]:
    clock = SwiftClock()
    settings = load_settings(environ={}, home=str(home))
    assert not settings.allow_private_hosts
    async with hostile_mls(mls), Workspace(settings, clock=clock) as ws:
        fields = actions.ConnectionForm(name="H", provider="reso", base_url=mls.base_url, access_token=TOKEN, **form)
        made = await actions.connect_mls(fields, ws)
        assert made.data is not None, made.error
        yield House(None, ws, clock, made.data.connection.connection_id)  # type: ignore[arg-type]


class Leading(HostileMLS):
    """A feed whose photos stand at addresses of its choice, and whose records would set what they can."""

    def __init__(self, addresses: dict[str, str], **photos: Any) -> None:
        super().__init__({**dict.fromkeys(addresses, whole(b"")), **photos})
        self.addresses = addresses

    def record(self, name: str) -> dict[str, Any]:
        record = super().record(name)
        if name in self.addresses:
            record["Media"][0]["MediaURL"] = self.addresses[name]
        return {**record, "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1", "allow_private_hosts": True}


async def _failures(house: House) -> dict[str, str]:
    result = await house.run()
    assert result.state is RunState.DONE, result.error
    return {event.mls_number: event.cause for event in house.said(PhotoFailed)}


@pytest.mark.promise("hostile addresses")
@pytest.mark.parametrize("way", ["named by the feed", "reached by a redirect"])
async def test_no_spelling_leads_to_a_private_address(way: str, tmp_path: Path) -> None:
    addresses = {f"N{number}": f"http://{host}:8080/latest/meta-data" for number, host in enumerate(PRIVATE)}
    if way == "named by the feed":
        mls = Leading(addresses, good=whole(good_jpeg()))
    else:
        mls = Leading({}, good=whole(good_jpeg()), **{name: moved(each) for name, each in addresses.items()})
    async with visiting(mls, tmp_path) as house:
        causes = await _failures(house)
        assert set(causes) == set(addresses)
        assert [cause for cause in causes.values() if "othing was" not in cause] == []
        assert len(await house.objects()) == 1
    assert sum(" /photo/good " in head for head in mls.heads) == 1


@pytest.mark.promise("hostile addresses")
async def test_the_token_goes_to_no_other_host_by_photo_redirect_or_link(tmp_path: Path) -> None:
    other = HostileMLS({"1": whole(good_jpeg()), "2": whole(good_jpeg())})
    async with hostile_mls(other):
        mls = Leading({"named": f"{other.origin}/photo/1"}, hop=moved(f"{other.origin}/photo/2"))
        async with visiting(mls, tmp_path, overrides={"media_auth": True}) as house:
            assert await _failures(house) == {}
            assert any(f"Bearer {TOKEN}" in head for head in mls.heads if "/photo/hop" in head)
            assert len(other.heads) == 2
            mls.page = whole(f'{{"value": [], "@odata.nextLink": "{other.base_url}/Property?skip=1"}}'.encode())
            result = await house.run(full=True)
            assert "another server" in (result.error or "")
            mls.page = moved(f"{other.base_url}/Property")
            result = await house.run(full=True)
            assert "another origin" in (result.error or "")
    assert len(other.heads) == 2
    assert not [head for head in other.heads if TOKEN in head]


@pytest.mark.promise("hostile addresses")
async def test_environment_proxies_get_neither_photo_nor_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HostileMLS()
    async with hostile_mls(proxy):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with visiting(HostileMLS({"good": whole(good_jpeg())}), tmp_path) as house:
            assert await _failures(house) == {}
            assert len(await house.objects()) == 1
    assert proxy.heads == []


@pytest.mark.promise("hostile addresses")
async def test_a_private_mls_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with visiting(mls, tmp_path) as house:
        result = await house.run()
        assert (result.state, result.exit_code) == (RunState.FAILED, 2)
        assert "MLS_TUI_ALLOW_PRIVATE_HOSTS=1" in (result.error or "")
    assert mls.heads == []
