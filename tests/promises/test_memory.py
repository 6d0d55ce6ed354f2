"""Memory does not grow with the feed. ``python -m tests.bench --only growth`` measures the promise itself, at 10,000
and 100,000 listings; here the same import is small enough for every run of the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.job import Job, Report, run
from tests.promises.plain_feed import plain_feed

FEW, MANY = 500, 5_000
MOST_BYTES_A_LISTING = 600
"""Of growth. A listing takes 5 kB as a record, 2 kB as events and 200 bytes as nothing that is kept; what the promise
leaves for each of 100,000 is 300."""


def imported(listings: int, folder: Path) -> Report:
    """An import into SQLite in a process of its own."""
    with plain_feed(listings) as base:
        report = run("tests.bench.project", Job(base, f"{base}/Property", listings, 0, str(folder / str(listings))))
    assert report.listings == listings
    return report


@pytest.mark.promise(16)
def test_ten_times_the_listings_take_hardly_more_memory(tmp_path: Path) -> None:
    few, many = imported(FEW, tmp_path), imported(MANY, tmp_path)
    assert many.peak_mb <= 1.25 * few.peak_mb
    assert (many.peak_mb - few.peak_mb) * 2**20 <= MOST_BYTES_A_LISTING * (MANY - FEW)
