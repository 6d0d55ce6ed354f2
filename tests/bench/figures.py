"""A figure with its target, and how the bench prints tables. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.rounds import Median

LAST_RELEASE = {
    "photos/s against the textbook pipeline": 10.5,
    "CPU a photo against the textbook pipeline": 0.10,
    "CPU a photo against aiohttp + obstore": 1.45,
    "photos/s against the textbook pipeline at its best": 9.4,
    "photos/s against the floor at 64 in flight": 0.82,
    "listings/s against dlt into DuckDB": 3.4,
    "unchanged re-import against the first import": 0.16,
    "time a listing, 100,000 against 1,000": 1.0,
    "peak memory, 100,000 against 10,000": 1.14,
    "most photos asked for in any 1 s, by the server's log": 200,
    "event-loop lag during an import, p99": 27,
}
"""By the names of the figures; those of the whole work, not of ``--quick``."""


@dataclass(frozen=True, slots=True)
class Figure:
    """``target`` is the least (``at_least``) or the most that is wanted; None if there is none."""

    name: str
    value: float
    target: float | None = None
    at_least: bool = False
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.target is None or (self.value >= self.target if self.at_least else self.value <= self.target)

    def line(self) -> list[str]:
        wanted = "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g}{self.unit}"
        verdict = "" if self.target is None else "met" if self.met else "MISSED"
        last = f"{LAST_RELEASE[self.name]:g}{self.unit}" if self.name in LAST_RELEASE else ""
        return [self.name, f"{self.value:.3g}{self.unit}", last, wanted, verdict]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])

    return "\n".join([line(head), "  ".join("─" * width for width in widths), *map(line, rows)])


def medians(found: Mapping[str, Median], unit: str) -> str:
    """One line a contestant; ``unit`` is photo or listing."""
    rows = [
        [name, f"{m.per_second:,.0f}", f"{m.cpu_ms:.3f}", f"{m.seconds:.2f}", f"{m.peak_mb:.0f}" if m.peak_mb else ""]
        for name, m in found.items()
    ]
    return table(["", f"{unit}s/s", f"CPU ms a {unit}", "seconds", "peak MB"], rows)


def figures(found: Sequence[Figure]) -> str:
    return table(["", "measured", "last release", "wanted", ""], [each.line() for each in found])
