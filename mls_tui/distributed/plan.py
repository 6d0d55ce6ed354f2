"""What the reading of one page decided: kept before a message is sent, so that a page delivered twice counts once and
sends the same work. Pure; it must hold ListingKeys and versions only, no part of a record."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Seen = tuple[str, str]
"""A record as its page gave it: (ListingKey, its timestamp as served)."""

Place = tuple[str, str]
"""(timestamp, ListingKey) of the record after which the next page begins."""

OWED = 0
"""The step of the plan of what earlier imports left owing; the feed's own pages count from 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One page. ``works`` are the records that need a worker, ``counts`` what was settled at once (by ImportCounts'
    names). ``next`` is where another worker may go on, None where this page's reader has to; ``ended`` marks the feed's
    end. ``total`` is the MLS's count where it gives one; ``whole`` marks a page of a second reading, in one go."""

    step: int
    seen: tuple[Seen, ...] = ()
    works: tuple[Seen, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    next: Place | None = None
    ended: bool = False
    total: int | None = None
    whole: bool = False

    def packed(self) -> dict[str, Any]:
        """As a map of a few flat values: a page of 5,000 records stays well below an item's 400 KB."""
        place = {row: number for number, row in enumerate(self.seen)}
        # Keys hardly compress: no record is named twice.
        rows = {"seen": self.seen, "works": [place.get(row, row) for row in self.works]}
        data: dict[str, Any] = {
            "step": self.step,
            "rows": base64.b85encode(zlib.compress(json.dumps(rows, separators=(",", ":")).encode())).decode(),
            "counts": dict(self.counts),
            "ended": self.ended,
            "whole": self.whole,
        }
        if self.next is not None:
            data["next"] = list(self.next)
        if self.total is not None:
            data["total"] = self.total
        return data


def unpacked(data: Mapping[str, Any]) -> Plan:
    """The reverse of ``Plan.packed``."""
    rows = json.loads(zlib.decompress(base64.b85decode(data["rows"])))
    seen = tuple((key, at) for key, at in rows["seen"])
    place = data.get("next")
    return Plan(
        step=int(data["step"]),
        seen=seen,
        works=tuple(seen[row] if isinstance(row, int) else (row[0], row[1]) for row in rows["works"]),
        counts={name: int(count) for name, count in data["counts"].items()},
        next=None if place is None else (str(place[0]), str(place[1])),
        ended=bool(data["ended"]),
        total=int(data["total"]) if "total" in data else None,
        whole=bool(data["whole"]),
    )
