"""Faults on demand: which request fails, how, and how many did. The same seed gives each request the same faults.

Bounded so that the contract's retries always win: a page fails at most twice in a row, whatever its URL; a listing's
own requests at most twice for good; a photo once; 429 at most twice in a row.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Literal

Resource = Literal["page", "listing", "photo"]
Kind = Literal["429", "5xx", "reset", "slow", "truncated", "expired", "html"]

_API: tuple[tuple[Kind, int], ...] = (("429", 3), ("5xx", 4), ("reset", 2), ("slow", 2))
_PHOTO: tuple[tuple[Kind, int], ...] = (
    ("truncated", 4),
    ("expired", 4),
    ("html", 2),
    ("5xx", 3),
    ("reset", 2),
    ("slow", 2),
)
_IN_A_ROW = 2
_NO_FAILURE = ("slow", "429")


@dataclass(frozen=True, slots=True)
class DemoFault:
    """One fault about to be served. ``seconds``: the delay of a slow answer, or a 429's Retry-After."""

    resource: Resource
    name: str
    kind: Kind
    seconds: float
    status: int


class Faults:
    """The faults of one server.

    Args:
        seed: None never faults.
        api_rate: share of API requests that begin a run of one or two faults.
        photo_rate: share of photos whose first request fails.
        slowest: longest delay of a slow answer, in seconds.
        retry_after: least and most whole seconds that a 429 asks for.
    """

    def __init__(
        self,
        seed: int | None,
        *,
        api_rate: float = 0.10,
        photo_rate: float = 0.03,
        slowest: float = 1.5,
        retry_after: tuple[int, int] = (1, 2),
    ) -> None:
        self.seed, self.api_rate, self.photo_rate = seed, api_rate, photo_rate
        self.slowest, self.retry_after = slowest, retry_after
        self.served: Counter[str] = Counter()
        self.by_resource: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._waiting: dict[str, list[DemoFault]] = {}
        self._visits: Counter[str] = Counter()
        self._page_streak = 0
        self._throttle_streak = 0
        self._spent: set[str] = set()
        self._refreshed: set[str] = set()

    @property
    def failures(self) -> int:
        """Faults that a client sees as exactly one failed attempt each: all but 429s and slow answers."""
        return sum(count for kind, count in self.served.items() if kind not in _NO_FAILURE)

    @property
    def throttles(self) -> int:
        """How many 429s were served."""
        return self.served["429"]

    def page(self, url: str) -> DemoFault | None:
        """The fault to serve for a request of a collection, by its path and query."""
        if self.seed is None:
            return None
        waiting = self._drawn("page", url)
        if not waiting or self._page_streak >= _IN_A_ROW or self._too_many_429(waiting[0]):
            self._waiting.pop(url)
            self._visits[url] += 1
            return None
        return waiting.pop(0)

    def listing(self, key: str, url: str) -> DemoFault | None:
        """The fault to serve for a request about one listing (its record or its Media)."""
        name = f"listing {key}"
        if self.seed is None or name in self._spent:
            return None
        waiting = self._drawn("listing", name)
        if not waiting or self._too_many_429(waiting[0]):
            self._waiting.pop(name)
            self._spent.add(name)
            return None
        return waiting.pop(0)

    def photo(self, key: str, number: int, generation: int) -> DemoFault | None:
        """The fault to serve for a photo. ``generation`` is that of its URL: an expired one works once the listing's
        Media has been read again."""
        name = f"photo {key} {number}"
        if self.seed is None or name in self._spent:
            return None
        rng = random.Random(f"{self.seed}|{name}")
        if rng.random() >= self.photo_rate:
            return None
        fault = self._fault("photo", name, _PHOTO, rng)
        if fault.kind == "expired":
            return None if generation > 0 else fault
        self._spent.add(name)
        return fault

    def generation(self, key: str) -> int:
        """The generation of the URLs to give out for a listing now."""
        return int(key in self._refreshed)

    def delivered(self, fault: DemoFault, key: str = "") -> None:
        """The fault went out whole: count it."""
        self.served[fault.kind] += 1
        self.by_resource[fault.resource][fault.kind] += 1
        self._throttle_streak = self._throttle_streak + 1 if fault.kind == "429" else 0
        if fault.resource == "page":
            self._page_streak = 0 if fault.kind == "slow" else self._page_streak + 1
        if fault.kind == "expired":
            self._refreshed.add(key)
            self._spent.add(f"listing {key}")

    def undelivered(self, fault: DemoFault) -> None:
        """The client left before the fault was served: keep it for the next request."""
        if fault.resource == "photo":
            self._spent.discard(fault.name)
        else:
            self._waiting.setdefault(fault.name, []).insert(0, fault)

    def answered(self, resource: str) -> None:
        """A request was answered without a fault: rows of faults begin again."""
        self._throttle_streak = 0
        if resource == "page":
            self._page_streak = 0

    def _drawn(self, resource: Resource, name: str) -> list[DemoFault]:
        """The faults still to serve for a name, drawn when it is first asked for and again after each success."""
        if name not in self._waiting:
            rng = random.Random(f"{self.seed}|{name}|{self._visits[name]}")
            count = rng.choice((1, 1, 2)) if rng.random() < self.api_rate else 0
            self._waiting[name] = [self._fault(resource, name, _API, rng) for _ in range(count)]
        return self._waiting[name]

    def _too_many_429(self, fault: DemoFault) -> bool:
        return fault.kind == "429" and self._throttle_streak >= _IN_A_ROW

    def _fault(
        self, resource: Resource, name: str, kinds: tuple[tuple[Kind, int], ...], rng: random.Random
    ) -> DemoFault:
        kind = rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        seconds = float(rng.randint(*self.retry_after)) if kind == "429" else rng.uniform(0.2, 1) * self.slowest
        status = rng.choice((403, 410)) if kind == "expired" else rng.choice((500, 502, 503, 504))
        return DemoFault(resource, name, kind, seconds, status)
