"""The interface's figures: its start, its table, and how it feels while an import runs beside it at full speed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace

from tests.bench.figures import Figure, figures
from tests.bench.job import ROOT, run
from tests.bench.listings import _served


def interface(listings: int, rounds: int) -> list[Figure]:
    """Runs the scripts that can be run alone too, then the import beside the interface."""
    print("\nInterface: start")
    _script("tests.bench.bench_startup", str(max(3, rounds)))
    print("\nInterface: the listings screen with 100,000 homes (ms)")
    _script("tests.bench.bench_table", "100000")
    print("\nInterface: event-loop lag while events come as fast as it takes them")
    _script("tests.bench.bench_lag")
    print("\nInterface: what an import sends to the terminal")
    _script("tests.bench.bench_bytes")
    print("\nInterface: quitting in the midst of an import")
    _script("tests.bench.bench_quit", str(rounds))
    with (
        _served(listings) as job,
        tempfile.TemporaryDirectory(prefix="home-", dir=job.folder) as home,
    ):
        extra = run("tests.bench.bench_live", replace(job, folder=home)).extra
    told = [
        Figure("event-loop lag during an import, median", extra["p50"], unit=" ms"),
        Figure("event-loop lag during an import, p99", extra["p99"], 33, unit=" ms"),
        Figure("listings/s while shown", extra["rate"]),
    ]
    print(f"\nInterface: beside an import of {listings:,} listings")
    print(figures(told))
    return told


def _script(module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, check=True)
