"""The protocols of the two kinds of store: rows and photos. tests/contract runs the same tests against every store.

Coroutines may be awaited from any event loop; the interface and the importer have one each. What a user can cause or
meet is raised as a ``StorageError`` whose text is a sentence. A method reads, changes and deletes only items of its
``user_id``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.listing import LastImport, Listing, ListingStatus
from mls_tui.domain.run import ImportRun, Problem

if TYPE_CHECKING:
    from mls_tui.storage.summaries import Summaries


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """The part of a stored listing that an import compares with the feed."""

    listing_id: str
    provider: str
    mls_number: str
    mls_id: str
    connection_id: str | None
    source: str | None
    status: ListingStatus
    version: str
    content_hash: str | None
    photos_missing: int
    address_key: str | None = None
    """Normalised address, by which a home that is listed again is found; None if the address is withheld."""
    last_import: LastImport | None = field(default=None, compare=False)


class PutOutcome(Enum):
    CREATED = "created"
    UPDATED = "updated"
    STALE = "stale"
    """A newer version is stored already, or the listing is stored under another id. Nothing was written."""
    TAKEN = "taken"
    """The id belongs to another listing. Nothing was written."""


@dataclass(frozen=True, slots=True)
class PutResult:
    """``listing_id`` is the id under which this user's listing with this MLS and ListingKey is stored."""

    outcome: PutOutcome
    listing_id: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``storage check`` or ``doctor``.

    ``state`` is ``ok``, ``skipped``, ``warning`` or ``failure``; ``advice`` says what to do.
    """

    name: str
    state: str
    detail: str
    advice: str = ""


class ListingStore(Protocol):
    """Rows: listings with their uniqueness marks, connections and runs. DynamoDB and SQLite store the same items."""

    # listings ------------------------------------------------------------------------------------------------

    def index(self, user_id: str, provider: str = "") -> AsyncIterator[IndexEntry]:
        """The user's listings whose provider begins with ``provider``, in the order of their sort keys."""
        ...

    def listings(self, user_id: str) -> AsyncIterator[list[Listing]]:
        """All of the user's listings, in batches."""
        ...

    def summaries(self, user_id: str) -> Summaries:
        """The list of the user's listings, to sort, filter and count."""
        ...

    def data(self, user_id: str, listing_ids: Sequence[str] | None = None) -> AsyncIterator[list[dict[str, Any]]]:
        """The ``Data`` maps of these listings in this order, or of all, in batches. They are not validated."""
        ...

    async def get(self, user_id: str, listing_id: str) -> Listing | None: ...

    async def get_many(self, user_id: str, listing_ids: Sequence[str]) -> list[Listing]:
        """The listings that are stored among these ids, each once, in the order of the ids."""
        ...

    async def find(self, user_id: str, mls_number: str) -> list[Listing]:
        """Every listing with this MLS number."""
        ...

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
        """Create or update a listing. A user, MLS and ListingKey have at most one, also with concurrent writers.

        A new listing: the row and its uniqueness mark are written in one transaction. STALE with the id in the mark if
        the mark exists; TAKEN if the row exists with another mark.
        A known listing: STALE if the stored ``version`` is newer, else the row is replaced and keeps its ``CreatedAt``.
        ``moved``: the ListingKey, provider or MLS number of a known listing changed. Row and marks change in one
        transaction, whatever the stored version; STALE if another listing has the new mark.

        ``new`` is the caller's guess: False means that the listing is stored. A right guess saves a call.
        """
        ...

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        """Delete the row and its mark in one transaction. Returns the listing as it was, None if there was none."""
        ...

    # connections ---------------------------------------------------------------------------------------------

    async def put_connection(self, user_id: str, connection: Connection) -> None:
        """Create or replace; a stored connection keeps its cursor and its lease."""
        ...

    async def get_connection(self, user_id: str, connection_id: str) -> Connection | None: ...

    async def connections(self, user_id: str) -> list[Connection]: ...

    async def delete_connection(self, user_id: str, connection_id: str) -> bool: ...

    async def put_cursor(self, user_id: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
        """Move the cursor of the run's connection and write the run's row, in one transaction.

        Raises StorageError if ``holder`` no longer holds the connection's lease.
        """
        ...

    async def acquire_lease(self, user_id: str, connection_id: str, lease: Lease, *, now_ms: int) -> Lease | None:
        """Take or renew the connection's lease. Returns None if that succeeded, else the lease that is in the way.

        The lease is free if nobody holds it, if it has expired, if the holder is the same, or if the holder's process
        ran on this host and no longer exists. A run that has not ended and has reserved the connection is in the way.
        """
        ...

    async def release_lease(self, user_id: str, connection_id: str, holder: str) -> None: ...

    # runs ----------------------------------------------------------------------------------------------------

    async def put_run(self, user_id: str, run: ImportRun) -> str | None:
        """Create or replace the row of a run. Its control word stays as it is stored, and is returned."""
        ...

    async def reserve(self, user_id: str, run: ImportRun, *, now_ms: int) -> Lease | None:
        """Write the row of a new run and reserve its connection until the run has ended, in one transaction.

        Returns None if that succeeded, else the lease of the run that has the connection.
        """
        ...

    async def control_run(self, user_id: str, run: ImportRun, word: str | None) -> bool:
        """Set the run's control word; False if the run has ended."""
        ...

    async def get_run(self, user_id: str, run_id: str, *, started_at: int | None = None) -> ImportRun | None:
        """``started_at`` (epoch ms), if it is known, saves a query."""
        ...

    async def runs(self, user_id: str, *, limit: int | None = None) -> list[ImportRun]:
        """Newest first."""
        ...

    async def put_problems(self, user_id: str, run_id: str, first: int, problems: Sequence[Problem]) -> None:
        """Store problems under sequence numbers ``first``, ``first + 1`` …; repeating a call changes nothing."""
        ...

    def problems(self, user_id: str, run_id: str) -> AsyncIterator[Problem]: ...

    async def unreadable(self, user_id: str, prefix: str) -> list[str]:
        """The sort keys of rows that were damaged: connections, runs, or listings, by their prefix in
        ``domain.keys``."""
        ...

    # state (rate limits, photos to delete) -------------------------------------------------------------------

    async def get_state(self, user_id: str, name: str) -> str | None:
        """A small text stored under a name, such as the rate limit of a credential; None if there is none."""
        ...

    async def put_state(self, user_id: str, name: str, text: str) -> None: ...

    # set-up --------------------------------------------------------------------------------------------------

    async def init(self) -> list[Check]:
        """Create what is missing: table, index and protections, or file and schema. Idempotent."""
        ...

    async def check(self) -> list[Check]: ...

    def describe(self) -> str:
        """The store in words: ``DynamoDB table mls-listings in us-east-1``, ``SQLite file …``."""
        ...

    async def close(self) -> None:
        """Finish the calls that were accepted and release everything. No call may follow."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A stored photo; ``size`` in bytes."""

    key: str
    url: str
    size: int


class PhotoStore(Protocol):
    """Photos under their keys (docs/contract.md, section S3), in S3 or a folder."""

    async def put(
        self, key: str, body: bytes, *, content_type: str, sha256: str, metadata: dict[str, str]
    ) -> StoredObject:
        """Store a photo whole or not at all; an object of the same key is replaced. ``metadata`` is ASCII."""
        ...

    async def get(self, key: str) -> bytes | None: ...

    async def verify(self, key: str, *, sha256: str, size: int) -> bool:
        """Whether the stored bytes have this hex SHA-256 and this size, by reading them."""
        ...

    async def delete(self, keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
        """Delete objects. Returns the keys that could not be deleted, with the reason; an absent key is no error.

        With ``undoable``, ``undelete`` can bring them back for a while: S3 keeps the version below the delete marker,
        the folder moves them to a trash, from which what is older than an hour goes when the store is opened.
        """
        ...

    async def undelete(self, keys: Sequence[str]) -> dict[str, str]:
        """Bring back what was deleted. Returns the keys that could not be brought back, with the reason."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[list[str]]:
        """Every key below the prefix, in batches."""
        ...

    def url(self, key: str) -> str:
        """The URL of the object, for the listing's row."""
        ...

    async def init(self) -> list[Check]: ...

    async def check(self) -> list[Check]: ...

    def describe(self) -> str: ...

    async def close(self) -> None: ...
