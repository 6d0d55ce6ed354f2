"""The ``originalUrl`` metadata of a photo's object (docs/contract.md, section S3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mls_tui.importer.photos import ORIGINAL_URL_BYTES, metadata_url

_PATHS = st.text(alphabet="aZ9/%2F:._~!$&'()*+,;=@- é\u200b[]", max_size=40)
_HOSTS = st.sampled_from(["cdn.example", "CDN.example:8443", "user:pw@cdn.example", "[2001:db8::1]"])


@given(st.sampled_from(["http", "https"]), _HOSTS, _PATHS)
def test_address_is_the_same_with_its_query_and_without(scheme: str, host: str, path: str) -> None:
    url = f"{scheme}://{host}/{path}"
    kept = metadata_url(url)
    assert kept == metadata_url(f"{url}?sig=secret")
    assert kept.isascii()
    assert "pw" not in kept
    assert len(kept) <= ORIGINAL_URL_BYTES


def test_long_address_is_cut() -> None:
    assert metadata_url("https://cdn.example/" + "a" * 2000) == "https://cdn.example/" + "a" * (ORIGINAL_URL_BYTES - 20)
