"""The interface between the importer and an MLS: ``Connector``, and what it receives and returns."""

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
    """Which records a sweep reads.

    No ``statuses`` means every status. ``since`` is the timestamp to start from, inclusive: the watermark less the
    preset's overlap. ``resume_after`` is the (timestamp, key) of the last record that an interrupted sweep stored.
    ``bare`` reads only keys, numbers, statuses and timestamps.
    """

    statuses: frozenset[ListingStatus] = frozenset()
    since: str | None = None
    resume_after: tuple[str, str] | None = None
    mls_numbers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    limit: int | None = None
    bare: bool = False


@dataclass(slots=True)
class Page:
    """One page of a sweep. Its records are in the order served and were in no earlier page in the same version.

    ``total`` is the server's count of matching records. ``complete``, on the last page: as many records were read as
    the server counts.
    """

    number: int
    records: Sequence[RawRecord]
    total: int | None = None
    last: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request to the MLS failed. It is sent again in ``wait`` seconds; None: it is not."""

    attempt: int
    of: int
    wait: float | None
    cause: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing is sent to ``host`` until ``until``, because of a 429 or of our own rate limit."""

    until: datetime
    why: str
    host: str
    answered: bool = True
    """True after a 429, False if our own rate limit waits."""


Notice = RequestFailed | Paused
Observer = Callable[[Notice], None]


@dataclass(frozen=True, slots=True)
class Window:
    """How much of one rate limit is used: ``used`` of ``limit`` requests or bytes (``unit``) in ``seconds``."""

    host: str
    seconds: float
    limit: int
    used: int
    unit: str = "requests"


@dataclass(frozen=True, slots=True)
class PhotoBytes:
    """A photo as served; type and extension by its magic number, SHA-256 in hex."""

    body: bytes = field(repr=False)
    content_type: str
    extension: str
    sha256: str


class MediaCutError(MLSError):
    """``rows`` may be only a part of a listing's Media, and the server offers no way to read the rest."""

    def __init__(self, rows: Sequence[RawRecord]) -> None:
        super().__init__(
            f"The MLS gave {len(rows)} Media rows and does not let further ones be read: it sends no next-page link, "
            "and respects neither $skip nor an order by MediaKey. Ask the provider how to page its Media resource."
        )
        self.rows = rows


class Connector(Protocol):
    """One MLS connection. Methods raise ``MLSError`` or ``AuthenticationError`` (``domain.errors``)."""

    provider: str
    """The preset's name."""

    async def authenticate(self) -> None:
        """Sign in: obtain a token, or renew it if it has expired.

        Raises:
            ConnectionExpiredError: the token has expired and cannot be renewed.
            AuthenticationError: the MLS refused the credentials.
        """
        ...

    def pages(self, query: FeedQuery) -> AsyncIterator[Page]:
        """All matching records, page by page (docs/reso-feeds.md, section 1)."""
        ...

    async def count(self, query: FeedQuery) -> int | None:
        """How many records match; None if the MLS does not count."""
        ...

    async def listing(self, listing_key: str) -> RawRecord | None:
        """One record with its Media; None if it does not exist."""
        ...

    async def media(self, record: RawRecord) -> list[RawRecord]:
        """All Media rows of a record: those in the record if they are complete, else fetched.

        Raises:
            MediaCutError: there may be more than could be read.
        """
        ...

    async def open_houses_changed(self, since: str) -> list[str]:
        """ListingKeys whose open houses changed since a timestamp; their records must be read again."""
        ...

    async def fresh_media(self, listing_key: str) -> list[RawRecord]:
        """The record's Media rows with new URLs, as far as they can be read."""
        ...

    async def photo(self, url: str) -> PhotoBytes:
        """One attempt to download a photo. Raises PhotoError (docs/reso-feeds.md, section 5)."""
        ...

    def masked(self, text: str) -> str:
        """``text`` with the connection's secrets masked, for URLs that are stored."""
        ...

    async def member(self) -> Member:
        """The signed-in agent and office, as far as the MLS shows them."""
        ...

    def since(self, cursor: Cursor) -> str | None:
        """``FeedQuery.since`` for a cursor: its watermark less the preset's overlap. None: read everything."""
        ...

    def budget(self) -> Sequence[Window]:
        """How much of each rate limit is used."""
        ...

    async def disconnect(self) -> None:
        """Revoke the token if the provider supports it; otherwise do nothing."""
        ...

    async def close(self) -> None: ...
