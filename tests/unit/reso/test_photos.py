"""What is a photo, and what is a failed attempt (docs/reso-feeds.md, section 5)."""

from __future__ import annotations

import gzip
import hashlib

import httpx
import pytest

from mls_tui.domain.errors import PhotoError
from mls_tui.reso.photos import sniff
from mls_tui.reso.presets import preset
from tests.unit.reso.transport_fakes import BASE, TOKEN, Wire, script

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))
URL = "https://cdn.example/1.jpg?sig=canary-signature"
KINDS = {
    "jpg": JPEG,
    "png": b"\x89PNG\r\n\x1a\n....",
    "gif": b"GIF89a....",
    "webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "avif": b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf",
    "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "tiff": b"II*\x00\x08\x00\x00\x00",
}


@pytest.mark.feed(5, "extension from the bytes")
@pytest.mark.promise(6)
@pytest.mark.parametrize(("extension", "body"), KINDS.items(), ids=KINDS)
async def test_bytes_and_not_the_name_tell_what_a_photo_is(extension: str, body: bytes) -> None:
    wire = Wire(script(httpx.Response(200, content=body, headers={"Content-Type": "text/html"})))
    photo = await wire.http.photo(URL)
    assert (photo.extension, photo.body, photo.sha256) == (extension, body, hashlib.sha256(body).hexdigest())
    assert photo.content_type == f"image/{ {'jpg': 'jpeg'}.get(extension, extension) }"


@pytest.mark.feed(5, "a failed attempt")
@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xd8", b"<svg>", b"BM....", b"RIFF\x10\x00\x00\x00WAVE", b"\x00\x00\x00\x18ftypisom", b"%PDF-1.7"],
)
def test_anything_else_is_no_photo(body: bytes) -> None:
    assert sniff(body) is None


FAILED = {
    "web page": (httpx.Response(200, html="<html>sign in</html>"), "a web page", True, False),
    "no bytes": (httpx.Response(200), "no bytes", True, False),
    "not an image": (httpx.Response(200, content=b"%PDF-1.7"), "no image", True, False),
    "short": (httpx.Response(200, headers={"Content-Length": "900"}, content=JPEG), "announced", True, False),
    "announced too large": (httpx.Response(200, headers={"Content-Length": "25000001"}), "25 MB", False, False),
    "compressed": (
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(JPEG)),
        "compressed",
        True,
        False,
    ),
    "401": (httpx.Response(401), "401", True, True),
    "403": (httpx.Response(403, text="<Error>Request has expired</Error>"), "403 Forbidden", True, True),
    "404": (httpx.Response(404), "404", True, True),
    "410": (httpx.Response(410), "410", True, True),
    "400": (httpx.Response(400), "400", False, False),
    "408": (httpx.Response(408), "408", True, False),
    "500": (httpx.Response(500), "500", True, False),
    "reset": (httpx.ReadError("x"), "reset", True, False),
}


@pytest.mark.feed(5, "a failed attempt")
@pytest.mark.promise(6)
@pytest.mark.parametrize(("answer", "says", "retryable", "expired"), FAILED.values(), ids=FAILED)
async def test_failed_attempt_is_a_sentence_that_says_what_may_help(
    answer: httpx.Response | Exception, says: str, retryable: bool, expired: bool
) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    wire = Wire(serve)
    with pytest.raises(PhotoError, match=says) as caught:
        await wire.http.photo(URL)
    assert (caught.value.retryable, caught.value.expired) == (retryable, expired)
    assert str(caught.value).endswith(".")
    assert "canary" not in repr(caught.value)
    assert len(wire.requests) == 1
    assert wire.notices == []


@pytest.mark.promise("hostile bodies")
async def test_body_over_the_cap_is_cut_off_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    given = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            nonlocal given
            yield JPEG
            while True:
                given += 1_000_000
                yield bytes(1_000_000)

    wire = Wire(lambda request: httpx.Response(200, stream=Endless()))
    with pytest.raises(PhotoError, match="larger than 25 MB") as caught:
        await wire.http.photo(URL)
    assert not caught.value.retryable
    assert given <= 26_000_000


async def test_429_of_a_photo_host_is_waited_out_and_is_no_attempt() -> None:
    busy = httpx.Response(429, headers={"Retry-After": "4"})
    wire = Wire(script(busy, busy, httpx.Response(200, content=JPEG)))
    assert (await wire.http.photo(URL)).body == JPEG
    assert [each.answered for each in wire.pauses] == [True, True]
    assert wire.clock.elapsed == pytest.approx(8.0)


@pytest.mark.feed(6, "a media 429 parks the photo")
async def test_photo_host_that_keeps_answering_429_parks_the_photo_and_not_the_account() -> None:
    wire = Wire(script(httpx.Response(429, headers={"Retry-After": "4"})))
    with pytest.raises(PhotoError, match="the next import asks again") as caught:
        await wire.http.photo(URL)
    assert not caught.value.retryable
    assert len(wire.pauses) == len(wire.requests) == 5


@pytest.mark.promise("hostile addresses")
async def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def hop(request: httpx.Request) -> httpx.Response:
        left = int(request.url.path.strip("/"))
        return httpx.Response(302, headers={"Location": f"/{left - 1}"}) if left else httpx.Response(200, content=JPEG)

    assert (await Wire(hop).http.photo("https://cdn.example/3")).body == JPEG
    with pytest.raises(PhotoError, match="more than three times"):
        await Wire(hop).http.photo("https://cdn.example/4")


@pytest.mark.promise("hostile addresses")
async def test_redirect_to_a_private_address_is_refused() -> None:
    wire = Wire(script(httpx.Response(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})))
    with pytest.raises(PhotoError, match="nothing was sent"):
        await wire.http.photo(URL)
    assert len(wire.requests) == 1


@pytest.mark.feed(6, "MLS Grid's photos want the token as User-Agent")
@pytest.mark.feed(6, "gzip, and a User-Agent of the provider's")
async def test_mls_grids_photos_get_the_token_as_user_agent_from_its_own_host_alone() -> None:
    grid = {name: getattr(preset("mlsgrid"), name) for name in ("media_headers", "media_token_hosts", "media_auth")}
    wire = Wire(lambda _: httpx.Response(200, content=JPEG), preset_changes=grid)
    for host in (
        "https://media.mlsgrid.com",
        "http://media.mlsgrid.com",
        "https://x.media.mlsgrid.com",
        "https://cdn.example",
    ):
        await wire.http.photo(f"{host}/token=a/images/1.jpg")
    agents = [request.headers["User-Agent"] == TOKEN for request in wire.requests]
    assert agents == [True, False, False, False]
    assert all(TOKEN not in str(request.headers.raw) for request in wire.requests[1:])
    assert "Authorization" not in wire.requests[0].headers


@pytest.mark.feed(6, "the token stays at home")
async def test_token_goes_with_photos_of_the_apis_origin_only_where_the_preset_asks() -> None:
    changes = {"media_auth": True, "media_headers": {"User-Agent": "{token}", "X-A": "b"}}

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/odata/moved":
            return httpx.Response(302, headers={"Location": URL})
        return httpx.Response(200, content=JPEG)

    wire = Wire(serve, preset_changes=changes)
    await wire.http.photo(f"{BASE}/Media/1")
    await wire.http.photo(f"{BASE}/moved")
    await wire.http.photo("http://mls.example/odata/Media/1")
    home, moved, elsewhere, plain = wire.requests
    assert (home.headers["Authorization"], home.headers["User-Agent"]) == (f"Bearer {TOKEN}", TOKEN)
    assert moved.headers["Authorization"] == f"Bearer {TOKEN}"
    for request in (elsewhere, plain):
        assert TOKEN not in str(request.headers.raw)
        assert request.headers["X-A"] == "b"
