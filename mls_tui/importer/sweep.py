"""One sweep of a feed in one process: a reader that maps pages, a fixed number of workers that store listings, and the
cursor that follows behind them. Bounded: one page is read ahead while the listings of another are being stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import AuthenticationError, MLSError, MlsTuiError
from mls_tui.domain.events import PageFetched
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.handlers import Handlers
from mls_tui.importer.keyed_lock import KeyedLock
from mls_tui.importer.reading import Job, Reader
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import FeedQuery, Page
from mls_tui.reso.mapping.record import Mapped

SaveCursor = Callable[[Cursor], Awaitable[None]]

Identity = tuple[str, str]
Work = asyncio.Queue[tuple[Identity, Job] | None]


@dataclass(slots=True)
class Sweep:
    """``scope_free`` takes records of any status in hand (owed and selected listings); ``served`` collects the
    ListingKeys that came where a sweep asks by key or goes on from where one was cut; ``complete`` says whether the
    feed proved to have been read whole."""

    context: ImportContext
    index: StoredIndex
    reader: Reader
    workers: int
    keeper: CursorKeeper | None = None
    save_cursor: SaveCursor | None = None
    scope_free: bool = False
    served: set[str] = field(default_factory=set)
    complete: bool = False
    _handlers: Handlers = field(init=False)
    _busy: KeyedLock = field(default_factory=KeyedLock)
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._handlers = Handlers(self.context, self.index, scope_free=self.scope_free)

    @property
    def number(self) -> int:
        """What the index knows this sweep by, when it notes which stored listings the feed still has."""
        return self._handlers.number

    async def run(self, query: FeedQuery) -> None:
        """Read to the end and store what has to be. Raises only what stops the whole run; a feed that breaks off
        stops it when what it gave has been stored."""
        self._handlers.owed = self.keeper
        queue: Work = asyncio.Queue(maxsize=self.workers * 2)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._work(queue))
            reading = group.create_task(self._read(query, queue))
        if (broken := reading.result()) is not None:
            raise broken

    async def _read(self, query: FeedQuery, queue: Work) -> MlsTuiError | None:
        """Queue what the feed gives, then the end for every worker; the error the feed broke off with, if it did."""
        broken: MlsTuiError | None = None
        try:
            await self._read_pages(query, queue)
        except (MLSError, AuthenticationError) as error:
            broken = error
        for _ in range(self.workers):
            await queue.put(None)
        return broken

    async def _read_pages(self, query: FeedQuery, queue: Work) -> None:
        async for page in self.context.connector.pages(query):
            self._open(page)
            jobs = [self.reader.job(page.number, record) for record in page.records]
            self.index.expect({job.key_as_served for job in jobs})
            for job in jobs:
                if query.keys or query.resume_after:
                    self.served.add(job.listing_key)
                await self._dispatch(job, queue)
            await self._advance()
            self.complete = page.last and page.complete

    def _open(self, page: Page) -> None:
        self.context.emit(PageFetched, number=page.number, records=len(page.records), total=page.total)
        if self.keeper is not None:
            self.keeper.opened(page)

    async def _dispatch(self, job: Job, queue: Work) -> None:
        """What costs nothing is settled here; the rest waits for a worker."""
        await self.context.journal.room()
        same = self._handlers.same(job)
        identity = self._identity(job) if same is None else (same.provider, same.mls_number)
        if identity in self._busy or not self._handlers.settled(job, same):
            await self.context.control.permission()
            self._busy.reserve(identity)
            await queue.put((identity, job))
            return
        self._settle(job)

    def _identity(self, job: Job) -> Identity:
        """Two records of one identity are never in work at once; a removal counts as its stored listing's number."""
        entry = None if isinstance(job.verdict, Mapped) else self._handlers.stored(job)
        return (job.provider, entry.mls_number if entry is not None else job.mls_number)

    async def _work(self, queue: Work) -> None:
        while (work := await queue.get()) is not None:
            identity, job = work
            async with self._busy.holding(identity):
                self._busy.release(identity)
                await self.context.journal.room()
                await self.context.control.permission()
                await self._handlers.handle(job)
            self._settle(job)
            await self._advance()

    def _settle(self, job: Job) -> None:
        if self.keeper is not None:
            self.keeper.settled(job.page)

    async def _advance(self) -> None:
        if self.keeper is None or self.save_cursor is None:
            return
        async with self._saving:
            if self.keeper.advance():
                await self.save_cursor(self.keeper.cursor)
