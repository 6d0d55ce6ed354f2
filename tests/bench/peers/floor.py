"""Compiles and runs the floor, a copier in C: what these servers and this machine can do at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.job import Job, Report, answer, given


def compiled(folder: Path) -> Path | None:
    """The program in ``folder``; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    program = folder / "floor"
    if compiler and not program.exists():
        source = str(Path(__file__).with_name("floor.c"))
        subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-pthread", "-o", str(program), source], check=True)
    return program if compiler else None


def work(job: Job, program: Path) -> Report:
    photos = job.listings * job.photos
    ports = [str(urlsplit(url).port) for url in (job.photo_host, job.s3)]
    done = subprocess.run(
        [str(program), *ports, str(photos), str(job.in_flight)], capture_output=True, text=True, check=True
    )
    seconds, cpu = (float(word) for word in done.stdout.split())
    return Report(job.listings, photos, seconds, cpu)


if __name__ == "__main__":
    given_job = given()
    ready = compiled(Path(given_job.folder))
    if ready is None:
        print("There is no C compiler for the floor: `apt-get install gcc`.")
        sys.exit(3)
    answer(work(given_job, ready))
