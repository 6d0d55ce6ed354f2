"""Listings to CSV, JSON, JSON Lines and Parquet: streamed, whole or not at all, and harmless in a spreadsheet.

CSV columns, one row a listing, UTF-8: those of ``COLUMNS``, in that order. ``features`` are joined by ``; ``;
``photos`` is the number of stored photos, ``photoKeys`` their keys joined by a space. A text that a spreadsheet
would take for a formula begins with an apostrophe (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mls_tui.domain.errors import StorageError, UsageError
from mls_tui.domain.listing import Listing
from mls_tui.files import whole_file

FORMATS = ("csv", "json", "jsonl", "parquet")

_ADDRESS = ("street", "city", "state", "zip", "country")
_PLAIN = (
    ("price", float), ("bedrooms", float), ("bathrooms", float), ("squareFeet", float), ("propertyType", str),
    ("propertySubType", str), ("listDate", str), ("closeDate", str), ("closePrice", float),
    ("originalListPrice", float), ("daysOnMarket", int), ("yearBuilt", int),
    ("lotSizeAcres", float), ("latitude", float), ("longitude", float),
    ("county", str), ("subdivision", str), ("standardStatus", str), ("mlsStatus", str), ("listOfficeName", str),
    ("listAgentName", str), ("originatingSystemName", str), ("modificationTimestamp", str), ("syncedAt", int),
    ("description", str),
)  # fmt: skip
COLUMNS: dict[str, type] = {
    "listingId": str,
    "mlsNumber": str,
    "mlsProvider": str,
    "mlsId": str,
    "status": str,
    **dict.fromkeys(_ADDRESS, str),
    **dict(_PLAIN),
    "features": str,
    "photos": int,
    "photoKeys": str,
}
"""Column name to the type of its values."""

_PARQUET_ROWS = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_listings(listings: Iterable[Listing], target: Path | IO[Any], file_format: str) -> int:
    """Write listings to a file or a stream and return how many. Holds one listing (Parquet: 1,000) at a time.

    ``json`` is one array of ``Data`` maps, ``jsonl`` one map a line. A path appears whole or not at all. A stream
    may take text or bytes, except for Parquet, which needs bytes. May block.

    Raises:
        UsageError: an unknown format; Parquet without pyarrow.
        StorageError: the file cannot be written.
    """
    if file_format not in FORMATS:
        raise UsageError(f"There is no export format {file_format!r}: choose {', '.join(FORMATS)}.")
    write = _WRITERS[file_format]
    if not isinstance(target, Path):
        return write(listings, _binary(target))
    try:
        with whole_file(target) as stream:
            return write(listings, stream)
    except OSError as error:
        raise StorageError(
            f"{target} could not be written ({error.strerror or error}); nothing was left there."
        ) from None


def row_of(listing: Listing) -> dict[str, Any]:
    """A listing as the flat row of CSV and Parquet, keyed by ``COLUMNS``; None where it has no value."""
    data = listing.to_data()
    row: dict[str, Any] = {name: data.get(name) for name in COLUMNS}
    row |= {name: data.get("address", {}).get(name) for name in _ADDRESS}
    row["features"] = "; ".join(listing.features) or None
    row["photos"] = listing.photos_stored
    row["photoKeys"] = " ".join(photo.key for photo in listing.photos if photo.key) or None
    return row


def harmless(value: Any) -> Any:
    """Text that a spreadsheet cannot take for a formula; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _csv(listings: Iterable[Listing], stream: IO[bytes]) -> int:
    line = io.StringIO()
    writer = csv.DictWriter(line, COLUMNS, lineterminator="\r\n")

    def flush() -> None:
        stream.write(line.getvalue().encode("utf-8", "replace"))
        line.seek(0)
        line.truncate()

    writer.writeheader()
    flush()
    count = 0
    for count, listing in enumerate(listings, 1):  # noqa: B007 - the count is the answer
        writer.writerow({name: harmless(value) for name, value in row_of(listing).items()})
        flush()
    return count


def _json(listings: Iterable[Listing], stream: IO[bytes]) -> int:
    count = 0
    for count, line in enumerate(_maps(listings), 1):
        stream.write(b"[\n" if count == 1 else b",\n")
        stream.write(line)
    stream.write(b"\n]\n" if count else b"[]\n")
    return count


def _json_lines(listings: Iterable[Listing], stream: IO[bytes]) -> int:
    count = 0
    for count, line in enumerate(_maps(listings), 1):  # noqa: B007 - the count is the answer
        stream.write(line + b"\n")
    return count


def _maps(listings: Iterable[Listing]) -> Iterator[bytes]:
    import orjson

    return (orjson.dumps(listing.to_data()) for listing in listings)


def _parquet(listings: Iterable[Listing], stream: IO[bytes]) -> int:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "Parquet needs the pyarrow package: install mls-tui with its parquet extra "
            "(pip install 'mls-tui[parquet]'), or choose CSV or JSON."
        ) from None
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64()}
    schema = arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    rows = map(row_of, listings)
    count = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _PARQUET_ROWS)):
            writer.write_table(arrow.Table.from_pylist([_typed(row) for row in batch], schema=schema))
            count += len(batch)
    return count


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if row[name] is None else kind(row[name]) for name, kind in COLUMNS.items()}


def _binary(stream: IO[Any]) -> IO[bytes]:
    """The bytes below a text stream, such as ``sys.stdout``, so that every format is UTF-8 whatever the locale."""
    if isinstance(stream, io.TextIOBase):
        stream.flush()
        below: IO[bytes] | None = getattr(stream, "buffer", None)
        return below if below is not None else _Encoded(stream)
    return stream


class _Encoded(io.BytesIO):
    """Bytes for a text stream that has none below, as a test's StringIO."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream

    def write(self, body: Any) -> int:
        self._stream.write(bytes(body).decode())
        return len(body)


_WRITERS: dict[str, Callable[[Iterable[Listing], IO[bytes]], int]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _json_lines,
    "parquet": _parquet,
}
