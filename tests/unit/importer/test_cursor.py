"""The cursor is never ahead of the data, whatever order pages are served and settled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.connection import Cursor
from mls_tui.domain.listing import parse_timestamp
from mls_tui.importer.cursor import MAX_FAILED_KEYS, CursorTracker
from mls_tui.reso.base import Page
from mls_tui.reso.presets import preset

T0 = datetime(2026, 6, 1, tzinfo=UTC)
LATER = T0.timestamp() + 10**6


def at(second: int) -> str:
    return (T0 + timedelta(seconds=second)).isoformat()


def page(number: int, *seconds: int) -> Page:
    records: list[dict[str, Any]] = [
        {"ListingKey": f"{number}-{place}", "ModificationTimestamp": at(second)} for place, second in enumerate(seconds)
    ]
    return Page(number, records)


def tracker(cursor: Cursor | None = None, *, started: float = LATER) -> CursorTracker:
    return CursorTracker(preset("reso"), cursor or Cursor(), started)


def settle(keeping: CursorTracker, number: int, records: int) -> None:
    for _ in range(records):
        keeping.record_done(number)


@pytest.mark.promise(2)
def test_a_page_moves_the_cursor_only_when_all_before_it_are_settled() -> None:
    keeping = tracker()
    keeping.page_fetched(page(1, 1, 2))
    keeping.page_fetched(page(2, 3, 4))
    settle(keeping, 2, 2)
    settle(keeping, 1, 1)
    assert not keeping.advance()
    settle(keeping, 1, 1)
    advance = keeping.advance()
    assert advance is not None
    assert (advance.cursor.watermark, advance.cursor.last_key, advance.passed) == (at(4), "2-1", (1, 2))


def test_a_feed_that_turns_out_unordered_takes_the_saved_cursor_back() -> None:
    keeping = tracker(Cursor(watermark=at(0)))
    keeping.page_fetched(page(1, 5))
    settle(keeping, 1, 1)
    assert keeping.advance()
    keeping.page_fetched(page(2, 3))
    settle(keeping, 2, 1)
    back = keeping.advance()
    assert back is not None, "the store holds a cursor that is ahead of page 2: it must be written again"
    assert (back.cursor.watermark, back.back, back.passed) == (at(0), True, ())
    assert keeping.finish(statuses=()).watermark == at(5)


@pytest.mark.promise(14)
@pytest.mark.parametrize("swept", [True, False])
def test_a_record_from_the_future_never_hides_what_changes_until_then(swept: bool) -> None:
    keeping = tracker(Cursor(watermark=at(0), swept=swept), started=T0.timestamp() + 10)
    keeping.page_fetched(page(1, 5, 10**7))
    settle(keeping, 1, 2)
    assert (keeping.advance() is None) == swept, "a sweep for changes moves the cursor at its end"
    moment = parse_timestamp(keeping.finish(statuses=()).watermark or "")
    assert moment == T0 + timedelta(seconds=10)


def test_failed_keys_travel_with_the_cursor_and_leave_it_when_they_succeed() -> None:
    keeping = tracker(Cursor(failed_keys=("old", "older")))
    keeping.page_fetched(page(1, 1, 2))
    keeping.failed("1-0")
    keeping.succeeded("old")
    settle(keeping, 1, 2)
    keeping.advance()
    assert keeping.cursor.failed_keys == ("1-0", "older")
    assert keeping.finish(statuses=()).failed_keys == ("1-0", "older")


def test_more_failures_than_can_be_kept_hold_the_cursor_where_it_was() -> None:
    keeping = tracker(Cursor(watermark=at(0), failed_keys=()))
    keeping.page_fetched(page(1, 1))
    for number in range(MAX_FAILED_KEYS + 1):
        keeping.failed(f"key-{number}")
    settle(keeping, 1, 1)
    assert not keeping.advance()
    end = keeping.finish(statuses=("active",))
    assert (end.watermark, end.failed_keys, end.swept) == (at(0), (), False)


@pytest.mark.promise(2)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_everything_at_or_before_the_cursor_of_an_ordered_feed_is_settled(pages: list[list[int]], rng: Any) -> None:
    flat = sorted(second for seconds in pages for second in seconds)
    keeping, waiting, given_out = tracker(), list[tuple[int, int]](), 0
    for number, seconds in enumerate(pages, 1):
        mine = flat[given_out : given_out + len(seconds)]
        given_out += len(seconds)
        keeping.page_fetched(page(number, *mine))
        waiting += [(number, second) for second in mine]
        rng.shuffle(waiting)
        for _ in range(rng.randrange(len(waiting) + 1)):
            keeping.record_done(waiting.pop()[0])
        keeping.advance()
        mark = parse_timestamp(keeping.cursor.watermark or "")
        assert mark is None or all(T0 + timedelta(seconds=second) >= mark for _, second in waiting)


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=3), min_size=1, max_size=5))
def test_an_unordered_feed_ends_at_its_newest_record(pages: list[list[int]]) -> None:
    keeping = tracker()
    for number, seconds in enumerate(pages, 1):
        keeping.page_fetched(page(number, *seconds))
        settle(keeping, number, len(seconds))
        keeping.advance()
    newest = max(second for seconds in pages for second in seconds)
    assert keeping.finish(statuses=()).watermark == at(newest)
