"""The task of a page: read it, settle what needs no work, keep the plan, send the rest to the workers, hand on to the
next page. Delivered twice, or cut short anywhere, it counts once and sends what it sent before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace

from mls_tui.distributed.live import LiveRun, counts_of
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.outcome import Outcome
from mls_tui.distributed.plan import OWED, Place, Plan, Seen
from mls_tui.distributed.queues import QueueName, Queues
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.events import PageFetched
from mls_tui.domain.listing import ListingStatus, parse_timestamp
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.handlers import Handlers
from mls_tui.importer.reading import Job
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import FeedQuery, Page
from mls_tui.reso.mapping.record import Mapped, Quarantined

WHOLE = "whole"
"""The version of a page task that reads the feed in one go, from its start: what was split may have lost records."""
CLOSE_SECONDS = 1.0
DAY_MS = 86_400_000


@dataclass(slots=True)
class PageTask:
    """One delivery of a page task."""

    live: LiveRun
    queues: Queues
    task: Task
    _known: set[Seen] = field(default_factory=set)

    async def run(self) -> bool:
        """False where a pause cut it short: it goes on when it is delivered again. Raises what stops the page."""
        if self.task.step == OWED:
            await self._owed()
            return True
        plans = await self.live.house.ledger.plans(self.live.key, max(OWED, self.task.step - 1))
        kept = own_pages(plans, self.task.step)
        # What was handed on is another task's. Where that has begun, to hand on again would only make work.
        begun = bool(kept) and plans[-1].step > kept[-1].step
        for plan in kept:
            await self._publish(plan, hand_on=not begun)
        done = bool(kept) and (kept[-1].next is not None or kept[-1].ended)
        return done or await self._read(plans)

    async def _owed(self) -> None:
        """What earlier imports left owing goes first; then the feed."""
        live, ledger = self.live, self.live.house.ledger
        plans = await ledger.plans(live.key)
        if plans:
            await self._publish(plans[0], hand_on=len(plans) == 1)
            return
        owed = set(live.connection.cursor.failed_keys)
        looking = live.options.photos and live.connection.cursor.swept and not live.options.full
        looking = looking and await self._look_is_due()
        if looking:
            owed |= await self._with_missing_photos()
        works = tuple((key, "") for key in sorted(owed))
        plan = await ledger.keep(live.key, Plan(OWED, works=works, next=("", "")))
        if looking:
            # Only now: who looks again after a crash must find them again.
            now = epoch_ms(live.house.clock.now())
            await live.house.store.put_state(live.house.user, self._looked_name, str(now))
        await self._publish(plan)

    @property
    def _looked_name(self) -> str:
        return f"photos-looked-over#{self.live.connection.connection_id}"

    async def _look_is_due(self) -> bool:
        """Listings whose photos workers could not have are among the failed keys; those of other imports are looked
        for once a day, as that reads every row of the MLS."""
        live = self.live
        looked = await live.house.store.get_state(live.house.user, self._looked_name)
        now = epoch_ms(live.house.clock.now())
        return looked is None or not looked.isdigit() or now - int(looked) >= DAY_MS

    async def _with_missing_photos(self) -> set[str]:
        live = self.live
        user = live.house.user
        return {
            entry.mls_id
            async for entry in live.house.entries.of_mls(user, live.provider)
            if entry.connection_id == live.connection.connection_id
            and entry.photos_missing
            and entry.status is not ListingStatus.EXPIRED
        }

    async def _read(self, plans: list[Plan]) -> bool:
        """Page after page, until another worker can go on from a place in the feed, or the feed ends; False where a
        pause came before that."""
        whole = self.task.version == WHOLE
        self._known = await self._all_known() if whole else {seen for plan in plans for seen in plan.seen}
        step = max([self.task.step, *(plan.step + 1 for plan in plans)])
        place = Placed(self.live, self.task.cursor)
        async for page in self.live.connector.pages(self._query()):
            if place.behind(page):
                self._known |= await self._all_known()
            after = None if whole else place.after(page)
            planned = False
            while not planned:
                plan, planned = await self._planned(page, step, after)
                await self._publish(plan)
                await self.live.look()
                if plan.next is not None or plan.ended or not self.live.running:
                    return True
                step = plan.step + 1
            if self.live.run.paused:
                return False
        return True

    def _query(self) -> FeedQuery:
        query, cursor = self.live.query, self.task.cursor
        return query if cursor is None else replace(query, since=None, resume_after=cursor)

    async def _all_known(self) -> set[Seen]:
        """Every record of the pages read so far: for a feed that gives what came before the place asked for."""
        plans = await self.live.house.ledger.plans(self.live.key)
        return {seen for plan in plans for seen in plan.seen}

    async def _planned(self, page: Page, step: int, place: Place | None) -> tuple[Plan, bool]:
        """The plan that counts for a step: what is new on the page, settled or to be worked on. And whether all of the
        page is planned now: a plan that another reader kept may be of a page cut elsewhere, or read before a change."""
        live = self.live
        with live.journal() as journal:
            context = live.context(journal)
            context.emit(PageFetched, number=step, records=len(page.records), total=page.total)
            jobs = [live.reader(journal).job(step, record) for record in page.records]
            jobs = [job for job in jobs if self._seen(job) not in self._known]
            with closing(await index_of(live, jobs)) as index:
                handlers = Handlers(context, index)
                left = [job for job in jobs if not handlers.settled(job, handlers.same(job))]
                works = tuple(dict.fromkeys(self._seen(job) for job in left))
            # Quarantined records may be large: they are noted before the plan that counts them.
            await live.house.ledger.note(live.key, journal.unsaved)
            seen = tuple(dict.fromkeys(self._seen(job) for job in jobs))
            plan = Plan(
                step,
                seen,
                works,
                counts_of(journal),
                next=None if page.last else place,
                ended=page.last,
                total=page.total if step == 1 else None,
                whole=self.task.version == WHOLE,
            )
        kept = await live.house.ledger.keep(live.key, plan)
        self._known |= set(kept.seen)
        return kept, self._known.issuperset(seen)

    def _seen(self, job: Job) -> Seen:
        at = job.record.get(self.live.preset.timestamp_field)
        return (job.listing_key, at if isinstance(at, str) else "")

    async def _publish(self, plan: Plan, *, hand_on: bool = True) -> None:
        """Send a plan's work, count it, hand on. Every step bears being done again."""
        live, task = self.live, self.task
        works = [
            Task(TaskKind.LISTING, task.user, task.run, task.connection, key, version, step=plan.step)
            for key, version in plan.works
        ]
        name = f"page#{plan.step}"
        if name not in await live.house.ledger.done(live.key, [name]):
            await self.queues.send(QueueName.MEDIA, works)
            quarantined = plan.counts.get("quarantined", 0)
            outcome = Outcome(
                name, plan.counts, pending=len(works), noted=quarantined, ended=plan.ended, total=plan.total
            )
            await live.house.ledger.finish(live.key, outcome)
        if not hand_on:
            return
        if plan.next is not None:
            cursor = plan.next if plan.step != OWED else None
            page = Task(TaskKind.PAGE, task.user, task.run, task.connection, cursor=cursor, step=plan.step + 1)
            await self.queues.send(QueueName.PAGES, [page])
        elif plan.ended:
            close = Task(TaskKind.CLOSE, task.user, task.run, task.connection)
            await self.queues.send(QueueName.PAGES, [close], delay=CLOSE_SECONDS)


def own_pages(plans: list[Plan], step: int) -> list[Plan]:
    """Of these plans those that one reader kept, from ``step`` to where it handed on or the feed ended."""
    own: list[Plan] = []
    for plan in plans:
        if plan.step >= step:
            own.append(plan)
            if plan.next is not None or plan.ended:
                break
    return own


class Placed:
    """Where in the feed a reader is. A place is handed on only while timestamps come in order and have moved on, and
    where the MLS counts or is known to have an order: else nobody could tell what was lost between two readers."""

    def __init__(self, live: LiveRun, start: Place | None) -> None:
        self._preset = live.preset
        self._start = _moment(start[0]) if start else None
        self._given = 0
        self._keeper = CursorKeeper(live.preset, live.connection.cursor.model_copy(update=_NOWHERE), float("inf"))

    def behind(self, page: Page) -> bool:
        """True where the page shows records from before the place that was asked for."""
        field_name = self._preset.timestamp_field
        moments = [_moment(record.get(field_name)) for record in page.records]
        return self._start is not None and any(at is not None and at < self._start for at in moments)

    def after(self, page: Page) -> Place | None:
        """The place after this page, where another may go on; None where that is not safe."""
        keeper = self._keeper
        keeper.opened(page)
        for _ in page.records:
            keeper.settled(page.number)
        keeper.advance()
        place = keeper.cursor
        self._given += len(page.records)
        # A count of what was given so far, with more to follow, is the page's own (FIELD §1: sometimes wrong).
        counted = page.total is not None and page.total > self._given
        if (self._preset.order_by and not counted) or place.watermark is None or place.last_key is None:
            return None
        at = _moment(place.watermark)
        # The next reader knows by the plan of this page what it sees again: that of an empty one tells it nothing.
        if not page.records or at is None or (self._start is not None and at <= self._start):
            return None
        return place.watermark, place.last_key


_NOWHERE = {"watermark": None, "last_key": None, "failed_keys": (), "swept": False}


def _moment(text: object) -> float | None:
    at = parse_timestamp(text) if isinstance(text, str) and text else None
    return None if at is None else at.timestamp()


async def index_of(live: LiveRun, jobs: list[Job]) -> StoredIndex:
    """The stored listings that these records may be."""
    numbers = {(job.provider, job.mls_number) for job in jobs if not isinstance(job.verdict, Quarantined)}
    entries = await live.house.entries.of(live.house.user, [pair for pair in numbers if pair[1]])
    index = StoredIndex.of(entries)
    if all(isinstance(job.verdict, Mapped | Quarantined) or index.keyed(job.provider, job.listing_key) for job in jobs):
        return index
    # A removal may come with nothing but its ListingKey, by which no row is found: look through its MLS.
    index.close()
    return await StoredIndex.read(live.house.entries.of_mls(live.house.user, live.provider))
