"""The columns of the listings table: which fit into a width, how wide they are, and what stands in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mls_tui.ui.widgets.listing_rows import ListingRows

MARK_WIDTH = 2
STATUS_GLYPHS = {"active": "●", "pending": "◐", "sold": "✔", "expired": "○"}
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """``least`` and ``most`` are widths in cells; ``short`` is the title where the column is narrow."""

    key: str
    title: str
    short: str
    least: int
    most: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Laid:
    """A column with its place: first cell and width."""

    column: Column
    x: int
    width: int

    @property
    def title(self) -> str:
        return self.column.title if len(self.column.title) < self.width else self.column.short


COLUMNS = (
    Column("status", "Status", "", 1, 10),
    Column("price", "Price", "Price", 10, 12, right=True),
    Column("beds", "Beds", "Bd", 3, 5, right=True),
    Column("baths", "Baths", "Ba", 3, 6, right=True),
    Column("sqft", "ft²", "ft²", 6, 8, right=True),
    Column("address", "Address", "Address", 14, 44),
    Column("city", "City", "City", 8, 20),
    Column("type", "Type", "Type", 9, 24),
    Column("mls", "MLS №", "MLS №", 9, 14),
    Column("listed", "Listed", "Listed", 10, 10),
    Column("photos", "Photos", "Photo", 6, 7, right=True),
    Column("synced", "Synced", "Sync", 7, 10, right=True),
)
_BY_KEY = {column.key: column for column in COLUMNS}
_TITLES = {column.key: column.title for column in COLUMNS}

_FIRST = ("status", "price", "address", "beds", "baths", "sqft", "city", "photos")
_THEN = ("listed", "type", "synced", "mls")
_STATUS_WORD = 9
_GROW_FIRST = (("address", 20), ("city", 11))
_GROW_STEPS = (("address", 26), ("type", 14), ("city", 14), ("address", 44))


def title_of(key: str) -> str:
    """The full title of a column, for sentences."""
    return _TITLES[key]


def lay_out(width: int) -> tuple[Laid, ...]:
    """The columns that fit into ``width`` cells, most telling first, in the order of COLUMNS.

    What does not fit is left out whole; the detail screen shows everything.
    """
    gap = 1 if width < 110 else 2
    free = width - MARK_WIDTH
    widths: dict[str, int] = {}
    for key in _FIRST:
        free = _add(widths, key, free, gap)
    if "status" in widths and free >= _STATUS_WORD - 1:
        widths["status"] = _STATUS_WORD
        free -= _STATUS_WORD - 1
    free = _grow(widths, free, _GROW_FIRST)
    for key in _THEN:
        free = _add(widths, key, free, gap)
    _grow(widths, free, (*_GROW_STEPS, *((column.key, column.most) for column in COLUMNS)))
    laid, x = [], MARK_WIDTH
    for column in COLUMNS:
        if column.key in widths:
            laid.append(Laid(column, x, widths[column.key]))
            x += widths[column.key] + gap
    return tuple(laid)


def _add(widths: dict[str, int], key: str, free: int, gap: int) -> int:
    need = _BY_KEY[key].least + (gap if widths else 0)
    if need > free:
        return free
    widths[key] = _BY_KEY[key].least
    return free - need


def _grow(widths: dict[str, int], free: int, steps: Iterable[tuple[str, int]]) -> int:
    for key, wanted in steps:
        if key in widths and not (key == "status" and widths[key] == 1):
            more = max(0, min(free, wanted - widths[key]))
            widths[key] += more
            free -= more
    return free


def cell_text(rows: ListingRows, row: int, key: str, now_ms: int) -> str:
    """What stands in a cell, not yet cut or padded. Feed text in it is not yet made safe to show."""
    return _CELLS[key](rows, row, now_ms)


def cell_look(rows: ListingRows, row: int, key: str) -> str:
    """The name of the cell's colour: a status, ``warning``, ``dim``, ``strong``, or nothing."""
    if key == "status":
        return rows.columns.status[row]
    if key == "photos" and rows.photos_stored[row] < rows.photos_total[row]:
        return "warning"
    if key == "price":
        return "strong"
    return "dim" if key in ("listed", "synced", "mls", "type") else ""


def money(value: float | None) -> str:
    """``$450,000``; the feed's currency unit is taken as the dollar."""
    return NOTHING if value is None else f"${value:,.0f}"


def number(value: float | None) -> str:
    """``3``, ``2.5``, ``1,850``."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def age(then_ms: int, now_ms: int) -> str:
    """``now``, ``5 min``, ``3 h``, ``2 d``, else how many weeks or years."""
    seconds = max(0, now_ms - then_ms) / 1000
    if seconds < 60:
        return "now"
    for unit, size, limit in (("min", 60, 3600), ("h", 3600, 86_400), ("d", 86_400, 14 * 86_400)):
        if seconds < limit:
            return f"{int(seconds // size)} {unit}"
    weeks = int(seconds // (7 * 86_400))
    return f"{weeks} wk" if weeks < 104 else f"{weeks // 52} y"


def _photos(rows: ListingRows, row: int, _now: int) -> str:
    total = rows.photos_total[row]
    return f"{rows.photos_stored[row]}/{total}" if total else NOTHING


_CELLS: dict[str, Callable[[ListingRows, int, int], str]] = {
    "status": lambda r, i, _: f"{STATUS_GLYPHS.get(r.columns.status[i], '?')} {r.columns.status[i].capitalize()}",
    "price": lambda r, i, _: money(r.columns.price[i]),
    "beds": lambda r, i, _: number(r.columns.beds[i]),
    "baths": lambda r, i, _: number(r.columns.baths[i]),
    "sqft": lambda r, i, _: number(r.columns.sqft[i]),
    "address": lambda r, i, _: r.addresses[i] or "(address withheld)",
    "city": lambda r, i, _: r.cities[i] or NOTHING,
    "type": lambda r, i, _: r.types[i] or NOTHING,
    "mls": lambda r, i, _: r.mls_numbers[i],
    "listed": lambda r, i, _: r.list_dates[i] or NOTHING,
    "photos": _photos,
    "synced": lambda r, i, now: age(r.synced[i], now),
}
