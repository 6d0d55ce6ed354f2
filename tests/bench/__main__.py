"""Every figure of the bench in one command: ``python -m tests.bench``. See CONTRIBUTING.md."""

from __future__ import annotations

import argparse
import sys

from tests.bench import interface, limits, listings, photos
from tests.bench.figures import Figure, figures
from tests.bench.job import Unavailable
from tests.bench.machine import facts

PARTS = ("photos", "latency", "listings", "growth", "limits", "interface")


def main() -> int:
    """1 if a target was missed, 2 if the bench cannot run."""
    asked = _asked()
    print(facts())
    told: list[Figure] = []
    try:
        for part in asked.only or PARTS:
            told += _part(part, asked)
    except Unavailable as missing:
        print(missing, file=sys.stderr)
        return 2
    print("\nAll figures with a target")
    print(figures([figure for figure in told if figure.target is not None]))
    return 0 if all(figure.met for figure in told) else 1


def _part(part: str, asked: argparse.Namespace) -> list[Figure]:
    quick, rounds = asked.quick, asked.rounds
    match part:
        case "photos":
            return photos.whole_import(rounds, 100 if quick else 1_000)
        case "latency":
            return photos.with_latency(rounds, 100 if quick else 600)
        case "listings":
            return listings.against_dlt(rounds, 2_000 if quick else 10_000, asked.dlt_python)
        case "growth":
            return listings.growth(rounds, (500, 2_000, 5_000) if quick else listings.GROWTH)
        case "limits":
            return limits.never_exceeded()
        case _:
            return interface.interface(20_000 if quick else 50_000, rounds)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be given several times")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in turn; medians are told")
    parser.add_argument("--quick", action="store_true", help="small work, to see that everything runs")
    parser.add_argument("--dlt-python", default=sys.executable, help="a Python that has dlt[duckdb]")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
