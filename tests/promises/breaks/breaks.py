"""What one deliberate fault is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Break:
    """``old``, which stands in ``file`` (below ``mls_tui``) exactly once, becomes ``new``: then each of ``tests``
    (``<file below tests>::<function>``) must fail. ``promise`` is the number of a line in the README, or a
    name of ``PROMISES``."""

    promise: int | str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
