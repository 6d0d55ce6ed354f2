"""No spelling, name, redirect or late answer of a resolver leads to an address that is not public."""

from __future__ import annotations

import pytest

from mls_tui.domain.errors import MLSError, PhotoError
from mls_tui.reso.net.netguard import AddressRefusedError, NetGuard, is_public
from tests.unit.mls_transport_fakes import TOKEN, Wire

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
    guard = NetGuard(allow_private=True)
    assert guard.url("http://127.0.0.1/a", "photo").host == "127.0.0.1"
    guard.addresses("x", ["10.0.0.1"])
    with pytest.raises(AddressRefusedError):
        guard.url("file:///etc/passwd", "photo")
