"""Several sizes of one photo become the largest; photos that only look alike stay (docs/reso-feeds.md, section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.reso.mapping.media import map_media
from tests.unit.reso.mapping.test_media import names, row


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
