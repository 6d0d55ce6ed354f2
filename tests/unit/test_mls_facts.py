"""Every fact of every preset: how sure it is, that it can be replaced, and that what is shown can be typed back."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.errors import UsageError
from mls_tui.reso.fact_checks import FactCheck, fact_checks
from mls_tui.reso.facts import FACT_NAMES, facts_of, letters, preset_facts
from mls_tui.reso.overrides import FIXED, apply_overrides, wanted, written
from mls_tui.reso.preset_fields import ProviderPreset, Sure
from mls_tui.reso.presets import PRESETS, for_connection, preset
from mls_tui.ui.screens.fact_fields import WORDS
from tests.providers.direct import connection

FIELD_6 = {
    "flexmls": "A", "bridge": "A", "trestle": "A/B", "crmls": "C", "mlsgrid": "A/B", "bright": "B/C", "reso": "A",
}  # fmt: skip


@pytest.mark.parametrize(("name", "row"), FIELD_6.items())
def test_a_presets_facts_are_as_sure_together_as_the_field_says(name: str, row: str) -> None:
    base = PRESETS[name]
    assert letters(base) == row
    graded = {base.sureness[fact] for fact in base.sureness} - {Sure.OURS}
    assert graded == set(base.sure)


@pytest.mark.parametrize("name", PRESETS)
def test_whatever_a_preset_says_of_its_provider_has_a_grade_of_its_own(name: str) -> None:
    base = PRESETS[name]
    for each in fields(ProviderPreset):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        said = getattr(base, each.name) != default and each.name not in {*FIXED, "required_fields"}
        if said and getattr(base, each.name) not in ((), None, ""):
            assert each.name in base.sureness, each.name


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_fact_shows_can_be_typed_back_and_means_the_same(name: str) -> None:
    base = PRESETS[name]
    shown = {fact.name: fact.value for fact in preset_facts(base)}
    assert set(shown) == {each.name for each in fields(ProviderPreset)} - FIXED
    assert apply_overrides(base, dict(shown)) == base


def test_every_fact_stands_in_the_form_and_says_what_it_may_be() -> None:
    assert set(WORDS) == set(FACT_NAMES)
    assert all(wanted(name) and WORDS[name] for name in FACT_NAMES)


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
        ("sure", "A"), ("name", "mine"), ("label", "Mine"), ("colour", "red"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_field(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        apply_overrides(PRESETS["reso"], {name: text})


@pytest.mark.parametrize("name", ["system_field", "api_limits", "media_limits", "media_headers", "media_token_hosts"])
@pytest.mark.parametrize("word", ["", "none", "None"])
def test_none_takes_a_fact_away(name: str, word: str) -> None:
    assert not getattr(apply_overrides(PRESETS["mlsgrid"], {name: word}), name)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FACT_NAMES), st.text(max_size=60) | st.integers() | st.floats() | st.booleans())
def test_whatever_is_given_for_a_fact_is_read_or_refused_with_a_sentence(
    name: str, value: str | int | float | bool
) -> None:
    try:
        changed = apply_overrides(PRESETS["bridge"], {name: value})
    except UsageError:
        return
    assert apply_overrides(PRESETS["bridge"], {name: written(getattr(changed, name))}) == changed


def test_a_fact_that_the_user_replaced_says_so_and_what_the_preset_has() -> None:
    mine = connection(
        "trestle", for_connection(connection("trestle", "")).base_url, mls_system="ACTRIS", overrides={"page_size": 50}
    )
    facts = {fact.name: fact for fact in facts_of(mine)}
    page = facts["page_size"]
    assert (page.value, page.preset_value, page.mine, page.source) == ("50", "1000", True, "set by you")
    assert {name for name, fact in facts.items() if fact.mine} == {"page_size", "system"}
    assert facts["media_limits"].source == "B: a credible second-hand source"
    assert facts["keys_per_filter"].source == "our own choice"


def test_an_address_of_ones_own_is_set_by_you_and_the_presets_with_its_dataset_is_not() -> None:
    resolved = for_connection(connection("bridge", "", mls_system="actris")).base_url
    for url, mine in ((resolved, False), ("https://proxy.example/odata", True)):
        facts = {fact.name: fact for fact in facts_of(connection("bridge", url, mls_system="actris"))}
        assert facts["base_url"].mine is mine
        assert facts["base_url"].value == url


def test_the_doctors_lines_hold_each_facts_value_grade_and_source() -> None:
    mine = connection("mlsgrid", "https://api.mlsgrid.com/v2", mls_system="x", overrides={"page_size": 9})
    head, *lines = fact_checks(preset("mlsgrid"), facts_of(mine))
    assert (head.name, "sure A/B" in head.detail) == ("preset", True)
    assert [line.name for line in lines] == [f"fact {name}" for name in FACT_NAMES]
    found = {line.name: line for line in lines if isinstance(line, FactCheck)}
    assert found["fact media_token_hosts"].detail == "media.mlsgrid.com (B: a credible second-hand source)"
    page = found["fact page_size"]
    assert (page.value, page.preset_value, page.sure, page.set_by_you) == ("9", "1000", "A", True)
