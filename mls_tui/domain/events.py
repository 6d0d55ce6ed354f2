"""The events of an import: the interface, ``--events``, the log and the run's row are all made from them
(docs/contract.md, section Events). No event holds a secret or a URL's query string."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic.alias_generators import to_camel

from mls_tui.domain.clock import iso_z
from mls_tui.domain.run import ImportResult

Outcome = Literal["created", "updated", "unchanged"]
What = Literal["listing", "photo", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base: when it happened (UTC) and the run it belongs to."""

    at: datetime
    run: str

    def to_json(self) -> dict[str, Any]:
        """``{"event": "…", "at": "…Z", "run": "…", …}`` with camelCase keys; absent values are absent keys."""
        out: dict[str, Any] = {"event": type(self).__name__, "at": iso_z(self.at), "run": self.run}
        for field in fields(self):
            if field.name in ("at", "run"):
                continue
            value = getattr(self, field.name)
            if value is not None:
                out[to_camel(field.name)] = _plain(value)
        return out


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_z(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, ImportResult):
        return value.to_contract()
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """An import begins. ``resumed``: it continues an interrupted sweep."""

    connection: str
    provider: str
    full: bool = False
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetched(Event):
    """``number`` counts from 1; ``total`` is the MLS's ``@odata.count`` if it is usable."""

    number: int
    records: int
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingStarted(Event):
    """``photos`` is how many photos will be fetched for it."""

    mls_number: str
    listing_key: str
    address: str = ""
    photos: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """Attempt ``attempt`` of ``of`` failed; the next follows in ``wait`` seconds, or none if None."""

    what: What
    attempt: int
    of: int
    wait: float | None
    cause: str
    mls_number: str | None = None
    listing_key: str | None = None
    photo_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoStored(Event):
    mls_number: str
    listing_key: str
    photo_index: int
    key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFailed(Event):
    mls_number: str
    listing_key: str
    photo_index: int
    cause: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingStored(Event):
    """``outcome`` is ``unchanged`` if nothing was written. ``photos_missing`` of its ``photos`` could not be fetched.
    ``replaces`` is the outcome that the listing counted as in this run before: a listing counts once per run."""

    mls_number: str
    listing_key: str
    outcome: Outcome
    listing_id: str
    photos: int = 0
    photos_missing: int = 0
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRemoved(Event):
    """A stored listing was deleted, as its MLS hides it, or was marked off-market, as it left the feed."""

    mls_number: str
    listing_key: str
    listing_id: str
    reason: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingSkipped(Event):
    """A record outside the import's scope. Nothing is stored for it."""

    mls_number: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFailed(Event):
    mls_number: str
    listing_key: str
    error: str
    attempts: int
    quarantined: bool = False
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Event):
    """The provider asked us to wait; requests to ``host`` resume at ``until``."""

    until: datetime
    why: str
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    result: ImportResult
