"""The sink's two protocols. Every store, embedded or AWS, keeps these promises; one contract suite checks them all.

All methods are coroutines that may be awaited from any event loop (the interface's and the importer's run in different
threads). A failure the user can cause or meet is a ``StorageError`` whose text is a sentence. Every method is scoped by
``user_id``: no method can see, change or delete another user's items.
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
    """What an import needs to know of a stored listing, without reading the rest of it."""

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
    """Normalised address, for finding relisted homes; None if the address is withheld."""
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
    """``listing_id`` is the id under which the (user, MLS, ListingKey) is stored, whichever writer won."""

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
    """Rows: listings with their uniqueness marks, connections, runs. DynamoDB or SQLite, the same items in both."""

    # listings ------------------------------------------------------------------------------------------------

    def index(self, user_id: str, provider: str = "") -> AsyncIterator[IndexEntry]:
        """Every stored listing of the user whose provider begins with ``provider``, in sort-key order, projected to
        what an import compares."""
        ...

    def listings(self, user_id: str) -> AsyncIterator[list[Listing]]:
        """Every stored listing, in batches as the store pages; all of them, no cap."""
        ...

    def summaries(self, user_id: str) -> Summaries:
        """The list of the user's listings, to sort, filter and count."""
        ...

    def data(self, user_id: str, listing_ids: Sequence[str] | None = None) -> AsyncIterator[list[dict[str, Any]]]:
        """The ``Data`` maps of these listings, in this order, or of all, in batches; not validated again."""
        ...

    async def get(self, user_id: str, listing_id: str) -> Listing | None: ...

    async def get_many(self, user_id: str, listing_ids: Sequence[str]) -> list[Listing]:
        """Those of these listings that are stored, each once, in the order asked for; all of them, or StorageError."""
        ...

    async def find(self, user_id: str, mls_number: str) -> list[Listing]:
        """Every listing with this MLS number."""
        ...

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
        """Create or update, at most one listing per (user, MLS, ListingKey) whatever races.

        ``new`` is the caller's guess whether the listing is stored already. A right guess saves a call; a wrong one
        changes nothing else. New listings that arrive together may be written together.

        New: the row and its uniqueness mark in one transaction. If the mark exists, STALE with the id it holds. If the
        row exists with another mark, TAKEN.
        Known: one conditional put; STALE if the stored ``version`` is newer. The row keeps its ``CreatedAt``.
        ``moved``: a known listing has another ListingKey, provider or MLS number than before. Row and marks change in
        one transaction, whatever the stored version; STALE if another listing has the new mark.
        """
        ...

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        """Delete row and mark in one transaction; the listing as it was, or None where there was none."""
        ...

    # connections ---------------------------------------------------------------------------------------------

    async def put_connection(self, user_id: str, connection: Connection) -> None:
        """Create or replace; the cursor and the lease that are stored stay untouched on a replace."""
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
        """Take or renew the connection's lease. None when taken; the other holder's lease if it is not free.

        It is free when none is held, it has expired, the holder is the same, or the holder ran on this host in a
        process that no longer exists; and if no other run that has not ended has reserved the connection.
        """
        ...

    async def release_lease(self, user_id: str, connection_id: str, holder: str) -> None: ...

    # runs ----------------------------------------------------------------------------------------------------

    async def put_run(self, user_id: str, run: ImportRun) -> str | None:
        """Create or replace the row of a run, except for its control word, which is returned."""
        ...

    async def reserve(self, user_id: str, run: ImportRun, *, now_ms: int) -> Lease | None:
        """Write the row of a new run and reserve its connection for it until it has ended, in one transaction.

        None when done; if another run has reserved the connection or holds its lease, that one's lease.
        """
        ...

    async def control_run(self, user_id: str, run: ImportRun, word: str | None) -> bool:
        """Set the run's control word; False if the run has ended."""
        ...

    async def get_run(self, user_id: str, run_id: str, *, started_at: int | None = None) -> ImportRun | None:
        """``started_at`` saves a query if it is known."""
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

    # state of providers (rate budgets) -----------------------------------------------------------------------

    async def get_state(self, user_id: str, name: str) -> str | None:
        """A small text kept under a name (rate-budget windows); None where there is none."""
        ...

    async def put_state(self, user_id: str, name: str, text: str) -> None: ...

    # set-up --------------------------------------------------------------------------------------------------

    async def init(self) -> list[Check]:
        """Create what is missing (table, index, protections; file, schema), idempotently; says what was done."""
        ...

    async def check(self) -> list[Check]: ...

    def describe(self) -> str:
        """For a person: ``DynamoDB table mls-listings in us-east-1``, ``SQLite file …``."""
        ...

    async def close(self) -> None:
        """Finish what was promised and release everything; no call may follow."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A photo as the store has it: hex SHA-256 and size in bytes of the stored bytes."""

    key: str
    url: str
    size: int


class PhotoStore(Protocol):
    """Objects: photos under their keys (CONTRACT: "S3"). S3 or a folder."""

    async def put(
        self, key: str, body: bytes, *, content_type: str, sha256: str, metadata: dict[str, str]
    ) -> StoredObject:
        """Store whole or not at all; replaces an object of the same key. ``metadata`` values are ASCII."""
        ...

    async def get(self, key: str) -> bytes | None: ...

    async def verify(self, key: str, *, sha256: str, size: int) -> bool:
        """True where the stored bytes are these, by hash of what is stored, not by what was once noted."""
        ...

    async def delete(self, keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
        """Delete; absent keys are no error. Returns the keys that could not be deleted with the reason.

        ``undoable`` keeps what ``undelete`` needs for a while (S3: the version below the delete marker; folder: a
        trash beside the photos, emptied of what is older than an hour when the store is opened).
        """
        ...

    async def undelete(self, keys: Sequence[str]) -> dict[str, str]:
        """Bring back what an undoable delete took; the keys that could not be brought back with the reason."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[list[str]]:
        """Every key below the prefix, in batches."""
        ...

    def url(self, key: str) -> str:
        """Where the object is, for the listing's ``url``."""
        ...

    async def init(self) -> list[Check]: ...

    async def check(self) -> list[Check]: ...

    def describe(self) -> str: ...

    async def close(self) -> None: ...
