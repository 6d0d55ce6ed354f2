"""Searching: the language reads what people type, never raises, and finds what a simple evaluator finds."""

from __future__ import annotations

import functools
import sqlite3
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.search import KEYS, Query, fold, parse
from mls_tui.storage import summaries
from tests.ui.fakes import an_item
from tests.ui.homes import HOSTILE, a_home

HOMES = [a_home(number) for number in range(1, 80)]


@functools.cache
def table(homes: tuple[Listing, ...]) -> sqlite3.Connection:
    """The summaries of these homes, row 1 the first."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    for statement in summaries.SCHEMA:
        memory.execute(statement)
    summaries.put(memory, [an_item(home) for home in homes])
    return memory


def search(homes: Sequence[Listing], query: Query) -> list[Listing]:
    wanted = summaries.Selection(query, sort="synced")
    rows = summaries.select(table(tuple(homes)), "USER#local", wanted).rows
    return [homes[row - 1] for row in sorted(rows)]


def kept(text: str, homes: list[Listing] | None = None) -> list[str]:
    query = parse(text)
    assert query.problem is None, query.problem
    return [home.mls_number for home in search(homes if homes is not None else HOMES, query)]


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("price:<500k", lambda h: h.price < 500_000),
        ("price:<=1.2m", lambda h: h.price <= 1_200_000),
        ("price:300k-450k", lambda h: 300_000 <= h.price <= 450_000),
        ("price:$300,000..450000", lambda h: 300_000 <= h.price <= 450_000),
        ("beds:>=3", lambda h: h.bedrooms >= 3),
        ("beds:3+", lambda h: h.bedrooms >= 3),
        ("baths:2.5", lambda h: h.bathrooms == 2.5),
        ("sqft:>2000 -status:sold", lambda h: h.square_feet > 2000 and h.status != "sold"),
        ("status:active,sold", lambda h: h.status in ("active", "sold")),
        ("status:act", lambda h: h.status == "active"),
        ("STATUS:All", lambda h: True),
        ("status:withdrawn", lambda h: h.standard_status == "Withdrawn"),
        ("city:austin", lambda h: h.address.city == "Austin"),
        ('city:"round rock"', lambda h: h.address.city == "Round Rock"),
        ("city:austin,buda", lambda h: h.address.city in ("Austin", "Buda")),
        ("type:condo", lambda h: h.property_sub_type == "Condominium"),
        ("mls:4801", lambda h: "4801" in h.mls_number),
        ("zip:787", lambda h: h.address.zip.startswith("787")),
        ("-oak", lambda h: "oak" not in h.address.street.lower()),
        ('"rio grande" price:>0', lambda h: "Rio Grande" in h.address.street),
        ("lakeSIDE realty", lambda h: True),
    ],
)
def test_a_term_keeps_what_it_says(text: str, predicate: object) -> None:
    assert callable(predicate)
    assert kept(text) == [home.mls_number for home in HOMES if predicate(home)]


def test_case_and_diacritics_do_not_matter() -> None:
    home = a_home(1, description="Nahe dem CAFÉ Zürich, Straße")
    assert kept("cafe zurich", [home])
    assert kept("STRASSE", [home])
    assert kept("café", [home])


def test_a_phrase_does_not_match_across_fields_or_exclude_line_breaks() -> None:
    home = a_home(1, description="hill\ncountry", features=("alpha", "beta"))
    assert kept('"hill country"', [home])
    assert not kept('"alpha beta"', [home])


def test_an_absent_number_meets_no_comparison_but_none() -> None:
    home = a_home(1, price=None)
    assert not kept("price:<500k", [home])
    assert not kept("price:>0", [home])
    assert kept("price:none", [home])


def test_active_does_not_bring_in_what_is_under_contract() -> None:
    home = a_home(1, status=ListingStatus.PENDING, standard_status="Active Under Contract")
    assert not kept("status:active", [home])
    assert kept("status:pending", [home])
    assert kept(
        'status:"under contract" status:pending', [a_home(2, status="pending", standard_status="Under Contract")]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("price:cheap", "price:<500k"),
        ("bed:3", '"beds:"'),
        ("status:blue", "active, pending, sold, expired"),
        ("beds:three", "beds:3"),
    ],
)
def test_an_unreadable_term_says_how_to_write_it(text: str, words: str) -> None:
    problem = parse(text).problem
    assert problem is not None
    assert text in problem
    assert words in problem


@pytest.mark.parametrize("key", KEYS)
def test_a_key_without_a_value_is_unfinished_not_wrong(key: str) -> None:
    query = parse(f"oak {key}:")
    assert (query.problem, query.unfinished) == (None, key)


def test_web_addresses_times_and_quotes_are_free_text() -> None:
    home = a_home(1, description="See http://x.example at 12:30, type:mansion")
    for text in ("http://x.example", "12:30", '"type:mansion"'):
        assert kept(text, [home])


words = st.sampled_from(["oak", "lake", "-pool", '"rio grande"', "aus", "é", "condo", "-", "48", "nothing"])
fields = st.one_of(
    st.builds("{}:{}{}".format, st.sampled_from(["price", "beds", "baths", "sqft"]),
              st.sampled_from(["<", "<=", ">", ">=", "", "="]), st.sampled_from(["3", "2.5", "400k", "1m", "1,500"])),
    st.builds("{}:{}".format, st.sampled_from(["city", "type", "mls", "zip"]), st.sampled_from(["aus", "48", "787"])),
    st.builds("status:{}".format, st.sampled_from(["active", "sold,pending", "all", "closed"])),
)  # fmt: skip


@pytest.mark.fuzz("filters")
@given(st.text() | st.lists(st.one_of(words, fields, st.text(max_size=8))).map(" ".join))
def test_reading_and_searching_never_raise(text: str) -> None:
    query = parse(text)
    assert query.problem is None or query.problem.strip()
    found = search(HOMES[:5], query)
    assert found == [home for home in HOMES[:5] if home in found]


@given(st.lists(st.one_of(words, fields), max_size=5))
def test_a_search_equals_one_term_at_a_time(terms: list[str]) -> None:
    together = search(HOMES, parse(" ".join(terms)))
    naive = [home for home in HOMES if all(search([home], parse(term)) for term in terms)]
    assert together == naive


@given(st.text(), st.text())
def test_free_text_equals_a_naive_reading(needle: str, around: str) -> None:
    home = a_home(1, description=f"{around} {needle} {around}")
    quoted = needle.replace('"', " ")
    if fold(quoted):
        assert kept(f'"{quoted}"', [a_home(1, description=quoted)])
    assert search([home], parse("")) == [home]


def test_hostile_text_is_searched_like_any_other() -> None:
    home = a_home(1, description=HOSTILE)
    assert kept('"[@click=app.quit]quit[/]"', [home])
    assert kept("東京都", [home])


def test_fold_drops_every_combining_mark() -> None:
    assert not any(unicodedata.combining(ch) for ch in fold("e\u0301\u0302 Ǻ ĳ ﬁ"))
