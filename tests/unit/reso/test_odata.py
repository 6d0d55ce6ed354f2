"""Next links are followed to the connection's own origin and scheme only."""

from __future__ import annotations

import pytest

from mls_tui.domain.errors import PagingError
from mls_tui.reso.odata import FeedPage, next_url

BASE = "https://api.mls.example/odata"
ASKED = f"{BASE}/Property?$top=200"


def followed(link: str | None, base: str = BASE) -> str | None:
    return next_url(FeedPage(ASKED.replace(BASE, base), (), link), base)


@pytest.mark.feed(1, "an http link of an https server")
@pytest.mark.parametrize(
    "link",
    [
        "http://api.mls.example/odata/Property?$skip=200",
        "http://api.mls.example:80/odata/Property?$skip=200",
        "http://api.mls.example:443/odata/Property?$skip=200",
        "https://api.mls.example:443/odata/Property?$skip=200",
        "HTTPS://API.MLS.EXAMPLE/odata/Property?$skip=200",
        "//api.mls.example/odata/Property?$skip=200",
        "/odata/Property?$skip=200",
        "Property?$skip=200",
        "?$skip=200",
    ],
)
def test_a_link_of_the_same_server_is_followed_over_https_however_it_is_written(link: str) -> None:
    assert followed(link) == "https://api.mls.example/odata/Property?$skip=200"


def test_a_link_behind_a_proxy_that_ends_tls_keeps_the_connections_own_port() -> None:
    base = "https://api.mls.example:8443/odata"
    assert followed("http://api.mls.example:8443/odata/Property?$skip=1", base) == f"{base}/Property?$skip=1"


@pytest.mark.feed(1, "an http link of an https server")
@pytest.mark.parametrize(
    "link",
    [
        "http://api.mls.example:8080/odata/Property?$skip=200",
        "https://api.mls.example:444/odata/Property?$skip=200",
        "https://api.mls.example.evil.example/odata/Property",
        "https://evil.example/odata/Property",
        "https://api.mls.example@evil.example/odata/Property",
        "https://me:pw@api.mls.example/odata/Property",
        "ftp://api.mls.example/odata/Property",
        "https://[/odata",
    ],
)
def test_any_other_origin_is_refused(link: str) -> None:
    with pytest.raises(PagingError, match=r"paging stopped|not followed"):
        followed(link)


@pytest.mark.feed(1, "an http link of an https server")
def test_https_is_never_taken_down_to_http_nor_http_up_where_the_connection_is_plain() -> None:
    with pytest.raises(PagingError):
        followed("https://127.0.0.1:9000/odata/Property?$skip=1", "http://127.0.0.1:9000/odata")


@pytest.mark.feed(1, "no link, or an empty one")
@pytest.mark.parametrize("link", [None, ""])
def test_no_link_is_the_last_page(link: str | None) -> None:
    assert followed(link) is None
