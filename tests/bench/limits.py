"""The provider's limits, counted by its server: whatever our speed, no window of its log may hold more."""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from tests.bench.figures import Figure, figures
from tests.bench.job import run
from tests.bench.photos import _servers

LIMIT, SECONDS = 200, 1.0


def never_exceeded(listings: int = 100) -> list[Figure]:
    """An import at full speed under ``LIMIT`` photos in ``SECONDS``; the busiest window by nginx's own log."""
    with ExitStack() as stack:
        nginx, job = _servers(stack, listings)
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="home-", dir=job.folder))
        report = run("tests.bench.project", replace(job, folder=home, media_limits=f"{LIMIT}/{SECONDS:g}"))
        busiest = most_in_a_window(nginx.photo_moments(), SECONDS)
    told = [
        Figure(f"most photos asked for in any {SECONDS:g} s, by the server's log", busiest, LIMIT),
        Figure("share of the limit that was used", report.photos / report.seconds / LIMIT),
    ]
    print(f"\nA limit of {LIMIT} photos in {SECONDS:g} s, {report.photos} photos")
    print(figures(told))
    return told


def most_in_a_window(moments: Sequence[float], seconds: float) -> int:
    ordered = sorted(moments)
    return max((at + 1 - bisect_left(ordered, moment - seconds + 1e-6) for at, moment in enumerate(ordered)), default=0)
