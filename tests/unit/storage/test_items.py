"""Items: numbers, sizes, keys and typed attributes, the same for both stores."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.config import Settings
from mls_tui.domain.errors import StorageError, UsageError
from mls_tui.domain.listing import Address, address_key
from mls_tui.storage import items
from mls_tui.storage.items import MAX_ITEM_BYTES, fits, from_attribute, item_size, plain, to_attribute
from mls_tui.storage.open import open_stores
from tests.contract.samples import USER, a_listing, a_photo

_NUMBERS = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False, width=32)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_values_come_back_from_their_attributes(value: Any) -> None:
    kept = plain(value)
    assert from_attribute(to_attribute(kept)) == kept
    assert plain(kept) == kept


def _decimal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _decimal(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_decimal(inner) for inner in value]
    return value if isinstance(value, str | bool | None) else Decimal(repr(value))


@given(_VALUES)
def test_boto3_reads_our_attributes_as_its_own(value: Any) -> None:
    kept = plain(value)
    attribute: Any = to_attribute(kept)
    assert TypeDeserializer().deserialize(attribute) == _decimal(kept)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e130, 1e-140, 2**63])
def test_number_that_no_store_keeps_is_refused(value: float) -> None:
    with pytest.raises(StorageError, match=r"stored|range"):
        plain({"price": [value]})


def test_lone_surrogate_does_not_stop_a_listing() -> None:
    assert plain({"a\ud800": "x\udfffy"}) == {"a\ufffd": "x\ufffdy"}


def test_whole_floats_are_whole_numbers_and_booleans_stay() -> None:
    assert [repr(plain(value)) for value in (5.0, -0.0, 2.5, True, False)] == ["5", "0", "2.5", "True", "False"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Address(street="12 Oak St.", city="Austin", zip="78701-1234"),
            Address(street="12  OAK ST", city="AUSTIN ", zip="78701"),
        ),
        (Address(street="1 A", zip="10001"), Address(street="1-a", zip="10001")),
    ],
)
def test_one_home_has_one_address_key(one: Address, other: Address) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    "address", [Address(), Address(city="Austin"), Address(street="12 Oak"), Address(street="--", city="x")]
)
def test_withheld_address_has_no_key(address: Address) -> None:
    assert address_key(address) is None


def test_size_follows_dynamodbs_rules() -> None:
    # AWS: "Item sizes and formats": names + UTF-8 strings; 3 bytes a list or map, 1 more for each value in it.
    assert item_size({"PK": "é", "B": True}) == 2 + 2 + 1 + 1
    assert item_size({"M": {"a": "b"}, "L": ["c"]}) == 1 + 3 + (1 + 1 + 1) + 1 + 3 + (1 + 1)


@given(st.dictionaries(st.text(max_size=5).map(plain), _VALUES.map(plain), max_size=4))
def test_no_item_counts_twice_as_much_as_its_json(item: dict[str, Any]) -> None:
    assert item_size(item) <= 2 * len(orjson.dumps(item))


@pytest.mark.parametrize(("letters", "said"), [(MAX_ITEM_BYTES - 3, True), (MAX_ITEM_BYTES - 2, False)])
def test_an_item_fits_to_the_byte(letters: int, said: bool) -> None:
    assert fits({"PK": "é", "B": "x" * (letters - 2)}) is said


def test_photos_that_could_not_be_had_keep_their_url_in_a_large_listing() -> None:
    listing = a_listing()
    photos = [a_photo(listing.listing_id, n).model_copy(update={"original_url": "u" * 5000}) for n in range(90)]
    photos[1] = photos[1].model_copy(update={"key": None, "url": "https://x/1"})
    item = items.listing_item(USER, listing.model_copy(update={"photos": tuple(photos)}), 1)
    stored = items.read_listing(item).photos
    assert (stored[1].url, stored[1].original_url) == ("https://x/1", "u" * 5000)
    assert (stored[0].key, stored[0].original_url) == (photos[0].key, "")


def test_settings_choose_the_pair(tmp_path: Path) -> None:
    local = Settings(config_path=tmp_path, data_path=tmp_path, state_path=tmp_path, cache_path=tmp_path)
    rows, photos = open_stores(local)
    assert rows.describe() == f"SQLite file {local.database_path}"
    assert photos.describe() == f"folder {local.photos_path}"
    rows, photos = open_stores(replace(local, storage="aws", bucket="b"))
    assert rows.describe() == "DynamoDB table mls-listings in us-east-1"
    assert photos.describe() == "S3 bucket b"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="MLS_TUI_BUCKET"):
        open_stores(replace(local, storage="aws"))
    with pytest.raises(UsageError, match="local or aws"):
        open_stores(replace(local, storage="tape"))
