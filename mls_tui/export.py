"""Exports listings to CSV, JSON, JSON Lines and Parquet, in batches. A file is written whole or not at all.

CSV has one row for each listing, in UTF-8, with the columns of ``COLUMNS``. ``features`` and ``openHouses`` are joined
by ``; ``. ``photos`` is the number of stored photos and ``photoKeys`` their keys, joined by a space: objects of the
bucket, or paths below the folder of photos. An apostrophe is put before text that a spreadsheet would read as a formula
(OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

import orjson

from mls_tui.domain.errors import StorageError, UsageError
from mls_tui.domain.listing import OpenHouse
from mls_tui.storage.files import whole_file

Data: TypeAlias = dict[str, Any]
"""A listing's ``Data`` map (docs/contract.md, section DynamoDB)."""
Dump = Callable[[Data], bytes]

FORMATS = ("csv", "json", "jsonl", "parquet")

_ADDRESS = ("street", "city", "state", "zip", "country")
_REST = (
    ("price", float), ("bedrooms", float), ("bathrooms", float), ("squareFeet", float), ("propertyType", str),
    ("propertySubType", str), ("listDate", str), ("closeDate", str), ("closePrice", float),
    ("originalListPrice", float), ("daysOnMarket", int), ("yearBuilt", int),
    ("lotSizeAcres", float), ("latitude", float), ("longitude", float),
    ("county", str), ("subdivision", str), ("standardStatus", str), ("mlsStatus", str), ("listOfficeName", str),
    ("listAgentName", str), ("originatingSystemName", str), ("modificationTimestamp", str), ("syncedAt", int),
    ("description", str),
)  # fmt: skip
_REST_NAMES = tuple(name for name, _ in _REST)
_FIRST = ("listingId", "mlsNumber", "mlsProvider", "mlsId", "status")
COLUMNS: dict[str, type] = {
    **dict.fromkeys(_FIRST, str),
    **dict.fromkeys(_ADDRESS, str),
    **dict(_REST),
    "features": str,
    "openHouses": str,
    "photos": int,
    "photoKeys": str,
}
"""Each column with the type of its values."""

_ROWS_AT_ONCE = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@contextmanager
def open_export(target: Path | IO[Any], file_format: str, *, dump: Dump = orjson.dumps) -> Iterator[Export]:
    """An Export to a file or a stream. Blocking.

    ``json`` is an array with one map a line, ``jsonl`` the maps without the array; ``dump`` makes the JSON of one map.
    A stream may be of text or bytes; Parquet needs bytes.

    Raises:
        UsageError: an unknown format; Parquet without pyarrow.
        StorageError: the file cannot be written.
    """
    if file_format not in FORMATS:
        raise UsageError(f"There is no export format {file_format!r}: choose {', '.join(FORMATS)}.")
    kind = _EXPORTS[file_format]
    if not isinstance(target, Path):
        export = kind(_binary(target), dump)
        yield export
        export.close()
        return
    try:
        with whole_file(target) as stream:
            export = kind(stream, dump)
            yield export
            export.close()
    except OSError as error:
        raise StorageError(
            f"{target} could not be written ({error.strerror or error}); nothing was left there."
        ) from None


def write_listings(maps: Iterable[Data], target: Path | IO[Any], file_format: str) -> int:
    """Export maps that are in memory. Returns their number."""
    with open_export(target, file_format) as export:
        left = iter(maps)
        while batch := list(islice(left, _ROWS_AT_ONCE)):
            export.add(batch)
    return export.count


def row_of(data: Data) -> list[Any]:
    """A listing as a row of CSV and Parquet, in the order of ``COLUMNS``; None for an absent value."""
    address = data.get("address") or {}
    keys = [photo["key"] for photo in data.get("photos") or () if "key" in photo]
    return [
        *map(data.get, _FIRST),
        *map(address.get, _ADDRESS),
        *map(data.get, _REST_NAMES),
        "; ".join(data.get("features") or ()) or None,
        "; ".join(str(OpenHouse.model_validate(each)) for each in data.get("openHouses") or ()) or None,
        len(keys),
        " ".join(keys) or None,
    ]


def without_formula(value: Any) -> Any:
    """The value, with an apostrophe before text that a spreadsheet would read as a formula."""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    if text[:1].isalnum():
        return text
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


class Export:
    """``add`` writes batches; ``count`` is the number of listings that were added."""

    def __init__(self, stream: IO[bytes], dump: Dump) -> None:
        self._stream = stream
        self._dump = dump
        self.count = 0

    def add(self, maps: Sequence[Data]) -> None:
        self._write(maps)
        self.count += len(maps)

    def close(self) -> None:
        """Write what follows the last listing."""

    @abstractmethod
    def _write(self, maps: Sequence[Data]) -> None: ...


class _Csv(Export):
    def __init__(self, stream: IO[bytes], dump: Dump) -> None:
        super().__init__(stream, dump)
        self._write_rows([[*COLUMNS]])

    def _write(self, maps: Sequence[Data]) -> None:
        self._write_rows([[without_formula(value) for value in row_of(data)] for data in maps])

    def _write_rows(self, rows: list[list[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        self._stream.write(text.getvalue().encode("utf-8", "replace"))


class _Json(Export):
    def _write(self, maps: Sequence[Data]) -> None:
        if maps:
            self._stream.write((b",\n" if self.count else b"[\n") + b",\n".join(map(self._dump, maps)))

    def close(self) -> None:
        self._stream.write(b"\n]\n" if self.count else b"[]\n")


class _JsonLines(Export):
    def _write(self, maps: Sequence[Data]) -> None:
        for data in maps:
            self._stream.write(self._dump(data) + b"\n")


class _Parquet(Export):
    def __init__(self, stream: IO[bytes], dump: Dump) -> None:
        super().__init__(stream, dump)
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            raise UsageError(
                "Parquet needs the pyarrow package: install mls-tui with its parquet extra "
                "(pip install 'mls-tui[parquet]'), or choose CSV or JSON."
            ) from None
        types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64()}
        self._schema = arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
        self._table = arrow.Table
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._waiting: list[list[Any]] = []

    def _write(self, maps: Sequence[Data]) -> None:
        self._waiting += map(row_of, maps)
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        kinds = COLUMNS.items()
        rows = [
            {name: None if value is None else kind(value) for (name, kind), value in zip(kinds, row, strict=True)}
            for row in self._waiting
        ]
        self._writer.write_table(self._table.from_pylist(rows, schema=self._schema))
        self._waiting = []

    def close(self) -> None:
        if self._waiting:
            self._flush()
        self._writer.close()


def _binary(stream: IO[Any]) -> IO[bytes]:
    """The byte stream of a text stream, such as ``sys.stdout``: the output is UTF-8 in every locale."""
    if isinstance(stream, io.TextIOBase):
        stream.flush()
        below: IO[bytes] | None = getattr(stream, "buffer", None)
        return below if below is not None else _Encoded(stream)
    return stream


class _Encoded(io.BytesIO):
    """Writes bytes to a text stream without a byte stream, such as io.StringIO."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream

    def write(self, body: Any) -> int:
        self._stream.write(bytes(body).decode())
        return len(body)


_EXPORTS: dict[str, type[Export]] = {"csv": _Csv, "json": _Json, "jsonl": _JsonLines, "parquet": _Parquet}
