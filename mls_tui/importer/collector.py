"""The garbage collector during an import, for the command line and the interface.

- Its rounds over botocore's models and whatever else had been loaded took 0.10 to 0.14 ms of each photo's 0.7 ms of
  processor time; with this, 0.007 (10,000 photos; ``python -m tests.bench --only photos``).
- With 1,000 listings a second the interface was held up for 172 to 535 ms at worst; with this, for 32 to 45
  (``python -m tests.bench.bench_lag``).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COLLECT_AFTER = 10_000
"""New objects between two collections of the youngest generation; Python's default is 700."""


@dataclass(slots=True)
class _Running:
    """The imports that run now in this process, in any thread, and the thresholds before the first."""

    count: int = 0
    usual: tuple[int, int, int] = (0, 0, 0)
    lock: threading.Lock = field(default_factory=threading.Lock)


_RUNNING = _Running()


@contextmanager
def beside_an_import() -> Iterator[None]:
    """What exists now is not walked by the garbage collector again, only freed when unused.

    Imports may overlap: the first one changes the collector, the last one restores it.
    """
    with _RUNNING.lock:
        if _RUNNING.count == 0:
            _RUNNING.usual = gc.get_threshold()
            if gc.get_freeze_count():
                gc.collect()  # what an earlier import left in cycles would never be freed otherwise
            gc.freeze()
            gc.set_threshold(COLLECT_AFTER, *_RUNNING.usual[1:])
        _RUNNING.count += 1
    try:
        yield
    finally:
        with _RUNNING.lock:
            _RUNNING.count -= 1
            if _RUNNING.count == 0:
                gc.set_threshold(*_RUNNING.usual)
