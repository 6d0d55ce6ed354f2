"""Promises about exports: every listing, no formula, whole or not at all, in bounded memory."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.errors import StorageError, UsageError
from mls_tui.domain.listing import Address, Listing, ListingStatus, Photo
from mls_tui.export import COLUMNS, FORMATS, without_formula, write_listings


def _listing(number: int = 1, **changes: object) -> dict[str, Any]:
    base = Listing(
        listing_id=f"reso-{number}-1",
        mls_id=f"K{number}",
        mls_number=str(number),
        mls_provider="reso",
        status=ListingStatus.ACTIVE,
        synced_at=1,
        price=450_000,
        address=Address(street="12 Oak St", city="Żółć", state="TX", zip="00501"),
        features=("Pool", "Garage"),
        photos=(
            Photo(url="u", key="listings/a/b/original/photo0.jpg", order=0, original_url="u"),
            Photo(url="u", order=1, original_url="u"),
        ),
    )
    return base.model_copy(update=changes).to_data()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_csv_has_the_documented_columns_and_one_row_a_listing(tmp_path: Path) -> None:
    assert write_listings([_listing(1), _listing(2)], tmp_path / "l.csv", "csv") == 2
    first, second = _rows(tmp_path / "l.csv")
    assert list(first) == list(COLUMNS)
    assert (first["mlsNumber"], second["mlsNumber"]) == ("1", "2")
    assert (first["city"], first["zip"], first["price"]) == ("Żółć", "00501", "450000")
    assert (first["features"], first["photos"]) == ("Pool; Garage", "1")
    assert first["photoKeys"] == "listings/a/b/original/photo0.jpg"


@pytest.mark.promise("hostile text")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "  @", "＝", "\0="])
def test_no_text_of_a_feed_becomes_a_formula(tmp_path: Path, start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    write_listings([_listing(description=text, mls_number=text)], tmp_path / "l.csv", "csv")
    (row,) = _rows(tmp_path / "l.csv")
    assert row["description"].startswith("'")
    assert row["mlsNumber"].startswith("'")


def test_a_negative_number_stays_a_number(tmp_path: Path) -> None:
    write_listings([_listing(longitude=-97.5)], tmp_path / "l.csv", "csv")
    assert _rows(tmp_path / "l.csv")[0]["longitude"] == "-97.5"


@given(text=st.text())
def test_harmless_text_never_begins_like_a_formula_and_loses_no_letter(text: str) -> None:
    safe = without_formula(text)
    assert safe.strip(" ")[:1] not in set("=+-@\t\r\n＝＋－＠") - {""}
    assert safe.endswith(text.replace("\0", ""))


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_description_never_becomes_another_row(text: str) -> None:
    stream = io.BytesIO()
    write_listings([_listing(description=text)], stream, "csv")
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode(), newline="")))
    assert len(rows) == 2


def test_json_is_an_array_of_data_maps_and_json_lines_one_a_line(tmp_path: Path) -> None:
    listings = [_listing(1), _listing(2)]
    write_listings(listings, tmp_path / "l.json", "json")
    write_listings(listings, tmp_path / "l.jsonl", "jsonl")
    assert json.loads((tmp_path / "l.json").read_text("utf-8")) == listings
    assert [json.loads(line) for line in (tmp_path / "l.jsonl").read_text("utf-8").splitlines()] == listings


@pytest.mark.parametrize(("file_format", "empty"), [("json", []), ("csv", None), ("jsonl", None)])
def test_no_listings_are_a_valid_file(tmp_path: Path, file_format: str, empty: object) -> None:
    assert write_listings([], tmp_path / "l", file_format) == 0
    text = (tmp_path / "l").read_text()
    assert json.loads(text) == empty if file_format == "json" else text in ("", ",".join(COLUMNS) + "\n")


@pytest.mark.parametrize("file_format", ["csv", "json", "jsonl"])
def test_a_text_stream_is_as_good_as_a_file(file_format: str, tmp_path: Path) -> None:
    stream = io.StringIO(newline="")
    write_listings([_listing()], stream, file_format)
    write_listings([_listing()], tmp_path / "l", file_format)
    assert stream.getvalue().encode() == (tmp_path / "l").read_bytes()


@pytest.mark.parametrize("file_format", ["csv", "json", "jsonl"])
def test_an_export_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, file_format: str) -> None:
    def breaking() -> Iterator[dict[str, Any]]:
        yield _listing()
        raise StorageError("the store went away")

    (tmp_path / "l").write_text("old")
    with pytest.raises(StorageError):
        write_listings(breaking(), tmp_path / "l", file_format)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("l", "old")]


def test_listings_are_written_as_they_come(tmp_path: Path) -> None:
    alive: list[int] = []

    class Counted(io.BytesIO):
        def write(self, body: object) -> int:
            alive.append(len(bytes(body)))  # type: ignore[call-overload]
            return alive[-1]

    write_listings((_listing(number) for number in range(5_000)), Counted(), "jsonl")
    assert len(alive) == 5_000
    assert max(alive) < 2_000


def test_an_unknown_format_and_an_impossible_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="csv, json, jsonl, parquet"):
        write_listings([], tmp_path / "l", "xlsx")
    with pytest.raises(StorageError, match="could not be written"):
        write_listings([], tmp_path / "none" / "l", "csv")


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="parquet extra"):
        write_listings([_listing()], tmp_path / "l.parquet", "parquet")
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    assert write_listings((_listing(number) for number in range(2_500)), tmp_path / "l.parquet", "parquet") == 2_500
    table = parquet.read_table(tmp_path / "l.parquet")
    assert table.num_rows == 2_500
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist()[7]["price"] == 450_000.0
    assert write_listings([], tmp_path / "none.parquet", "parquet") == 0
    assert parquet.read_table(tmp_path / "none.parquet").column_names == list(COLUMNS)


def test_every_format_has_a_writer() -> None:
    assert all(write_listings([], io.BytesIO(), name) == 0 for name in FORMATS if name != "parquet")
