"""Decides what each record of a page needs, and imports or removes its listing. Idempotent."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field

from mls_tui.domain.errors import (
    AuthenticationError,
    MlsTuiError,
    RateLimitedError,
    StorageError,
    sentence,
)
from mls_tui.domain.events import ListingFailed, ListingRemoved, ListingSkipped, ListingStored
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.erase import erase_listing
from mls_tui.importer.plan import Step, decide, hash_parts
from mls_tui.importer.reading import Job
from mls_tui.importer.record import ListingTask
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.tidy import tidy_listing
from mls_tui.reso.mapping.record import Gone, Mapped, NotWanted, Quarantined
from mls_tui.storage.base import IndexEntry

STORE_FAILURES = 10
"""After so many listings in a row that the store refused, the run stops: the store is down, not the listing bad."""

log = logging.getLogger("mls_tui")


@dataclass(slots=True)
class Handlers:
    """Over the stored listings in ``index``. ``scope_free`` takes records of any status in hand (owed and selected
    listings); ``number`` is the sweep that notes which stored listings the feed still has."""

    context: ImportContext
    index: StoredIndex
    scope_free: bool = False
    owed: CursorKeeper | None = None
    number: int = field(init=False)
    _scope: frozenset[ListingStatus] = field(init=False)
    _store_failures: int = 0

    def __post_init__(self) -> None:
        self.number = self.index.sweep()
        self._scope = frozenset(ListingStatus) if self.scope_free else self.context.options.scope

    def settled(self, job: Job, same: IndexEntry | None) -> bool:
        """The page's half: True where nothing has to be fetched or written, which has been told then. False leaves
        the record to ``handle``. ``same`` is what ``same`` says of it now."""
        if same is not None:
            self.index.saw(same, self.number)
            self._unchanged(same, same.mls_id)
            return True
        verdict = job.verdict
        if isinstance(verdict, Quarantined):
            self._quarantine(job, verdict)
            return True
        if not isinstance(verdict, Mapped):
            if self.stored(job) is not None:
                return False
            self._skip(job)
            self._succeeded(job.listing_key)
            return True
        return self._listing_settled(job, verdict.listing)

    def same(self, job: Job) -> IndexEntry | None:
        """The stored listing that this very record was stored as, where nothing of it is to be looked at again: the
        record need not even be mapped."""
        if self._looks_closer:
            return None
        for entry in self.index.of_any_mls(job.key_as_served):
            known = hash_parts(entry.content_hash)[2]
            if known and known == job.fingerprint and not (entry.photos_missing and self.context.options.photos):
                return entry
        return None

    def _listing_settled(self, job: Job, listing: Listing) -> bool:
        entry = self.index.number(listing.mls_provider, listing.mls_number)
        if entry is not None:
            self.index.saw(entry, self.number)
        step = self._decide(job, listing, entry)
        if step is Step.SKIPPED:
            self._skip(job, f"its status is {listing.status.value}")
            self._succeeded(listing.mls_id)
        elif step is Step.UNCHANGED and entry is not None and not self._looks_closer:
            self._unchanged(entry, listing.mls_id)
        else:
            return False
        return True

    async def handle(self, job: Job) -> None:
        """The listing's half: its media, photos and row, or its removal. Told whatever comes of it; raises only what
        stops the whole run."""
        if self.settled(job, self.same(job)):
            return
        verdict = job.verdict
        if not isinstance(verdict, Mapped):
            try:
                await self._remove(job)
            except StorageError as error:
                self._failed(job.mls_number, job.listing_key, error, 1)
            return
        listing = verdict.listing
        task = ListingTask(self.context, self.index, job, listing, verify=self.context.options.full)
        try:
            if not await self._tidied(job, listing):
                await task.run()
        except (AuthenticationError, RateLimitedError):
            raise
        except Exception as error:
            if not isinstance(error, MlsTuiError):
                log.error("unforeseen error on listing %s", listing.mls_number, exc_info=error)
            self._failed(listing.mls_number, listing.mls_id, error, max(1, task.attempts))
            with contextlib.suppress(StorageError):
                await task.clean_up()
        else:
            self._store_failures = 0
            self._succeeded(listing.mls_id)
            entry = self.index.number(listing.mls_provider, listing.mls_number)
            if entry is not None:
                self.index.saw(entry, self.number)

    def stored(self, job: Job) -> IndexEntry | None:
        """What is stored under the record's ListingKey."""
        return self.index.keyed(job.provider, job.listing_key)

    @property
    def _looks_closer(self) -> bool:
        """Whether a listing that did not change has its photos verified (``--full``) or its objects tidied."""
        return self.context.options.full or self.context.tidy

    def _decide(self, job: Job, listing: Listing, stored: IndexEntry | None) -> Step:
        photos = None if stored is None else job.photos
        return decide(listing, photos, stored, scope=self._scope, with_photos=self.context.options.photos)

    async def _tidied(self, job: Job, listing: Listing) -> bool:
        """After a run that was cut short: rid an unchanged listing of objects that its row does not point at."""
        context = self.context
        entry = self.index.number(listing.mls_provider, listing.mls_number)
        if entry is None or context.options.full or self._decide(job, listing, entry) is not Step.UNCHANGED:
            return False
        stored = await context.store.get(context.user_id, entry.listing_id)
        if stored is None:
            return False
        await tidy_listing(context.photos, context.user_id, stored)
        self._unchanged(entry, listing.mls_id)
        return True

    def _unchanged(self, entry: IndexEntry, listing_key: str) -> None:
        self.context.emit(
            ListingStored,
            mls_number=entry.mls_number,
            listing_key=listing_key,
            listing_id=entry.listing_id,
            outcome="unchanged",
        )
        self._succeeded(listing_key)

    async def _remove(self, job: Job) -> None:
        """A stored listing that its MLS hides or has deleted goes; one that is merely not wanted stays."""
        entry = self.stored(job)
        self._succeeded(job.listing_key)
        if entry is None or not isinstance(job.verdict, Gone):
            self._skip(job)
            return
        context = self.context
        await erase_listing(context.store, context.photos, context.user_id, entry.listing_id)
        self.index.remove(entry)
        context.emit(
            ListingRemoved, mls_number=entry.mls_number, listing_id=entry.listing_id, reason=job.verdict.reason
        )

    def _skip(self, job: Job, reason: str | None = None) -> None:
        why = reason or (job.verdict.reason if isinstance(job.verdict, Gone | NotWanted) else "")
        self.context.emit(ListingSkipped, mls_number=job.mls_number, reason=why)

    def _succeeded(self, listing_key: str) -> None:
        if self.owed is not None:
            self.owed.succeeded(listing_key)

    def _failed(self, number: str, key: str, error: Exception, attempts: int) -> None:
        if isinstance(error, StorageError) and (error.retryable or error.fatal):
            self._store_failures += 1
            if error.fatal or self._store_failures >= STORE_FAILURES:
                raise error
        self._problem(ProblemKind.LISTING, number, key, sentence(error), attempts)

    def _quarantine(self, job: Job, verdict: Quarantined) -> None:
        raw = self.context.connector.masked(verdict.raw)
        self._problem(ProblemKind.QUARANTINED, job.mls_number, job.listing_key, verdict.reason, 1, raw=raw)

    def _problem(
        self, kind: ProblemKind, number: str, key: str, error: str, attempts: int, *, raw: str | None = None
    ) -> None:
        context = self.context
        problem = Problem(
            kind=kind, mls_number=number, listing_key=key, error=error, attempts=attempts, raw=raw, at=context.now_ms()
        )
        context.journal.problem(problem)
        quarantined = kind is ProblemKind.QUARANTINED
        context.emit(
            ListingFailed, mls_number=number, listing_key=key, error=error, attempts=attempts, quarantined=quarantined
        )
        if self.owed is not None and key:
            (self.owed.succeeded if quarantined else self.owed.failed)(key)
