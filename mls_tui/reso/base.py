"""The source's protocol: what the importer asks of an MLS, whoever serves it. No parsing of fields happens here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mls_tui.domain.connection import Cursor, Member
from mls_tui.domain.errors import MLSError
from mls_tui.domain.listing import ListingStatus

RawRecord = Mapping[str, Any]
"""A record as the feed serves it: RESO field names, JSON types."""


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """Which records a sweep asks for.

    ``statuses`` empty means records of every status (an incremental sweep follows all changes). ``since`` is the raw
    watermark to start from, inclusive, already less the preset's overlap; ``resume_after`` is the (timestamp, key) of
    the last record that an interrupted sweep stored. ``bare`` asks for keys, numbers, statuses and timestamps only:
    which records there are, and not what is in them.
    """

    statuses: frozenset[ListingStatus] = frozenset()
    since: str | None = None
    resume_after: tuple[str, str] | None = None
    mls_numbers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    limit: int | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a feed, in the order served, with no record that an earlier page of this sweep already gave
    in the same version. ``total`` is the feed's count if it is usable. ``complete`` is set on the last page:
    True if the sweep provably reached its end with as many records as the feed counts."""

    number: int
    records: Sequence[RawRecord]
    total: int | None = None
    last: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request to the MLS failed and is tried again in ``wait`` seconds (None: given up)."""

    attempt: int
    of: int
    wait: float | None
    cause: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The provider answered 429 (or its budget is used up): nothing is sent to ``host`` until ``until``."""

    until: datetime
    why: str
    host: str
    answered: bool = True
    """True for an answer of the provider's (a 429), False if our own budget waits before sending."""


Notice = RequestFailed | Paused
Observer = Callable[[Notice], None]


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a rate budget, for the gauge: ``used`` of ``limit`` in ``seconds``; unit requests or bytes."""

    host: str
    seconds: float
    limit: int
    used: int
    unit: str = "requests"


@dataclass(frozen=True, slots=True)
class PhotoBytes:
    """A photo as served: its bytes, what they are by magic number, and their SHA-256 (hex)."""

    body: bytes = field(repr=False)
    content_type: str
    extension: str
    sha256: str


class MediaCutError(MLSError):
    """Of a listing's Media there may be more than ``rows``, and no way to it."""

    def __init__(self, rows: Sequence[RawRecord]) -> None:
        super().__init__(
            f"The MLS gave {len(rows)} Media rows and does not let further ones be read: it sends no next-page link, "
            "and respects neither $skip nor an order by MediaKey. Ask the provider how to page its Media resource."
        )
        self.rows = rows


class Connector(Protocol):
    """One signed-in MLS. Methods raise ``MLSError`` or ``AuthenticationError`` (domain.errors), never httpx's."""

    provider: str
    """The preset's name."""

    async def authenticate(self) -> None:
        """Sign in, or check and renew the token if that is possible.

        Raises:
            ConnectionExpiredError: the token has expired and cannot be renewed.
            AuthenticationError: the MLS refused the credentials.
        """
        ...

    def pages(self, query: FeedQuery) -> AsyncIterator[Page]:
        """Every record that matches, page by page, to the end (docs/reso-feeds.md, section 1)."""
        ...

    async def count(self, query: FeedQuery) -> int | None:
        """How many records match, if the MLS says so."""
        ...

    async def listing(self, listing_key: str) -> RawRecord | None:
        """One record with its Media; None if it is gone."""
        ...

    async def media(self, record: RawRecord) -> list[RawRecord]:
        """All Media rows of a record: those that came with it if they are whole, else fetched.

        Raises:
            MediaCutError: there may be more than could be had.
        """
        ...

    async def open_houses_changed(self, since: str) -> list[str]:
        """ListingKeys whose open houses changed since a moment, so that their records are to be read again."""
        ...

    async def fresh_media(self, listing_key: str) -> list[RawRecord]:
        """The record's Media read again, as far as it can be had, for URLs that have expired."""
        ...

    async def photo(self, url: str) -> PhotoBytes:
        """One attempt at one photo. Raises PhotoError (docs/reso-feeds.md, section 5)."""
        ...

    def masked(self, text: str) -> str:
        """``text`` without the secrets of the connection: for an address that is to be kept."""
        ...

    async def member(self) -> Member:
        """Agent and office of the signed-in member, as far as the MLS shows them."""
        ...

    def since(self, cursor: Cursor) -> str | None:
        """The watermark less the preset's overlap, as text for ``FeedQuery.since``."""
        ...

    def budget(self) -> Sequence[Window]:
        """The rate windows as they stand, for the gauge."""
        ...

    async def disconnect(self) -> None:
        """Revoke the token if the provider can; never raises for one that cannot."""
        ...

    async def close(self) -> None: ...
