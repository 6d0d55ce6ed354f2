"""The work that every contestant is given, and what it reports: JSON in, JSON out, one process each. What is measured
is the work itself, inside the process: never the start of an interpreter."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path.cwd()
"""The repository: the bench is started from there."""


@dataclass(frozen=True, slots=True)
class Job:
    """Addresses of the servers, how much they hold, and how many photos may be in flight.

    ``feed`` is the first page's URL, ``base_url`` the RESO service's; empty addresses are not used by the job.
    """

    base_url: str
    feed: str
    listings: int
    photos: int
    folder: str
    s3: str = ""
    dynamodb: str = ""
    in_flight: int = 64
    photo_host: str = ""
    repeat: bool = False
    """Run it twice and report the second: a re-import of what has not changed."""
    media_limits: str = ""
    """Limits on photo requests as a connection's override has them, such as ``200/1``."""


@dataclass(slots=True)
class Report:
    """Seconds and CPU seconds of the work; ``peak_mb`` is the process's largest resident size."""

    listings: int = 0
    photos: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0
    note: str = ""
    extra: dict[str, float] = field(default_factory=dict)


class Unavailable(Exception):
    """A contestant cannot run on this machine; the text says why and what would help."""


@contextmanager
def measured(report: Report) -> Iterator[None]:
    """Fill in time, CPU and memory of what happens inside."""
    cpu, clock = time.process_time(), time.perf_counter()
    yield
    report.seconds, report.cpu = time.perf_counter() - clock, time.process_time() - cpu
    report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def given() -> Job:
    """The job that this process was started with."""
    return Job(**json.loads(sys.argv[1]))


def answer(report: Report) -> None:
    print(json.dumps(asdict(report)))


def run(module: str, job: Job, *, python: str = sys.executable, seconds: float = 900) -> Report:
    """Run ``python -m module`` on the job. Raises Unavailable where it cannot, RuntimeError where it failed."""
    command = [python, "-m", module, json.dumps(asdict(job))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode == 3:
        raise Unavailable(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3000:]}")
    return Report(**json.loads(done.stdout.strip().splitlines()[-1]))
