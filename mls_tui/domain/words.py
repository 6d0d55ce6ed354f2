"""Numbers in sentences, the same in the interface and on the command line."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """``1 listing``, ``1,204 listings``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
