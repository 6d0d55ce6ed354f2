"""What the interpreter does by itself while the interface shares it with work that holds it: change threads, after 5 ms
that are felt, and collect garbage. The usual way comes back with the end of the work."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.0005
"""How long a thread may hold the interpreter while the interface waits for it. With Python's 5 ms and five busy threads
an import of the demo stored 60 listings in 10 s and now and then held the interface for 0.2 s; with this, 95."""

FRAME_SECONDS = 0.02
"""The same while a frame is painted. A frame takes the interface 10 ms; in turns with two busy threads it took 40."""

COLLECT_AFTER = 3_000
"""New objects between two collections of the youngest, not Python's 700."""

_users: list[float] = []
"""One for each under way, the first the interval that was usual before them: a second begins before the first ends."""


@contextmanager
def quick_switching() -> Iterator[None]:
    """Within it, a thread that holds the interpreter gives it up after half a millisecond. From one thread only."""
    _users.append(0.0 if _users else sys.getswitchinterval())
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        usual = _users[0]
        _users.pop()
        if not _users:
            sys.setswitchinterval(usual)


@contextmanager
def undivided() -> Iterator[None]:
    """Within it, the interface is not interrupted for long by the threads that ``quick_switching`` gives turns."""
    if _users:
        sys.setswitchinterval(FRAME_SECONDS)
    try:
        yield
    finally:
        if _users:
            sys.setswitchinterval(SWITCH_SECONDS)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Beside an import, the collector walked all its objects every second: up to 60 ms in which nothing is painted.

    What exists now is walked no more; it is still freed when nothing refers to it.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
