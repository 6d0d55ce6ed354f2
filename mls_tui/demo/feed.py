"""The listings that the server serves now: generated homes, and what a test changed since. Holds two sorted indexes and
the changes; never the records themselves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from mls_tui.demo import homes, people
from mls_tui.demo.homes import Home
from mls_tui.demo.records import Record, property_record, stamp
from mls_tui.demo.shots import Shot, shots_of


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Feed:
    """Listings by ListingKey, and the verbs by which an MLS's listings change.

    Args:
        listings: how many are Active; others come on top.
        epoch: the instant that generated timestamps lie before.
        now: the clock that stamps changes.
    """

    def __init__(
        self,
        listings: int,
        seed: int = 1,
        epoch: datetime = homes.EPOCH,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        total = listings + round(listings * homes.OTHERS_PER_ACTIVE)
        if not listings >= 0 or total > homes.MOST_HOMES:
            raise ValueError(f"listings must be between 0 and {int(homes.MOST_HOMES / 1.29):,}")
        self.seed, self.active, self.epoch, self.now = seed, listings, epoch, now
        self.version = 0
        self.people = people.members()
        self._total = self._next = total
        self._epoch_ms = _ms(epoch)
        self._times = sorted((self._generated_ms(index), homes.key_of(index)) for index in range(total))
        self._keys = sorted(key for _, key in self._times)
        self._added: dict[str, int] = {}
        self._gone: set[str] = set()
        self._fields: dict[str, Record] = {}
        self._shots: dict[str, tuple[Shot, ...]] = {}
        self._generated = lru_cache(4096)(self._generate)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._index(key) is not None

    # reading

    def listing_keys(self, status: str | None = None) -> list[str]:
        """Every ListingKey in order, or those with this StandardStatus."""
        return [key for key in self._keys if status is None or self.value(key, "StandardStatus") == status]

    def home(self, key: str) -> Home:
        """The facts behind a listing. Raises KeyError."""
        index = self._index(key)
        if index is None:
            raise KeyError(key)
        home = self._generated(index)
        if key in self._added:
            fields = self._fields.get(key, {})
            home = replace(home, key=key, mls_number=str(fields.get("ListingId", home.mls_number)), status="Active")
        return home

    def record(self, key: str) -> Record:
        """The Property record as served now, without Media. Raises KeyError."""
        record = property_record(self.home(key), self.people)
        record.update(self._fields.get(key, {}))
        return record

    def value(self, key: str, name: str) -> Any:
        """One field of a record; the key, the time and the status without building the record."""
        changed = self._fields.get(key)
        if changed is not None and name in changed:
            return changed[name]
        if name == "ListingKey":
            return key
        index = self._index(key)
        if index is not None and key not in self._added:
            if name == "ModificationTimestamp":
                return stamp(datetime.fromtimestamp(self._generated_ms(index) / 1000, UTC))
            if name == "StandardStatus":
                return homes.status_of(self.seed, index, self.active)
        return self.record(key).get(name)

    def shots(self, key: str) -> tuple[Shot, ...]:
        """A listing's photos in display order. Raises KeyError."""
        found = self._shots.get(key)
        return shots_of(self.home(key)) if found is None else found

    def photos(self, key: str) -> list[bytes]:
        """The JPEG bytes of a listing's photos in display order, as the server serves them."""
        from mls_tui.demo.paint import draw

        home = self.home(key)
        return [draw(home, shot) for shot in self.shots(key)]

    def by_time(self, start: tuple[int, str] | None, descending: bool) -> Iterator[str]:
        """Keys in order of (ModificationTimestamp in ms, ListingKey), from ``start`` on, inclusive."""
        rows = self._times
        if start is None:
            return (key for _, key in (reversed(rows) if descending else rows))
        if descending:
            return (rows[place][1] for place in range(bisect_right(rows, start) - 1, -1, -1))
        return (rows[place][1] for place in range(bisect_left(rows, start), len(rows)))

    def by_key(self, start: str | None, descending: bool) -> Iterator[str]:
        """Keys in order, from ``start`` on, inclusive."""
        keys = self._keys
        if descending:
            last = len(keys) if start is None else bisect_right(keys, start)
            return (keys[place] for place in range(last - 1, -1, -1))
        return (keys[place] for place in range(0 if start is None else bisect_left(keys, start), len(keys)))

    # changing

    def change(self, key: str, **fields: Any) -> None:
        """Set fields of a listing. ModificationTimestamp becomes later than any in the feed, unless it is given."""
        stamped = fields if "ModificationTimestamp" in fields else fields | {"ModificationTimestamp": self._later()}
        before = (_ms(self._modified(key)), key)
        self._fields[key] = self._fields.get(key, {}) | stamped
        del self._times[bisect_left(self._times, before)]
        insort(self._times, (_ms(self._modified(key)), key))
        self.version += 1

    def remove(self, key: str) -> None:
        """Take a listing out of the feed, with no trace: it answers 404 from now on. Raises KeyError."""
        if key not in self:
            raise KeyError(key)
        del self._times[bisect_left(self._times, (_ms(self._modified(key)), key))]
        del self._keys[bisect_left(self._keys, key)]
        self._gone.add(key)
        self._added.pop(key, None)
        self._fields.pop(key, None)
        self._shots.pop(key, None)
        self.version += 1

    def add(self, **fields: Any) -> str:
        """A new Active home, listed now, with these fields (its ListingKey too, if given). Returns its ListingKey."""
        index, self._next = self._next, self._next + 1
        key = str(fields.get("ListingKey", homes.key_of(index)))
        if key in self:
            raise ValueError(f"there is a listing {key} already")
        later = self._later()
        self._gone.discard(key)
        self._added[key] = index
        dates = {"OriginalEntryTimestamp": later, "ModificationTimestamp": later, "PhotosChangeTimestamp": later}
        self._fields[key] = dates | {"ListingContractDate": later[:10], "OnMarketDate": later[:10]} | fields
        insort(self._times, (_ms(self._modified(key)), key))
        insort(self._keys, key)
        self.version += 1
        return key

    def change_photo(self, key: str, place: int) -> None:
        """Replace the picture at ``place`` (0-based): new bytes, same MediaKey, later timestamps."""
        shots = list(self.shots(key))
        shots[place] = replace(shots[place], version=shots[place].version + 1)
        self._show(key, shots, touched={place})

    def remove_photo(self, key: str, place: int) -> None:
        """Drop the photo at ``place`` (0-based)."""
        shots = list(self.shots(key))
        del shots[place]
        self._show(key, shots)

    def add_photo(self, key: str, scene: str = "garden", caption: str | None = None) -> None:
        """Append a photo."""
        shots = list(self.shots(key))
        number = max((shot.number for shot in shots), default=0) + 1
        self._show(key, [*shots, Shot(number, scene, caption, 1, self.epoch)], touched={len(shots)})

    def reorder_photos(self, key: str, order: list[int]) -> None:
        """Show the photos in this order of their present 0-based places; no picture changes."""
        shots = self.shots(key)
        self._show(key, [shots[place] for place in order])

    def caption_photo(self, key: str, place: int, caption: str | None) -> None:
        """Change a caption only."""
        shots = list(self.shots(key))
        shots[place] = replace(shots[place], caption=caption)
        self._show(key, shots)

    def _show(self, key: str, shots: list[Shot], touched: set[int] | None = None) -> None:
        later = self._later()
        moment = datetime.fromisoformat(later)
        self._shots[key] = tuple(
            replace(shot, changed=moment) if place in (touched or ()) else shot for place, shot in enumerate(shots)
        )
        self.change(key, PhotosCount=len(shots), PhotosChangeTimestamp=later, ModificationTimestamp=later)

    # inside

    def _generate(self, index: int) -> Home:
        return homes.home(self.seed, index, self.active, self._epoch_ms)

    def _generated_ms(self, index: int) -> int:
        return homes.modified_ms(self.seed, index, self.active, self._epoch_ms)

    def _index(self, key: str) -> int | None:
        if key in self._gone:
            return None
        if key in self._added:
            return self._added[key]
        index = homes.index_of(key)
        return index if index is not None and index < self._total else None

    def _modified(self, key: str) -> datetime:
        return datetime.fromisoformat(self.value(key, "ModificationTimestamp"))

    def _later(self) -> str:
        """A timestamp that nothing in the feed reaches yet: now, or a millisecond past the latest."""
        latest = self._times[-1][0] if self._times else 0
        return stamp(max(self.now(), datetime.fromtimestamp(latest / 1000, UTC) + timedelta(milliseconds=1)))
