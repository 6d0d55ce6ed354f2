"""The index of an import: it answers as plain dictionaries would, and takes no more memory for more listings."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.errors import StorageError
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.importer import stored_index
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.storage.base import IndexEntry

entries = st.builds(
    IndexEntry,
    listing_id=st.sampled_from("lm"),
    provider=st.sampled_from(["reso", "reso", "grid"]),
    mls_number=st.sampled_from(["1", "é\0'"]),
    mls_id=st.sampled_from(["K1", "k1"]),
    connection_id=st.sampled_from(["c", "c", "d", None]),
    status=st.sampled_from(list(ListingStatus)),
    version=st.sampled_from(["", "2026"]),
    content_hash=st.sampled_from([None, "f.m"]),
    photos_missing=st.integers(0, 3),
    address_key=st.sampled_from(["12 oak", "9 elm", "", None]),
)
_ACTS = ["add", "add", "remove", "saw", "sweep", "expect"]
steps = st.lists(st.tuples(st.sampled_from(_ACTS), entries), min_size=6, max_size=25)


@dataclass
class Model:
    """The same promises, kept by dictionaries."""

    numbers: dict[tuple[str, str], IndexEntry] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    homes: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def apply(self, step: str, entry: IndexEntry) -> None:
        number, key = (entry.provider, entry.mls_number), (entry.provider, entry.mls_id)
        home = (entry.provider, entry.address_key or "")
        if step == "add":
            self.numbers[number] = entry
            self.keys[key] = entry.mls_number
            if entry.address_key:
                self.homes.setdefault(home, entry.listing_id)
        elif step == "remove":
            self.numbers.pop(number, None)
            self.keys.pop(key, None)
            self.seen.discard(number)
            if self.homes.get(home) == entry.listing_id:
                del self.homes[home]
        elif step == "saw" and number in self.numbers:
            self.seen.add(number)
        elif step == "sweep":
            self.seen.clear()

    def keyed(self, provider: str, mls_id: str) -> IndexEntry | None:
        found = self.numbers.get((provider, self.keys.get((provider, mls_id), "")))
        return found if found is not None and found.mls_id == mls_id else None

    def missed(self, connection_id: str) -> list[IndexEntry]:
        found = [entry for number, entry in self.numbers.items() if number not in self.seen]
        return [entry for entry in found if entry.connection_id == connection_id]


def of_entry(entry: IndexEntry) -> Listing:
    return Listing(
        listing_id=entry.listing_id,
        mls_id=entry.mls_id,
        mls_number=entry.mls_number,
        mls_provider=entry.provider,
        status=entry.status,
        synced_at=1,
    )


@settings(max_examples=100, deadline=None)
@given(steps, entries)
def test_the_index_answers_as_plain_dictionaries_would(taken: list[tuple[str, IndexEntry]], asked: IndexEntry) -> None:
    index, model = StoredIndex(), Model()
    sweep = index.sweep()
    identity = asked.provider, asked.mls_number
    for step, entry in taken:
        assert index.number(*identity) == model.numbers.get(identity)  # asked before, it must not be known for ever
        model.apply(step, entry)
        if step == "sweep":
            sweep = index.sweep()
        elif step == "saw":
            index.saw(entry, sweep)
        elif step == "expect":
            index.expect({entry.mls_id, asked.mls_id, "K9"})
        else:
            (index.add if step == "add" else index.remove)(entry)
    provider, mine = asked.provider, model.numbers.get(identity)
    assert index.number(*identity) == mine
    assert index.keyed(provider, asked.mls_id) == model.keyed(provider, asked.mls_id)
    anywhere = [model.keyed(mls, asked.mls_id) for mls in ("reso", "grid")]
    assert sorted(map(repr, index.of_any_mls(asked.mls_id))) == sorted(repr(entry) for entry in anywhere if entry)
    home = model.homes.get((provider, asked.address_key)) if asked.address_key else None
    other = None if mine is not None and mine.listing_id == home else home
    assert index.same_home(of_entry(asked), asked.address_key) == other
    assert sorted(map(repr, index.entries())) == sorted(map(repr, model.numbers.values()))
    assert len(index) == len(model.numbers)
    assert sorted(map(repr, index.missed("c", sweep))) == sorted(map(repr, model.missed("c")))
    lacking = [entry for entry in model.numbers.values() if entry.connection_id == "c" and entry.photos_missing]
    assert sorted(map(repr, index.lacking_photos("c"))) == sorted(map(repr, lacking))
    assert index.count("c") == sum(entry.connection_id == "c" for entry in model.numbers.values())
    index.close()


def an_entry(at: int) -> IndexEntry:
    digest = f"{at:032x}"
    return IndexEntry(
        listing_id=f"reso-B{at:07d}-1",
        provider="reso",
        mls_number=f"B{at:07d}",
        mls_id=f"K{at:07d}",
        connection_id="c",
        status=ListingStatus.ACTIVE,
        version=f"2026-06-01T00:00:00.{at:06d}Z K{at:07d}",
        content_hash=f"{digest}.{digest}",
        photos_missing=0,
        address_key=f"{at} oak street springfield il 62701",
    )


def test_what_is_expected_of_a_key_follows_every_change() -> None:
    index = StoredIndex()
    one, other = an_entry(1), replace(an_entry(1), mls_id="K9")
    index.add(one)
    index.expect({one.mls_id, other.mls_id, "K5"})
    index.add(other)
    assert (index.of_any_mls(one.mls_id), index.of_any_mls(other.mls_id)) == ([], [other])
    index.expect({one.mls_id, other.mls_id})
    index.remove(other)
    assert index.of_any_mls(other.mls_id) == []
    index.add(one)
    assert index.of_any_mls(one.mls_id) == [one]
    index.close()


async def test_entries_that_break_off_leave_no_index_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[StoredIndex] = []
    monkeypatch.setattr(StoredIndex, "close", lambda index: closed.append(index))

    async def broken() -> AsyncIterator[IndexEntry]:
        yield an_entry(1)
        raise StorageError("The table went away.")

    with pytest.raises(StorageError, match="went away"):
        await StoredIndex.read(broken())
    assert len(closed) == 1


def fill(index: StoredIndex) -> None:
    for at in range(1_000):
        index.add(an_entry(at))


def test_a_working_file_that_takes_no_more_is_told_with_what_to_do() -> None:
    index = StoredIndex()
    index._ask("PRAGMA max_page_count = 20")
    with pytest.raises(StorageError, match=r"full.*TMPDIR") as refused:
        fill(index)
    assert refused.value.fatal
    assert isinstance(refused.value.__cause__, sqlite3.Error)


_GROWTH = r"""
import re
from pathlib import Path
from tests.unit.test_importer_stored_index import StoredIndex, an_entry
index, sweep = StoredIndex(), 1
index.sweep()
def grow(low, high):
    for at in range(low, high):
        index.add(an_entry(at))
        index.saw(index.number("reso", an_entry(at).mls_number), sweep)
    # Not ru_maxrss: that begins with what the parent had.
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])
few = grow(0, 15_000)
print((grow(15_000, 30_000) - few) * 1024 // 15_000)
"""


@pytest.mark.promise(16)
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_more_listings_take_no_more_memory_in_the_index() -> None:
    done = subprocess.run([sys.executable, "-c", _GROWTH], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 100, f"{done.stdout} bytes of resident memory for each further listing"
    assert stored_index.CACHE_KB <= 4_096
