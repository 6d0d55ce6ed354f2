"""The task of a listing: its record is read by key, and the importer's handler does what it takes. Done twice it ends
in the same state and counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from mls_tui.distributed.live import LiveRun, counts_of
from mls_tui.distributed.messages import Task
from mls_tui.distributed.pages import index_of
from mls_tui.distributed.plan import OWED
from mls_tui.importer.handlers import Handlers
from mls_tui.importer.reading import Job
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import FeedQuery


class ListingBatch:
    """Listings of one run that were delivered together: one request for their records, one look at what is stored.

    Every method raises what stops them: a refused sign-in, a provider that rests, an MLS or a store out of reach.
    """

    def __init__(
        self,
        live: LiveRun,
        counted: Mapping[str, bool],
        jobs: dict[str, Job],
        index: StoredIndex,
        common: dict[str, int],
    ) -> None:
        self._live, self._counted, self._jobs, self._index, self._common = live, counted, jobs, index, common

    @classmethod
    async def read(cls, live: LiveRun, tasks: Sequence[Task]) -> Self:
        counted = await live.house.ledger.done(live.key, [task.id for task in tasks])
        keys = tuple(dict.fromkeys(task.listing_key for task in tasks if task.id not in counted))
        jobs: dict[str, Job] = {}
        with live.journal() as journal:
            if keys:
                reader = live.reader(journal)
                async for page in live.connector.pages(FeedQuery(keys=keys)):
                    for job in (reader.job(page.number, record) for record in page.records):
                        jobs[job.listing_key] = job
            common = counts_of(journal)
        return cls(live, counted, jobs, await index_of(live, list(jobs.values())), common)

    async def do(self, task: Task, *, again: bool = False) -> bool:
        """Import one of them, and count it. False where its attempts are used up: that is counted too, as a failure.
        ``again``: it was delivered before, and may have left objects that no row points at."""
        live = self._live
        if task.id in self._counted:
            # Who counted it as failed may have been killed before it was among the dead letters.
            return not (again and self._counted[task.id])
        with live.journal() as journal:
            job = self._jobs.get(task.listing_key)  # one that the MLS no longer has needs nothing
            if job is not None:
                context = live.context(journal, task.id, again=again)
                await Handlers(context, self._index, scope_free=task.step == OWED).handle(job)
            # Attempts at the request for all of them are counted with the first one that ends.
            common, self._common = self._common, {}
            outcome = journal.outcome(task.id, await live.counted(journal, task.id), more=common)
        await live.house.ledger.finish(live.key, outcome)
        return not outcome.failed

    def close(self) -> None:
        self._index.close()
