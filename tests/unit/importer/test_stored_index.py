"""The index of an import answers as plain lists would, and its memory per listing is small."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.listing import ListingStatus
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.storage.base import IndexEntry

entries = st.builds(
    IndexEntry,
    listing_id=st.sampled_from(["reso-1-1780000000000", "grid-1-0000000000000", "é\"'"]),
    provider=st.sampled_from(["reso", "reso", "grid"]),
    mls_number=st.sampled_from(["1", "é\0'"]),
    mls_id=st.sampled_from(["K1", "k1"]),
    connection_id=st.sampled_from(["c", "c", "d", None]),
    source=st.sampled_from(["a.example", "b.example", None]),
    status=st.sampled_from(list(ListingStatus)),
    version=st.sampled_from(["", "2026", "00001780000000000000"]),
    content_hash=st.sampled_from([None, "f.m"]),
    photos_missing=st.integers(0, 3),
    address_key=st.sampled_from(["12 oak", "9 elm", "", None]),
)
steps = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove", "saw", "sweep", "count"]), entries), min_size=6, max_size=25
)


@dataclass
class Model:
    """The same promises, kept by dictionaries."""

    rows: dict[str, IndexEntry] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    sweep: int = 1

    def apply(self, step: str, entry: IndexEntry) -> None:
        listing_id = entry.listing_id
        if step == "add":
            self.rows[listing_id] = entry
        elif step == "remove":
            self.rows.pop(listing_id, None)
            self.met.pop(listing_id, None)
            self.counted.discard(listing_id)
        elif step == "sweep":
            self.sweep += 1
        elif listing_id in self.rows:
            if step == "saw":
                self.met[listing_id] = self.sweep
            else:
                self.counted.add(listing_id)


def in_order(found: object) -> list[str]:
    return sorted(map(repr, found))  # type: ignore[call-overload]


@settings(max_examples=100, deadline=None)
@given(steps, entries)
def test_the_index_answers_as_plain_dictionaries_would(taken: list[tuple[str, IndexEntry]], asked: IndexEntry) -> None:
    index, model = StoredIndex(), Model()
    index.begin_sweep()
    for step, entry in taken:
        model.apply(step, entry)
        match step:
            case "add":
                index.add(entry)
            case "remove":
                index.remove(entry)
            case "saw":
                index.mark_seen(entry, model.sweep)
            case "count":
                index.set_outcome(entry, "updated")
            case _:
                assert index.begin_sweep() == model.sweep
        assert index.get(asked.listing_id) == model.rows.get(asked.listing_id)
    rows = model.rows.values()
    wanted = (asked.provider, asked.mls_number)
    assert in_order(index.by_listing_key(asked.mls_id)) == in_order(row for row in rows if row.mls_id == asked.mls_id)
    assert in_order(index.by_mls_number(*wanted)) == in_order(r for r in rows if (r.provider, r.mls_number) == wanted)
    home = (asked.provider, asked.address_key)
    homes = {row.listing_id for row in rows if (row.provider, row.address_key) == home and row.address_key}
    found = index.at_address(*home)
    assert found in homes if homes else found is None
    assert in_order(index) == in_order(rows)
    assert len(index) == len(rows)
    missed = [r for r in rows if r.connection_id == "c" and model.met.get(r.listing_id, 0) < model.sweep]
    assert in_order(index.unseen("c", model.sweep)) == in_order(missed)
    assert index.seen(asked) == (asked.listing_id in model.met)
    assert index.outcome_of(asked) == ("updated" if asked.listing_id in model.counted else "")


def an_entry(at: int) -> IndexEntry:
    digest = f"{at:016x}"
    return IndexEntry(
        listing_id=f"reso-B{at:07d}-1780000000000",
        provider="reso",
        mls_number=f"B{at:07d}",
        mls_id=f"K{at:07d}",
        connection_id="c",
        source="mls.example",
        status=ListingStatus.ACTIVE,
        version=f"{at:020d}",
        content_hash=f"{digest}.{digest}.{digest}",
        photos_missing=0,
        address_key=f"{at} oak street|62701",
    )


def test_of_two_listings_at_one_address_the_first_keeps_it_until_it_goes() -> None:
    first, second = an_entry(1), replace(an_entry(2), address_key=an_entry(1).address_key)
    index = StoredIndex.of([first, second])
    assert index.at_address("reso", first.address_key) == first.listing_id
    index.remove(first)
    assert index.at_address("reso", first.address_key) == second.listing_id


@pytest.mark.promise(5)
def test_a_new_id_is_nobody_elses_and_the_same_for_every_attempt() -> None:
    index = StoredIndex.of([replace(an_entry(1), listing_id="reso.north-shore-100-7")])
    mine = index.new_id("reso.north", "shore-100", "2", 7)
    assert mine == "reso.north-shore-100-8"
    assert index.new_id("reso.north-shore", "100", "3", 7) == "reso.north-shore-100-9"
    assert index.new_id("reso.north", "shore-100", "2", 7) == mine
    index.mark_taken(mine)
    assert index.new_id("reso.north", "shore-100", "2", 7) == "reso.north-shore-100-10"


_GROWTH = r"""
import re
from pathlib import Path
from tests.unit.importer.test_stored_index import StoredIndex, an_entry
index, sweep = StoredIndex(), 1
index.begin_sweep()
def grow(low, high):
    for at in range(low, high):
        index.add(an_entry(at))
        index.mark_seen(index.by_listing_key(an_entry(at).mls_id)[0], sweep)
    # Not ru_maxrss: that begins with what the parent had.
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])
few = grow(0, 15_000)
print((grow(15_000, 30_000) - few) * 1024 // 15_000)
"""


@pytest.mark.promise(16)
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_a_listing_takes_less_than_300_bytes_of_the_index() -> None:
    done = subprocess.run([sys.executable, "-c", _GROWTH], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 300, f"{done.stdout} bytes of resident memory for each further listing"
