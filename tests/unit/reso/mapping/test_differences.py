"""What a dry run says has changed, and what a listing's history keeps."""

from __future__ import annotations

from typing import Any

from mls_tui.domain.listing import Change
from mls_tui.reso.mapping.changes import Difference, differences, history_changes
from mls_tui.reso.mapping.media import map_media
from tests.unit.reso.mapping.feeds import mapped

OLD = {"ListPrice": 400000, "City": "Austin", "Heating": "Gas", "PublicRemarks": "Old"}


def changes(**new: Any) -> tuple[Difference, ...]:
    return differences(mapped(**OLD), mapped(**{**OLD, **new}))


def test_each_changed_field_is_named_with_its_values() -> None:
    assert changes(ListPrice=390000, City="Dallas", PublicRemarks=None) == (
        Difference("address.city", "Austin", "Dallas"),
        Difference("price", "400000", "390000"),
        Difference("description", "Old", None),
    )
    assert str(changes(ListPrice=390000)[0]) == "price: 400000 → 390000"


def test_what_did_not_change_is_not_named() -> None:
    assert changes() == ()
    assert differences(mapped(Heating="Gas,Oil"), mapped(Heating="Oil,Gas")) == ()
    ours = mapped(**OLD).model_copy(
        update={"listing_id": "x", "synced_at": 9, "content_hash": "h", "days_on_market": 3}
    )
    assert differences(ours, mapped(**OLD)) == ()


def test_differences_are_one_printable_line() -> None:
    (found,) = changes(PublicRemarks="a\nb" + "x" * 9_000)
    assert found.new is not None
    assert "\n" not in found.new
    assert len(found.new) <= 300


def rows(*names: str, **more: Any) -> tuple[Any, ...]:
    media = [{"MediaKey": name, "MediaURL": f"https://x.example/{name}", **more} for name in names]
    return map_media(media, None, base_url="")


def test_photos_that_came_went_moved_or_were_renamed_are_told() -> None:
    old = mapped().model_copy(update={"photos": rows("a", "b")})

    def told(*names: str, **more: Any) -> list[str]:
        return [str(each) for each in differences(old, mapped(), rows(*names, **more))]

    assert told("a", "b") == []
    assert told("a", "b", "c") == ["photos: 2 → 3 (1 new)"]
    assert told("a") == ["photos: 2 → 1"]
    assert told("b", "a") == ["photos.order: as stored → changed"]
    assert told("a", "b", ShortDescription="Deck") == ["photos.captions: as stored → 2 changed"]
    assert differences(old, mapped()) == ()


def test_history_keeps_changes_of_price_and_status() -> None:
    at = "2026-06-01T00:00:00Z"
    sold = mapped(**{**OLD, "StandardStatus": "Closed", "ClosePrice": 395000})
    assert history_changes(mapped(**OLD), sold, at) == (
        Change(at=at, field="price", old=400000, new=395000),
        Change(at=at, field="status", old="active", new="sold"),
    )
    assert history_changes(sold, sold, at) == ()
