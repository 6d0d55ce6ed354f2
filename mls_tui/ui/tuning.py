"""Every setting of the interpreter and of Textual's internals that the interface changes, each with what was measured.

- ``beside_an_import``: the garbage collector walked all objects again and again. With 1,000 listings a second the
  interface was held up for 172 to 535 ms at worst; with this, for 32 to 45 (``python -m tests.bench.bench_lag``).
- ``ParsedOnce``: Textual parses the whole stylesheet twice before the first frame, which takes 126 ms of processor time
  from the start of the application; with this, 87.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from textual.css.stylesheet import Stylesheet

COLLECT_AFTER = 3_000
"""New objects between two collections of the youngest generation; Python's default is 700."""


@contextmanager
def beside_an_import() -> Iterator[None]:
    """What exists now is not walked by the garbage collector again, only freed when unused."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
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
