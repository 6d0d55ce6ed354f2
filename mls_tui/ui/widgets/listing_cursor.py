"""Where the user is in a list of rows and what is marked: pure state, so that new rows cannot lose it."""

from __future__ import annotations

from collections.abc import Sequence


class Cursor:
    """A place in a view (row numbers in order) and the marked rows. Indices count from 0 within the view."""

    def __init__(self) -> None:
        self.view: Sequence[int] = ()
        self.index = 0
        self.touched = False
        """False until the user moved or marked: an untouched cursor stays at the top while rows stream in."""
        self.marks: set[int] = set()
        self._anchor: int | None = None
        self._before: frozenset[int] = frozenset()

    @property
    def row(self) -> int | None:
        """The row under the cursor; None in an empty view."""
        return self.view[self.index] if self.index < len(self.view) else None

    def show(self, view: Sequence[int]) -> None:
        """Another view: the cursor stays on its row; where that is gone, on the same place."""
        row = self.row
        self.view = view
        self._anchor = None
        if not self.touched:
            self.index = 0
            return
        try:
            self.index = view.index(row) if row is not None else self.index
        except ValueError:
            self.index = max(0, min(self.index, len(view) - 1))

    def move(self, index: int) -> bool:
        """Go to a place, kept inside the view; True where that is another one. Ends a range."""
        self.touched = True
        self._anchor = None
        return self._go(index)

    def extend(self, index: int) -> None:
        """Mark from where the range began to ``index``; a range that shrinks gives back what it had marked."""
        if not self.view:
            return
        self.touched = True
        if self._anchor is None:
            self._anchor = self.index
            self._before = frozenset(self.marks)
        self._go(index)
        low, high = sorted((self._anchor, self.index))
        self.marks = set(self._before) | set(self.view[low : high + 1])

    def toggle(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        row = self.row
        self.touched = True
        self._anchor = None
        if row is not None:
            self.marks ^= {row}

    def toggle_all(self) -> None:
        """Mark every row of the view; where all are marked, unmark them."""
        visible = set(self.view)
        self.touched = True
        self._anchor = None
        self.marks = self.marks - visible if visible <= self.marks else self.marks | visible

    def forget(self, rows: set[int]) -> None:
        """Rows that no longer exist carry no mark."""
        self.marks -= rows

    def _go(self, index: int) -> bool:
        index = max(0, min(index, len(self.view) - 1))
        changed = index != self.index
        self.index = index
        return changed
