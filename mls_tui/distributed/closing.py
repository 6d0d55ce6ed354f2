"""The end of a run: when the feed is read and no listing is outstanding, what left the feed is followed, relisted homes
are linked, the cursor moves, and the lease goes back. Done twice it ends in the same state."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from mls_tui.distributed.live import LiveRun, TaskJournal
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.pages import WHOLE, PageTask
from mls_tui.distributed.plan import OWED, Plan
from mls_tui.distributed.queues import Queues
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.domain.run import Problem, ProblemKind, RunState
from mls_tui.importer.cursor import MAX_FAILED_KEYS, CursorKeeper
from mls_tui.importer.gone import follow_missing
from mls_tui.importer.journal import INLINE_ERRORS
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import Sweep
from mls_tui.reso.base import Page
from mls_tui.storage.base import IndexEntry

STRAGGLERS_SECONDS = 2.0
LONGEST_LOOK_SECONDS = 60.0
LISTINGS_A_SECOND = 100
"""More than any run does: its table alone takes 18 new ones a second at first (README, "Many machines")."""


@dataclass(slots=True)
class CloseTask:
    """One delivery of a run's close task."""

    live: LiveRun
    queues: Queues
    task: Task

    async def run(self) -> float | None:
        """None where the run has ended; else in how many seconds to look again."""
        live = self.live
        await live.look(now=True)
        if not live.running:
            return None
        if not live.run.feed_ended or live.run.pending > 0:
            return next_look(live.run.pending)
        plans = await live.house.ledger.plans(live.key)
        split = any(plan.next is not None for plan in plans if plan.step != OWED)
        lacking = await self._lacking(plans) if split or not live.incremental else None
        if split and lacking and not any(plan.whole and plan.ended for plan in plans):
            await self._read_again(plans)
            return STRAGGLERS_SECONDS
        with live.journal() as journal:
            await self._look_over(journal, plans, complete=lacking == 0)
            outcome = journal.outcome(self.task.id, await live.counted(journal, self.task.id), pending=0)
        await live.house.ledger.finish(live.key, outcome)
        await self._end(plans)
        return None

    async def _lacking(self, plans: list[Plan]) -> int | None:
        """How many records the MLS counts beyond those that were met: 0 proves that none was lost (FIELD §7). None
        where it does not tell, or counts fewer than it served."""
        try:
            counted = await self.live.connector.count(self.live.query)
        except RateLimitedError:
            raise
        except MLSError:
            return 1  # it has not said that none is missing
        met = len({key for plan in plans for key, _ in plan.seen})
        return None if counted is None or counted < met else counted - met

    async def _read_again(self, plans: list[Plan]) -> None:
        """The feed was read in pieces, and something may have been lost between them: once more, in one go."""
        task = self.task
        step = next((plan.step for plan in plans if plan.whole), plans[-1].step + 1)
        page = Task(TaskKind.PAGE, task.user, task.run, task.connection, version=WHOLE, step=step)
        await PageTask(self.live, self.queues, page).run()

    async def _look_over(self, journal: TaskJournal, plans: list[Plan], *, complete: bool) -> None:
        """What can be told only at the end: which stored listings the feed no longer has, and which homes came back."""
        live = self.live
        sweeping = not live.incremental
        if not sweeping and not live.run.counts.created:
            return
        with closing(await StoredIndex.read(live.house.entries.of_mls(live.house.user, live.provider))) as index:
            if sweeping:
                await self._follow_missing(journal, plans, index, complete=complete)
            if live.run.counts.created:
                await self._link_homes(index)

    async def _follow_missing(
        self, journal: TaskJournal, plans: list[Plan], index: StoredIndex, *, complete: bool
    ) -> None:
        context = self.live.context(journal, self.task.id)
        sweep = Sweep(context, index, self.live.reader(journal), workers=4)
        seen = {key for plan in plans for key, _ in plan.seen}
        for entry in [entry for entry in index.entries() if entry.mls_id in seen]:
            index.saw(entry, sweep.number)
        sweep.complete = complete
        await follow_missing(context, index, sweep)

    async def _link_homes(self, index: StoredIndex) -> None:
        """A home that this run brought under a new number is linked to the listing it had before (FIELD §7)."""
        live, homes = self.live, dict[tuple[str, str], list[IndexEntry]]()
        for entry in index.entries():
            if entry.address_key:
                homes.setdefault((entry.provider, entry.address_key), []).append(entry)
        for listings in homes.values():
            first, *others = sorted(listings, key=lambda entry: (self._is_new(entry), entry.listing_id))
            for entry in others:
                if self._is_new(entry):
                    await self._link(live, entry, first)

    def _is_new(self, entry: IndexEntry) -> bool:
        return entry.listing_id.endswith(f"-{self.live.connection.cursor.epoch or self.live.run.started_at}")

    async def _link(self, live: LiveRun, entry: IndexEntry, first: IndexEntry) -> None:
        listing = await live.house.store.get(live.house.user, entry.listing_id)
        if listing is None or listing.relisted_from is not None:
            return
        linked = listing.model_copy(update={"relisted_from": first.listing_id})
        await live.house.store.put(live.house.user, linked)  # a newer version that comes meanwhile is left as it is

    async def _end(self, plans: list[Plan]) -> None:
        live = self.live
        store, user, connection = live.house.store, live.house.user, live.connection
        problems = [problem async for problem in store.problems(user, live.run.run_id)]
        cursor = self._cursor(plans, problems)
        await store.put_cursor(user, connection.connection_id, cursor, run_id=live.run.run_id)
        errors = [problem for problem in problems if problem.kind is not ProblemKind.PHOTO][:INLINE_ERRORS]
        await live.house.ledger.end(live.key, RunState.DONE, errors=errors)
        await store.release_lease(user, connection.connection_id, live.run.run_id)

    def _cursor(self, plans: list[Plan], problems: list[Problem]) -> Cursor:
        """Where the next import begins: as if one process had read these pages and stored what was on them."""
        preset, before = self.live.preset, self.live.connection.cursor
        keeper = CursorKeeper(preset, before.model_copy(update={"failed_keys": ()}), self.live.run.started_at / 1000)
        for key in owed_keys(problems):
            keeper.failed(key)
        for plan in plans:
            if plan.step == OWED:
                continue
            records = [{preset.timestamp_field: at, preset.key_field: key} for key, at in plan.seen]
            keeper.opened(Page(plan.step, records))
            for _ in records:
                keeper.settled(plan.step)
            keeper.advance()
        cursor = keeper.finish(statuses=self._scope)
        return cursor.model_copy(update={"updated_at": epoch_ms(self.live.house.clock.now())})

    @property
    def _scope(self) -> tuple[str, ...]:
        return tuple(sorted(status.value for status in self.live.options.scope))


def next_look(pending: int) -> float:
    """In how many seconds a run with so many listings outstanding may end: each look is a message sent and taken."""
    return min(LONGEST_LOOK_SECONDS, max(STRAGGLERS_SECONDS, pending / LISTINGS_A_SECOND))


def owed_keys(problems: list[Problem]) -> set[str]:
    """ListingKeys for the next import to ask for: all that failed, and those with photos missing as far as there is
    room. Too many failures keep the watermark where it was; missing photos are no reason for that."""
    failed = {each.listing_key for each in problems if each.kind is ProblemKind.LISTING and each.listing_key}
    photos = {each.listing_key for each in problems if each.kind is ProblemKind.PHOTO and each.listing_key} - failed
    return failed | set(sorted(photos)[: max(0, MAX_FAILED_KEYS - len(failed))])
