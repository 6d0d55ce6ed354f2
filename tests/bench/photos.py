"""Whole imports with photos, against what somebody would write instead: on the servers' own speed, and with latency."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.bench import feed, servers
from tests.bench.figures import Figure, figures, medians
from tests.bench.job import Job, Report, run
from tests.bench.rounds import Contestant, Median, in_turn

PHOTOS = 10
LATENCY_SECONDS = 0.05
IN_FLIGHT = 64
TEXTBOOK_AT = (16, 32, 64)


def workplace() -> Path | None:
    """A disk in memory where there is one: the disk's speed is nobody's merit here."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else None


def whole_import(rounds: int, listings: int) -> list[Figure]:
    """Everything on loopback at full speed; prints its table."""
    with ExitStack() as stack:
        nginx, job = _servers(stack, listings)
        runs = {
            "floor (C)": _stored(nginx, "tests.bench.peers.floor", job),
            "aiohttp + obstore": _stored(nginx, "tests.bench.peers.copier", job),
            "mls_tui": _project(nginx, job),
            "textbook": _stored(nginx, "tests.bench.peers.textbook", replace(_end_of(job), in_flight=16)),
            "plain script": _stored(nginx, "tests.bench.peers.script", _end_of(job)),
        }
        found = in_turn(runs, rounds)
    print(f"\nWhole import, {listings} listings with {PHOTOS} photos of {feed.PHOTO_BYTES // 1000} KB, loopback")
    print(medians(found, "photo"), end="\n\n")
    ours, textbook, copier = found["mls_tui"], found["textbook"], found["aiohttp + obstore"]
    told = [
        Figure("photos/s against the textbook pipeline", ours.per_second / textbook.per_second, 6, True, "×"),
        Figure("CPU a photo against the textbook pipeline", ours.cpu_ms / textbook.cpu_ms, 0.2, unit="×"),
        Figure("CPU a photo against aiohttp + obstore", ours.cpu_ms / copier.cpu_ms, 2.0, unit="×"),
        *_floor(found, ours, "photos/s against the floor", None),
    ]
    print(figures(told))
    return told


def with_latency(rounds: int, listings: int) -> list[Figure]:
    """Each photo answered 50 ms after it was asked for; the textbook pipeline at its best concurrency."""
    with ExitStack() as stack:
        nginx, job = _servers(stack, listings, latency=True)
        runs = {
            f"floor (C), {IN_FLIGHT}": _stored(nginx, "tests.bench.peers.floor", job),
            f"aiohttp + obstore, {IN_FLIGHT}": _stored(nginx, "tests.bench.peers.copier", job),
            f"mls_tui, {IN_FLIGHT}": _project(nginx, job),
        }
        for count in TEXTBOOK_AT:
            job_of_it = replace(_end_of(job), in_flight=count)
            runs[f"textbook, {count}"] = _stored(nginx, "tests.bench.peers.textbook", job_of_it)
        found = in_turn(runs, rounds)
    print(f"\nThe same with {LATENCY_SECONDS * 1000:.0f} ms of latency a photo; the number in flight beside the name")
    print(medians(found, "photo"), end="\n\n")
    ours = found[f"mls_tui, {IN_FLIGHT}"]
    best = max(found[f"textbook, {count}"].per_second for count in TEXTBOOK_AT)
    told = [
        Figure("photos/s against the textbook pipeline at its best", ours.per_second / best, 6, True, "×"),
        *_floor(found, ours, f"photos/s against the floor at {IN_FLIGHT} in flight", 0.7),
    ]
    print(figures(told))
    return told


def _floor(found: dict[str, Median], ours: Median, name: str, target: float | None) -> list[Figure]:
    floor = next((each for name, each in found.items() if name.startswith("floor")), None)
    return [Figure(name, ours.per_second / floor.per_second, target, True, "×")] if floor else []


def _servers(stack: ExitStack, listings: int, *, latency: bool = False) -> tuple[servers.Nginx, Job]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mls-tui-bench-", dir=workplace())))
    feed.write_photo(folder)
    nginx = stack.enter_context(servers.Nginx(folder))
    table = stack.enter_context(servers.dynamodb())
    host = stack.enter_context(servers.slow_photos(folder, LATENCY_SECONDS)) if latency else nginx
    base = f"{nginx.url}/odata"
    feed.write_pages(folder, listings=listings, photos=PHOTOS, base_url=base, photo_url=f"{host.url}/photos")
    job = Job(base, f"{base}/Property", listings, PHOTOS, str(folder), nginx.url, table.url, IN_FLIGHT, host.url)
    return nginx, job


def _end_of(job: Job) -> Job:
    """The last page of the work alone: enough to tell how many photos a second a slow peer moves."""
    return replace(job, feed=f"{job.feed}?cursor={-(-job.listings // feed.PAGE)}")


def _stored(nginx: servers.Nginx, module: str, job: Job) -> Contestant:
    def contestant() -> Report:
        try:
            return run(module, job)
        finally:
            nginx.forget_objects()

    return contestant


def _project(nginx: servers.Nginx, job: Job) -> Contestant:
    def contestant() -> Report:
        with tempfile.TemporaryDirectory(prefix="home-", dir=job.folder) as home:
            return _stored(nginx, "tests.bench.project", replace(job, folder=home))()

    return contestant
