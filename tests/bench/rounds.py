"""Runs contestants in turn, several rounds, and keeps the medians: this machine's other work then hits all alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.job import Report, Unavailable

Contestant = Callable[[], Report]


@dataclass(frozen=True, slots=True)
class Median:
    """Per second, and CPU milliseconds for one photo (or listing, where there are no photos)."""

    per_second: float
    cpu_ms: float
    seconds: float
    peak_mb: float
    runs: int


def in_turn(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, Median]:
    """Medians by name; a contestant that is not available is left out, with a sentence on stderr."""
    reports: dict[str, list[Report]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name in list(reports):
            say(f"  round {number + 1} of {rounds}: {name}")
            try:
                reports[name].append(contestants[name]())
            except Unavailable as missing:
                say(f"  left out: {name}. {missing}")
                del reports[name]
    return {name: median(found) for name, found in reports.items() if found}


def median(reports: Sequence[Report]) -> Median:
    def middle(value: Callable[[Report], float]) -> float:
        return statistics.median(value(report) for report in reports)

    return Median(
        per_second=middle(lambda each: _units(each) / each.seconds),
        cpu_ms=middle(lambda each: each.cpu / _units(each) * 1000),
        seconds=middle(lambda each: each.seconds),
        peak_mb=middle(lambda each: each.peak_mb),
        runs=len(reports),
    )


def _units(report: Report) -> int:
    return max(1, report.photos or report.listings)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
