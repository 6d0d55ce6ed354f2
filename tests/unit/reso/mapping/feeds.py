"""Records, presets and strategies that the mapping tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from mls_tui.domain.listing import Listing
from mls_tui.reso.mapping.record import Mapped, Verdict, map_record
from mls_tui.reso.presets import preset

SHARED = Path(__file__).resolve().parents[4].parent / "shared"
RESO = preset("reso")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**5000)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(), max_size=40)
    | st.sampled_from(["", "None", "TBD", "\x1b[31m", "&lt;b&gt;", "\ud800", "12.0", "$1,234,000", "Active", "Photo"])
)
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def feed(path: str) -> Any:
    """A payload of ../shared/feeds; the test is skipped where the folder does not stand beside the project."""
    file = SHARED / "feeds" / path
    if not file.exists():
        pytest.skip("the payloads of ../shared/feeds are not here")
    return json.loads(file.read_text())


def record(**fields: Any) -> dict[str, Any]:
    """A small good record; a field given as None is null in it."""
    return {"ListingKey": "K1", "ListingId": "A1", "StandardStatus": "Active", **fields}


def verdict(provider: str = "reso", **fields: Any) -> Verdict:
    return map_record(record(**fields), preset(provider))


def mapped(**fields: Any) -> Listing:
    """The listing of a record that must map."""
    found = verdict(**fields)
    assert isinstance(found, Mapped), found
    return found.listing


def warnings_of(**fields: Any) -> list[str]:
    found: list[str] = []
    map_record(record(**fields), RESO, warn=found.append)
    return found
