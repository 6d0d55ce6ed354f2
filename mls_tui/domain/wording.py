"""Numbers in sentences, the same in the interface and on the command line."""

from __future__ import annotations


def photo_name(index: int) -> str:
    """``photo 3`` for index 2: the interface counts photos from one; keys and JSON keep the index."""
    return f"photo {index + 1}"


def plural(number: int, noun: str) -> str:
    """``1 listing``, ``1,204 listings``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
