"""Media rows to photos: which, in what order, under which identity (docs/reso-feeds.md, section 5)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.listing import Photo
from mls_tui.reso.mapping.media import PLAIN_URL, map_media, plain_url
from tests.unit.reso.mapping.feeds import feed

BASE = "https://mls.example/reso/odata"


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"MediaKey": f"key-{name}", "MediaURL": f"https://cdn.example/{name}.jpg", **fields}


def photos(*rows: Any, record: dict[str, Any] | None = None) -> tuple[Photo, ...]:
    return map_media(list(rows), record, base_url=BASE)


def names(*rows: Any, record: dict[str, Any] | None = None) -> list[str]:
    found = photos(*rows, record=record)
    assert [photo.order for photo in found] == list(range(len(found)))
    return [photo.url.rsplit("/", 1)[1].removesuffix(".jpg") for photo in found]


@pytest.mark.feed(5, "order")
@pytest.mark.parametrize(
    ("orders", "shown"),
    [
        ([2, 1, 0], "cba"),
        ([3, 1, 2], "bca"),
        (["10", "9", "1"], "cba"),
        ([1, 1, 1], "abc"),
        ([None, 2, 1], "cba"),
        ([None, None, None], "abc"),
        ([2, 1, 1], "bca"),
        (["x", 1.0, 0], "cba"),
    ],
)
def test_photos_stand_by_number_then_by_place(orders: list[Any], shown: str) -> None:
    rows = [row(name, Order=order) for name, order in zip("abc", orders, strict=True)]
    assert names(*rows) == list(shown)


@pytest.mark.feed(5, "order")
@pytest.mark.parametrize("yes", [True, "Y", "true", 1])
def test_the_preferred_photo_stands_first(yes: Any) -> None:
    assert names(row("a", Order=0), row("b", Order=1), row("c", Order=2, PreferredPhotoYN=yes)) == ["c", "a", "b"]


@pytest.mark.parametrize(
    "category", [None, "", "Photo", "Property Photo", "photo", ["Photo"], "Ns.MediaCategory'Photo'"]
)
def test_photos_are_imported(category: Any) -> None:
    assert names(row("a", MediaCategory=category)) == ["a"]


@pytest.mark.feed(5, "an open list of categories")
@pytest.mark.parametrize(
    "fields",
    [
        *({"MediaCategory": word} for word in ("Photograph", "Image", "Picture", "Listing Photo", "Primary Photo")),
        *({"MediaCategory": word} for word in ("Exterior", "Interior Photos", "Aerial View", "Photo - Front")),
        {"MediaCategory": "Kitchen", "MimeType": "image/jpeg"},
        {"MediaCategory": "Kitchen", "MediaType": "JPG"},
        {"MediaCategory": ["Kitchen", "Photo"]},
    ],
)
def test_words_that_no_standard_lists_are_photos_of_the_home(fields: dict[str, Any]) -> None:
    assert names(row("a", **fields)) == ["a"]


@pytest.mark.feed(5, "what is no public photo")
@pytest.mark.parametrize(
    "fields",
    [
        {"MediaCategory": "Document"},
        {"MediaCategory": "Video"},
        {"MediaCategory": "Branded Virtual Tour"},
        {"MediaCategory": "Unbranded Virtual Tour"},
        {"MediaCategory": "Floor Plan"},
        {"MediaCategory": "Agent Photo"},
        {"MediaCategory": "Office Photo"},
        {"MediaCategory": "Office Logo"},
        {"MediaCategory": "Kitchen"},
        {"MediaCategory": "Photo", "MimeType": "video/mp4"},
        {"MediaCategory": "Floor Plan", "MimeType": "image/png"},
        {"MediaCategory": "Member Photo", "MimeType": "image/png"},
        {"MediaType": "application/pdf"},
        {"MediaType": "mp4"},
        {"ResourceName": "Member"},
        {"ResourceName": "Office"},
        {"Permission": "Private"},
        {"Permission": ["Agent Only"]},
        {"Permission": "Public,Firm Only"},
        {"Permission": "Office Only"},
        {"Permission": "Agent"},
        {"MediaStatus": "Deleted"},
    ],
)
def test_what_is_no_public_photo_of_the_home_is_left_out(fields: dict[str, Any]) -> None:
    assert names(row("a"), row("b", **fields)) == ["a"]


def test_public_permissions_change_nothing() -> None:
    rows = [row("a", Permission="Public"), row("b", Permission=["IDX", "VOW"]), row("c", Permission=None)]
    assert names(*rows, row("d", ResourceName="Property", MediaType="jpeg")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "url", [None, "", 5, "ftp://x/a.jpg", "data:image/png;base64,AA", "javascript:1", "http://[x/a"]
)
def test_a_row_without_a_usable_url_is_no_photo_and_is_warned_of(url: Any) -> None:
    found: list[str] = []
    assert map_media([{"MediaKey": "k", "MediaURL": url}], None, base_url=BASE, warn=found.append) == ()
    assert found == ["MediaURL is missing or unusable"]


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("/media/a.jpg", "https://mls.example/media/a.jpg"),
        ("media/a.jpg", "https://mls.example/reso/odata/media/a.jpg"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example/a b.jpg", "https://cdn.example/a%20b.jpg"),
        ("https://cdn.example/a?x=1&amp;y=2", "https://cdn.example/a?x=1&y=2"),
    ],
)
def test_urls_are_made_absolute(url: str, full: str) -> None:
    assert photos({"MediaURL": url})[0].url == full


@pytest.mark.feed(0, "a photo's token in the path of its address")
@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://m.example/token=s3cret&expires=17&id=9/images/A1/1.jpg", "https://m.example/images/A1/1.jpg"),
        ("https://m.example/v1/sig=s3cret/1.jpg?x=1", "https://m.example/v1/1.jpg"),
        ("https://m.example/w=800/h=600/1.jpg", "https://m.example/w=800/h=600/1.jpg"),
    ],
)
def test_a_token_in_the_path_of_a_photo_is_not_stored(url: str, stored: str) -> None:
    assert plain_url(url) == stored


def test_the_original_url_holds_no_token() -> None:
    photo = photos({"MediaURL": "https://me:pw@cdn.example:8443/a.jpg?sig=abc#x"})[0]
    assert photo.url == "https://me:pw@cdn.example:8443/a.jpg?sig=abc#x"
    assert photo.original_url == "https://cdn.example:8443/a.jpg"


def test_captions_are_clean_and_from_the_first_field_that_has_one() -> None:
    found = photos(
        row("a", ShortDescription="Kitchen &amp; bar\x1b", LongDescription="long"),
        row("b", ShortDescription="", LongDescription="Deck\nat dusk"),
        row("c", MediaCaption="Pool"),
        row("d"),
    )
    assert [photo.caption for photo in found] == ["Kitchen & bar", "Deck at dusk", "Pool", None]


@pytest.mark.feed(5, "identity")
def test_identity_is_key_and_modification_never_the_url() -> None:
    before = photos(row("a", Order=1, MediaModificationTimestamp="2026-01-01T00:00:00Z"))[0]
    after = photos(
        row("a", Order=7, MediaModificationTimestamp="2026-01-01T00:00:00Z", MediaURL="https://b.example/9?t=1")
    )[0]
    replaced = photos(row("a", Order=1, MediaModificationTimestamp="2026-01-02T00:00:00Z"))[0]
    assert before.identity == after.identity
    assert before.identity != replaced.identity


@pytest.mark.feed(5, "a repeated MediaKey")
def test_a_repeated_media_key_tells_no_photos_apart_so_their_order_does() -> None:
    rows = [row(name, MediaKey="same", Order=order) for order, name in enumerate("abc")]
    found = photos(*rows, record={"PhotosChangeTimestamp": "2026-01-01T00:00:00Z"})
    assert len({photo.identity for photo in found}) == 3
    assert [photo.media_key for photo in found] == [None, None, None]
    changed = photos(*rows, record={"PhotosChangeTimestamp": "2026-02-01T00:00:00Z"})
    assert found[0].identity != changed[0].identity


def test_spark_photos_give_one_photo_each_the_primary_first() -> None:
    rows = feed("spark/photos_index.json")["D"]["Results"]
    found = photos(*rows)
    assert len(found) == len(rows)
    assert found[0].url == "http://photos.flexmls.com/fgo/20050505220032167405000000-o.jpg"
    assert (found[0].caption, found[0].media_key) == ("Front", "20050505220032167405000000")


def test_mls_grid_media_keep_their_keys() -> None:
    records = feed("mlsgrid-sync/mlsgrid-sync-property_page1.json")["value"]
    found = photos(*records[0]["Media"], record=records[0])
    assert [photo.identity for photo in found] == [
        ("TSTMEDIA0001", "2026-05-20T08:00:00Z"),
        ("TSTMEDIA0002", "2026-05-20T08:00:01Z"),
    ]


def test_at_most_500_photos_are_kept_and_the_rest_is_warned_of() -> None:
    found: list[str] = []
    rows = [row(str(n)) for n in range(600)]
    assert len(map_media(rows, None, base_url=BASE, warn=found.append)) == 500
    assert found == ["more than 500 photos; the rest is left out"]


@pytest.mark.feed(5, "no MediaKey, no timestamp: a position")
@pytest.mark.parametrize("name", [None, "1", "positional-1"])
def test_a_photo_without_a_timestamp_of_its_own_is_as_old_as_its_listings_photos(name: str | None) -> None:
    """A key alone may be a position (Bridge's is): the same key must not hide another photo."""

    def identity(**record: Any) -> tuple[str, str]:
        return photos(row("a", MediaKey=name, Order=0), record=record)[0].identity

    first = {"PhotosChangeTimestamp": "2026-01-01T00:00:00Z", "ModificationTimestamp": "2026-01-05T00:00:00Z"}
    assert identity(**first) == identity(**{**first, "ModificationTimestamp": "2026-03-03T00:00:00Z"})
    assert identity(**first) != identity(**{**first, "PhotosChangeTimestamp": "2026-02-02T00:00:00Z"})
    # Nothing says when photos changed: any change of the listing may have been one.
    untold = {"ModificationTimestamp": "2026-01-05T00:00:00Z"}
    assert identity(**untold) != identity(ModificationTimestamp="2026-03-03T00:00:00Z")
    assert identity(**untold) == identity(**untold)


@given(st.from_regex(PLAIN_URL, fullmatch=True))
def test_a_plain_url_is_taken_as_it_is_written(url: str) -> None:
    parts = urlsplit(url)
    assert parts.hostname  # what reading it part by part would ask for
    assert parts.port != 0
    assert [photo.url for photo in photos({"MediaURL": url})] == [url.replace("&amp;", "&")]
