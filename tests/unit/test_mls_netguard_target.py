"""Photo addresses are not parsed one by one: what is known to be plain must come out as the parser would write it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.reso.net.netguard import AddressRefusedError, NetGuard, Target, origin

_TEXT = st.text(alphabet="aZ0-._~!$&'()*+,;=:@%2Ff /?#[]|\\é\u200b\x00", max_size=24)
_HOSTS = st.sampled_from(
    [
        "cdn.example",
        "a-b.cdn.example",
        "CDN.example",
        "cdn.example.",
        "xn--bcher-kva.example",
        "u:p@cdn.example",
        "8.8.8.8",
    ]
)
_PORTS = st.sampled_from(["", ":80", ":443", ":8443", ":08443", ":99999"])


@given(st.sampled_from(["http", "https", "HTTPS", "ftp"]), _HOSTS, _PORTS, _TEXT, _TEXT)
@example("https", "cdn.example", "", "a/../b", "x=%7e")
@example("https", "cdn.example", "", "a/.b/./c", "x='")
def test_second_address_of_an_origin_is_what_the_first_would_be(
    scheme: str, host: str, port: str, path: str, query: str
) -> None:
    text = f"{scheme}://{host}{port}/{path}?{query}"
    guard = NetGuard()
    try:
        guard.target(f"{scheme}://{host}{port}/first.jpg", "photo")
        url = guard.url(text, "photo")
    except AddressRefusedError:
        with pytest.raises(AddressRefusedError):
            guard.target(text, "photo")
        return
    assert guard.target(text, "photo") == Target(str(url), url.host, origin(url))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "10.0.0.8", "a.localhost"])
def test_private_origin_is_refused_however_often_it_is_asked_for(host: str) -> None:
    guard = NetGuard()
    for number in range(3):
        with pytest.raises(AddressRefusedError, match="nothing was sent"):
            guard.target(f"http://{host}:8080/{number}.jpg", "photo")
