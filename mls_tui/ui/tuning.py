"""Every setting of the interpreter and of Textual's internals that the interface changes, each with what was measured.

- ``quick_switching``: Python lets a thread hold the interpreter for 5 ms. With that and five busy threads an import of
  the demo stored 60 listings in 10 s and now and then held the interface for 0.2 s; with half a millisecond, 95.
- ``beside_an_import``: the garbage collector walked all objects every second, up to 60 ms in which nothing is painted.
- ``ParsedOnce``: Textual parses the whole stylesheet twice before the first frame, a tenth of a second.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from textual.css.stylesheet import Stylesheet

SWITCH_SECONDS = 0.0005
COLLECT_AFTER = 3_000
"""New objects between two collections of the youngest generation; Python's default is 700."""

_usual_intervals: list[float] = []
"""One for each block that is open; a second may open before the first ends."""


@contextmanager
def quick_switching() -> Iterator[None]:
    """Within it, a thread that holds the interpreter gives it up after half a millisecond. From one thread only."""
    _usual_intervals.append(sys.getswitchinterval())
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        usual = _usual_intervals[0]
        _usual_intervals.pop()
        if not _usual_intervals:
            sys.setswitchinterval(usual)


@contextmanager
def beside_an_import() -> Iterator[None]:
    """Quick switching; and what exists now is not walked by the garbage collector again, only freed when unused."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
        with quick_switching():
            yield
    finally:
        gc.set_threshold(*usual)


class ParsedOnce(Stylesheet):
    """Parses again only if the variables change, as with another theme. New sources alone are added to the rest."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parsed_with = variables
        self._same = True

    def set_variables(self, variables: dict[str, str]) -> None:
        self._same = variables == self._parsed_with
        if not self._same:
            self._parsed_with = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        if not self._same:
            super().reparse()
