"""Presets and settings: every setting can be replaced and shown as text; a cursor belongs to one feed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.connection import Connection, Cursor
from mls_tui.domain.errors import UsageError
from mls_tui.reso.presets import (
    COMMON_SETTINGS,
    PRESETS,
    SETTING_NAMES,
    ProviderPreset,
    apply_overrides,
    feed_identity,
    for_connection,
    preset,
    preset_settings,
    setting_text,
    settings_of,
    with_valid_cursor,
)
from mls_tui.reso.probe import settings_checks
from tests.providers.direct import connection


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_setting_shows_can_be_typed_back_and_means_the_same(name: str) -> None:
    base = PRESETS[name]
    shown = {setting.name: setting.value for setting in preset_settings(base)}
    assert set(shown) == {each.name for each in fields(ProviderPreset)} - {"name", "label", "notes"}
    assert apply_overrides(base, dict(shown)) == base


def test_every_setting_says_what_it_means_and_what_it_may_be() -> None:
    for setting in preset_settings(PRESETS["reso"]):
        assert all((setting.help, setting.wanted, setting.group)), setting.name
    assert set(COMMON_SETTINGS) <= set(SETTING_NAMES)
    assert 5 <= len(COMMON_SETTINGS) <= 6


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page_size", "0"), ("page_size", "-5"), ("page_size", "1e99"), ("page_size", "nan"), ("page_size", "2.5"),
        ("overlap_minutes", "999999999999"), ("keys_per_filter", "none"), ("order_by", "perhaps"),
        ("key_field", ""), ("key_field", "Listing Key"), ("key_field", "a' or 1 eq 1"), ("timestamp_field", "none"),
        ("property_resource", "../Other"), ("replication", "Property?$top=1"), ("media_mode", "fax"),
        ("api_limits", "0/1"), ("api_limits", "5/0"), ("api_limits", "5/86401"), ("api_limits", "5 a second"),
        ("headers", "nonsense"), ("headers", "X: a\r\nY: b"), ("headers", "X: é"), ("headers", "Authorization: x"),
        ("headers", "cookie: a=b"), ("media_token_hosts", "https://photos.example/x"), ("media_token_hosts", "*"),
        ("media_token_hosts", "localhost"), ("token_url", "ftp://host"), ("token_url", "https://u:p@host/t"),
        ("revocation_url", "host"), ("auths", ""), ("auths", "magic"), ("token_auth", "digest"),
        ("query_parameters", "Class"), ("query_parameters", "$filter=x"), ("query_parameters", "api_key=12345"),
        ("query_parameters", "a=b\nc=d"), ("query_parameters", "key={other}"),
        ("name", "mine"), ("notes", "x"), ("label", "Mine"), ("colour", "red"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_field(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        apply_overrides(PRESETS["reso"], {name: text})


@pytest.mark.parametrize("name", ["system_field", "api_limits", "media_limits", "media_headers", "media_token_hosts"])
@pytest.mark.parametrize("word", ["", "none", "None"])
def test_none_clears_a_setting(name: str, word: str) -> None:
    assert not getattr(apply_overrides(PRESETS["mlsgrid"], {name: word}), name)


@pytest.mark.fuzz("settings of a connection")
@given(st.sampled_from(SETTING_NAMES), st.text(max_size=60) | st.integers() | st.floats() | st.booleans())
def test_whatever_is_given_for_a_setting_is_read_or_refused_with_a_sentence(
    name: str, value: str | int | float | bool
) -> None:
    try:
        changed = apply_overrides(PRESETS["bridge"], {name: value})
    except UsageError:
        return
    assert apply_overrides(PRESETS["bridge"], {name: setting_text(getattr(changed, name))}) == changed


def test_a_setting_that_the_user_replaced_says_so_and_what_the_preset_has() -> None:
    mine = connection(
        "trestle", for_connection(connection("trestle", "")).base_url, mls_system="ACTRIS", overrides={"page_size": 50}
    )
    settings = {setting.name: setting for setting in settings_of(mine)}
    page = settings["page_size"]
    assert (page.value, page.default, page.mine) == ("50", "1000", True)
    assert {name for name, setting in settings.items() if setting.mine} == {"page_size", "system"}


def test_query_parameters_are_read_as_they_are_written_and_hold_a_secret_only_by_its_placeholder() -> None:
    used = for_connection(
        connection(overrides={"query_parameters": "Class=Residential; api_key={client_secret};Region=Lake View"})
    )
    assert used.query_parameters == (("Class", "Residential"), ("api_key", "{client_secret}"), ("Region", "Lake View"))
    assert setting_text(used.query_parameters) == "Class=Residential; api_key={client_secret}; Region=Lake View"


def test_an_address_of_ones_own_is_set_by_you_and_the_presets_with_its_dataset_is_not() -> None:
    resolved = for_connection(connection("bridge", "", mls_system="actris")).base_url
    for url, mine in ((resolved, False), ("https://proxy.example/odata", True)):
        found = {setting.name: setting for setting in settings_of(connection("bridge", url, mls_system="actris"))}
        assert found["base_url"].mine is mine
        assert found["base_url"].value == url


def test_the_doctor_names_the_preset_and_each_setting_that_was_changed() -> None:
    mine = connection("mlsgrid", "https://api.mlsgrid.com/v2", mls_system="x", overrides={"page_size": 9})
    head, *lines = settings_checks(preset("mlsgrid"), settings_of(mine))
    assert (head.name, "MLS Grid" in head.detail) == ("preset", True)
    assert {line.name: line.detail for line in lines}["setting page_size"] == "9 (set by you; the preset: 1000)"
    assert {line.name for line in lines} == {"setting page_size", "setting system"}


@pytest.mark.parametrize("setting", ["headers", "media_headers"])
@pytest.mark.parametrize(
    "header",
    [
        *("Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c", "Connection: close", "TE: trailers"),
        *("X-Api-Key: s3cret", "X-Access-Token: s3cret", "X-Feed: {password}", "X-Feed: a\r\nHost: b", "Host: b"),
    ],
)
def test_a_header_that_frames_a_request_or_shows_a_secret_is_refused(setting: str, header: str) -> None:
    with pytest.raises(UsageError, match=setting):
        apply_overrides(PRESETS["reso"], {setting: header})


@pytest.mark.parametrize("header", ["X-Feed: idx", "X-Api-Key: {token}", "User-Agent: Mine/1.0"])
def test_other_headers_are_taken(header: str) -> None:
    assert apply_overrides(PRESETS["reso"], {"headers": header}).headers


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
    edited = with_valid_cursor(imported().model_copy(update=change))
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
    edited = with_valid_cursor(imported().model_copy(update=change))
    assert edited.cursor.watermark == SWEPT.watermark
    assert edited.cursor.failed_keys == SWEPT.failed_keys


def test_a_change_that_is_taken_back_before_an_import_costs_nothing() -> None:
    before = imported()
    away = before.model_copy(update={"base_url": "https://other.example/odata"})
    assert with_valid_cursor(away).cursor.watermark is None
    assert with_valid_cursor(away.model_copy(update={"base_url": before.base_url})).cursor == before.cursor


def test_a_connection_that_cannot_be_used_is_left_as_it_is() -> None:
    broken = connection(overrides={"page_size": "many"}).model_copy(update={"cursor": SWEPT})
    assert with_valid_cursor(broken) == broken
