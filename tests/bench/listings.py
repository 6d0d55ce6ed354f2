"""Listings without photos: against dlt, against themselves unchanged, and as the feed grows from 1,000 to 100,000."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench import feed, servers
from tests.bench.figures import Figure, figures, medians
from tests.bench.job import Job, Report, run
from tests.bench.photos import workplace
from tests.bench.rounds import Contestant, Median, in_turn

GROWTH = (1_000, 10_000, 100_000)


def against_dlt(rounds: int, listings: int, dlt_python: str) -> list[Figure]:
    """The first import and a re-import of the same, against dlt's rest_api source into DuckDB."""
    with _served(listings) as job:
        runs: dict[str, Contestant] = {
            "mls_tui, first import": _project(job),
            "mls_tui, unchanged": _project(replace(job, repeat=True)),
            "dlt into DuckDB": lambda: _in_home(job, "tests.bench.peers.dlt_source", dlt_python),
        }
        found = in_turn(runs, rounds)
    print(f"\n{listings:,} listings without photos, embedded store")
    print(medians(found, "listing"), end="\n\n")
    first, again, dlt = found["mls_tui, first import"], found["mls_tui, unchanged"], found.get("dlt into DuckDB")
    told = [Figure("unchanged re-import against the first import", again.seconds / first.seconds, 0.25, unit="×")]
    if dlt:
        told.insert(0, Figure("listings/s against dlt into DuckDB", first.per_second / dlt.per_second, 3, True, "×"))
    print(figures(told))
    return told


def growth(rounds: int, sizes: tuple[int, ...] = GROWTH) -> list[Figure]:
    """Time and memory a listing, as the feed grows; the store is fresh each time."""
    found: dict[str, Median] = {}
    for listings in sizes:
        with _served(listings) as job:
            found |= in_turn({f"{listings:,} listings": _project(job)}, rounds if listings < sizes[-1] else 1)
    print("\nGrowth, embedded store, no photos")
    print(medians(found, "listing"), end="\n\n")
    small, middle, large = found.values()
    told = [
        Figure(f"CPU a listing, {sizes[-1]:,} against {sizes[0]:,}", large.cpu_ms / small.cpu_ms, 1.15, unit="×"),
        Figure(
            f"time a listing, {sizes[-1]:,} against {sizes[0]:,}", small.per_second / large.per_second, 1.15, unit="×"
        ),
        Figure(f"peak memory, {sizes[-1]:,} against {sizes[1]:,}", large.peak_mb / middle.peak_mb, 1.35, unit="×"),
    ]
    print(figures(told))
    return told


@contextmanager
def _served(listings: int) -> Iterator[Job]:
    with tempfile.TemporaryDirectory(prefix="mls-tui-bench-", dir=workplace()) as name:
        folder = Path(name)
        feed.write_photo(folder)
        with servers.Nginx(folder) as nginx:
            base = f"{nginx.url}/odata"
            feed.write_pages(folder, listings=listings, photos=0, base_url=base, photo_url="")
            yield Job(base, f"{base}/Property", listings, 0, name)


def _project(job: Job) -> Contestant:
    return lambda: _in_home(job, "tests.bench.project", sys.executable)


def _in_home(job: Job, module: str, python: str) -> Report:
    with tempfile.TemporaryDirectory(prefix="home-", dir=job.folder) as home:
        report = run(module, replace(job, folder=home), python=python)
    if report.listings != job.listings:
        raise RuntimeError(f"{module} brought {report.listings} of {job.listings} listings")
    return report
