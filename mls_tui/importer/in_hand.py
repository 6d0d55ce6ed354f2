"""Which listing a task works for, so that a request that fails on its behalf is told as its own attempt, once."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class InHand:
    """``attempts`` is the highest number of an attempt that failed for this listing."""

    mls_number: str
    attempts: int = 0

    def failed(self, attempt: int) -> None:
        self.attempts = max(self.attempts, attempt)


IN_HAND: ContextVar[InHand | None] = ContextVar("listing in hand", default=None)
"""Inherited by the tasks of a listing's photos; None in the reader of pages."""
