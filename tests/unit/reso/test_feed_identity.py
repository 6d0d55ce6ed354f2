"""A cursor belongs to one feed: what changes the feed makes it begin anew, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.domain.connection import Connection, Cursor
from mls_tui.reso.presets import at_its_feed, feed_identity
from tests.providers.direct import connection

SWEPT = Cursor(watermark="2026-06-01T00:00:00Z", last_key="K9", swept=True, failed_keys=("K3",), epoch=7, updated_at=5)


def imported(**fields: Any) -> Connection:
    """A connection whose cursor was kept by an import of it."""
    made = connection(**{"mls_system": "ACTRIS", **fields})
    return made.model_copy(update={"cursor": SWEPT.model_copy(update={"feed": feed_identity(made)})})


@pytest.mark.feed(0, "a connection pointed at another feed")
@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://other.example/odata"},
        {"base_url": "http://mls.test:8443/odata"},
        {"provider": "trestle"},
        {"mls_system": "CRMLS"},
        {"mls_system": None},
        {"agent_key": "A1"},
        {"overrides": {"property_resource": "Listings"}},
        {"overrides": {"timestamp_field": "BridgeModificationTimestamp"}},
        {"overrides": {"key_field": "ListingId"}},
        {"overrides": {"status_field": "MlsStatus"}},
        {"overrides": {"system_field": "none"}},
        {"overrides": {"system": "none"}, "mls_system": None},
    ],
)
def test_another_feed_begins_anew_and_keeps_only_the_epoch_of_what_is_to_be_tidied(change: dict[str, Any]) -> None:
    edited = at_its_feed(imported().model_copy(update=change))
    assert edited.cursor == Cursor(feed=feed_identity(edited), epoch=7)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Another name"},
        {"secrets": {"access_token": "sealed anew"}},
        {"schedule_minutes": 15, "updated_at": 99},
        {"client_id": "c2", "username": "u2", "token_url": "https://login.example/token"},
        {"overrides": {"page_size": 10, "api_limits": "1/1", "headers": "X-A: b", "overlap_minutes": 60}},
    ],
)
def test_the_same_feed_goes_on_where_it_was(change: dict[str, Any]) -> None:
    edited = at_its_feed(imported().model_copy(update=change))
    assert edited.cursor.watermark == SWEPT.watermark
    assert edited.cursor.failed_keys == SWEPT.failed_keys


def test_a_change_that_is_taken_back_before_an_import_costs_nothing() -> None:
    before = imported()
    away = before.model_copy(update={"base_url": "https://other.example/odata"})
    assert at_its_feed(away).cursor.watermark is None
    assert at_its_feed(away.model_copy(update={"base_url": before.base_url})).cursor == before.cursor


def test_a_connection_that_cannot_be_used_is_left_as_it_is() -> None:
    broken = connection(overrides={"page_size": "many"}).model_copy(update={"cursor": SWEPT})
    assert at_its_feed(broken) == broken
