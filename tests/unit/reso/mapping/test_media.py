"""Media rows become photos: which, in which order and size, with which identity (docs/reso-feeds.md, section 5)."""

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


def sized(name: str, width: int, height: int, **fields: Any) -> dict[str, Any]:
    return row(name, ImageWidth=width, ImageHeight=height, **fields)


def test_named_sizes_under_one_key_become_the_largest() -> None:
    rows = [row(size, MediaKey="k", ImageSizeDescription=size) for size in ("Thumbnail", "Large", "Medium")]
    assert names(*rows, row("other")) == ["Large", "other"]


@pytest.mark.feed(5, "several sizes")
def test_named_sizes_of_one_object_become_the_largest_whatever_their_keys() -> None:
    rows = [
        row(size, MediaObjectID="7", Order=place, ImageSizeDescription=size, ImageWidth=width)
        for place, (size, width) in enumerate([("A", 300), ("B", 1600), ("C", 640)])
    ]
    assert names(*rows) == ["B"]


def test_named_sizes_under_one_order_become_the_largest() -> None:
    rows = [
        row(f"{size}{order}", Order=order, ImageSizeDescription=size)
        for size in ("Thumb", "Full")
        for order in (1, 2, 3)
    ]
    assert names(*rows) == ["Full1", "Full2", "Full3"]


def test_measured_sizes_under_one_key_and_order_become_the_largest() -> None:
    rows = [sized(f"w{width}", width, width * 3 // 4, MediaKey="k", Order=1) for width in (320, 1600, 640)]
    assert names(*rows, row("z", Order=2)) == ["w1600", "z"]


def test_a_repeated_key_alone_merges_nothing() -> None:
    assert names(*[row(name, MediaKey="k", Order=n) for n, name in enumerate("abc")]) == ["a", "b", "c"]
    assert names(*[row(name, MediaKey="k") for name in "abc"]) == ["a", "b", "c"]
    rows = [sized("a", 1024, 768, MediaKey="k", Order=0), sized("b", 800, 600, MediaKey="k", Order=1)]
    assert names(*rows) == ["a", "b"]


def test_portrait_and_landscape_are_two_photos() -> None:
    rows = [sized("a", 1024, 768, MediaKey="k", Order=0), sized("b", 768, 1024, MediaKey="k", Order=0)]
    assert names(*rows) == ["a", "b"]


def test_a_repeated_order_alone_merges_nothing() -> None:
    rows = [sized("a", 1024, 768, Order=0), sized("b", 800, 600, Order=0), sized("c", 640, 480, Order=0)]
    assert names(*rows) == ["a", "b", "c"]
    assert names(*rows, record={"PhotosCount": 3}) == ["a", "b", "c"]


def test_a_repeated_order_with_a_photos_count_that_agrees_are_sizes() -> None:
    rows = [sized("a", 320, 240, Order=0), sized("b", 1024, 768, Order=0), sized("c", 640, 480, Order=0)]
    assert names(*rows, record={"PhotosCount": 1}) == ["b"]


def test_orders_that_are_all_repeated_alike_are_sizes() -> None:
    rows = [sized(f"{o}w{w}", w, w * 3 // 4, Order=o) for o in (1, 2) for w in (320, 1024)]
    assert names(*rows) == ["1w1024", "2w1024"]


def test_a_row_served_twice_is_one_photo() -> None:
    assert names(row("a", Order=0), row("a", Order=0), row("b", Order=1)) == ["a", "b"]


def test_the_largest_keeps_the_caption_and_place_of_its_photo() -> None:
    rows = [
        row("thumb", MediaKey="k", Order=0, ImageSizeDescription="Thumbnail", ShortDescription="Deck"),
        row("large", MediaKey="k", Order=9, ImageSizeDescription="Large"),
        row("b", Order=1),
    ]
    found = map_media(rows, None, base_url="")
    assert [photo.caption for photo in found] == ["Deck", None]
    assert found[0].url.endswith("large.jpg")


@pytest.mark.feed(5, "sizes by their names")
def test_the_largest_is_the_one_that_says_so_and_none_without_a_watermark() -> None:
    rows = [
        {"MediaKey": "k", "MediaURL": f"https://x.example/{name}.jpg", "Order": 0, "ImageSizeDescription": name}
        for name in ("Thumbnail", "LargestNoWatermark", "Medium", "Largest", "Large")
    ]
    (photo,) = map_media(rows, None, base_url="https://x.example")
    assert photo.url == "https://x.example/Largest.jpg"
