"""The slots of one kind of host, as one worker takes them from their row: several at once, none too late, none during a
pause. It must never use a slot on an old view of the row."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from mls_tui.distributed.reservation import SECOND, Rate, SlotRow, SlotState, paused, rate_of, reserve, spacing_of
from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import BudgetWaitError, StorageError
from mls_tui.reso.budget_host import HostBudget, OnWait
from mls_tui.reso.preset_fields import Limit

Run = Callable[[Callable[[], SlotState | None]], Awaitable[SlotState | None]]
"""Runs a blocking call about the row off the event loop."""

logger = logging.getLogger(__name__)

FULL = "all slots of the shared rate budget are taken"
_FRESH_SECONDS = 0.25
"""A request leaves only on a view of the row that is no older, or as old as the table takes to answer: a pause reaches
every worker within that time."""
_LONGEST_LEAD = 2 * SECOND
_AHEAD = SECOND
"""How far ahead slots are reserved at once, in microseconds: what a worker takes and then does not use is lost."""
_ATTEMPTS = 50
_NOTICEABLE_SECONDS = 2.0


class HostSlots:
    """``patience`` and ``grace`` are seconds; ``host`` tells what was received and which limits are known."""

    def __init__(
        self,
        row: SlotRow,
        host: HostBudget,
        preset: Sequence[Limit],
        run: Run,
        clock: Clock,
        *,
        patience: float,
        grace: float,
        rng: random.Random,
    ) -> None:
        self._row, self._host, self._preset = row, host, preset
        self._run, self._clock, self._rng = run, clock, rng
        self._patience, self._grace = patience, grace
        self._state: SlotState | None = None
        self._seen = float("-inf")
        self._took = 0.0
        self._slots: deque[int] = deque()
        self._charged = host.bytes_received
        self._owed: tuple[int, str] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @property
    def spacing(self) -> float:
        """Seconds between two slots, as far as is known."""
        return spacing_of(self._state or SlotState(), self._now(), self._rate()) / SECOND

    async def take(self, waiting: Callable[[], int], on_wait: OnWait | None) -> None:
        """Return at a moment at which one request may be sent. ``waiting`` counts the callers in line, this one too.

        Raises:
            BudgetWaitError: that moment is further away than the patience.
            StorageError: the row cannot be reached.
        """
        async with self._turn:
            while not await self._come(waiting, on_wait):
                continue

    def pause(self, seconds: float, why: str) -> None:
        """Nobody is to send anything for ``seconds``; the row is told in the background, at the latest by ``take``."""
        until = self._now() + round(seconds * SECOND)
        known = max(self._state.paused_until if self._state else 0, self._owed[0] if self._owed else 0)
        if until <= known:
            return
        self._owed = (until, why)
        self._slots.clear()
        task = asyncio.get_running_loop().create_task(self._tell_soon())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def told(self) -> None:
        """Once the row knows of every pause."""
        await asyncio.gather(*self._telling)

    async def _come(self, waiting: Callable[[], int], on_wait: OnWait | None) -> bool:
        """Wait for a slot and say whether it can be used; False where it was missed, or a pause came between."""
        await self._tell()
        state = await self._fresh()
        rate, now = self._rate(), self._now()
        if rate.unlimited and not spacing_of(state, now, rate):
            return await self._unpaused(state, on_wait)
        if not self._slots:
            await self._reserve(rate, waiting)
        slot = self._slots[0]
        # Where the table is slow, a look at it when the time has come would make that time pass.
        await self._until(slot - self._lead(), on_wait)
        await self._fresh()
        await self._until(slot, None)
        if not self._slots or self._slots[0] != slot:
            return False
        self._slots.popleft()
        return self._now() <= slot + round(self._grace / 2 * SECOND)

    async def _unpaused(self, state: SlotState, on_wait: OnWait | None) -> bool:
        now = self._now()
        if not state.paused_for(now):
            return True
        if state.paused_for(now) > self._patience * SECOND:
            raise BudgetWaitError(state.paused_for(now) / SECOND, state.why)
        await self._until(state.paused_until, on_wait)
        return False

    async def _reserve(self, rate: Rate, waiting: Callable[[], int]) -> None:
        for _ in range(_ATTEMPTS):
            state = self._state or await self._fresh()
            now = self._now()
            ahead = _AHEAD // max(1, spacing_of(state, now, rate))
            received = self._host.bytes_received - self._charged if rate.per_byte else 0
            count = max(1, min(waiting(), ahead))
            made = reserve(state, now, rate, count=count, received=received, patience=self._patience, lead=self._lead())
            if made.state != state:
                other = await self._ask(partial(self._row.swap, state, made.state))
                if other is not None:
                    self._saw(other)
                    await self._clock.sleep(self._rng.uniform(0.0, 0.02))
                    continue
                self._saw(replace(made.state, revision=state.revision + 1))
                self._charged += received
            if not made.slots:
                raise BudgetWaitError(made.wait, self._why())
            self._slots.extend(made.slots)
            return
        raise StorageError("The shared rate budget is contended: too many workers reserve at once.", retryable=True)

    async def _tell(self) -> None:
        """Write an owed pause into the row."""
        while self._owed is not None:
            state, owed = self._state or await self._fresh(), self._owed
            wanted = paused(state, *owed)
            other = await self._ask(partial(self._row.swap, state, wanted)) if wanted != state else None
            if other is not None:
                self._saw(other)
                continue
            self._saw(replace(wanted, revision=state.revision + (wanted != state)))
            self._owed = None if self._owed == owed else self._owed

    async def _tell_soon(self) -> None:
        try:
            await self._tell()
        except StorageError as error:
            logger.warning("Other workers could not be told of a pause: %s", error)

    async def _fresh(self) -> SlotState:
        if self._state is None or self._clock.monotonic() - self._seen > _FRESH_SECONDS:
            read = await self._ask(self._row.read)
            self._saw(read or SlotState())
        return self._state or SlotState()

    async def _ask(self, job: Callable[[], SlotState | None]) -> SlotState | None:
        began = self._clock.monotonic()
        answer = await self._run(job)
        self._took = max(self._clock.monotonic() - began, self._took / 2)
        return answer

    def _lead(self) -> int:
        """About how long the row takes to answer, in microseconds: quick to rise, slow to fall."""
        return min(round(self._took * SECOND), _LONGEST_LEAD)

    def _saw(self, state: SlotState) -> None:
        self._state, self._seen = state, self._clock.monotonic()
        left = state.paused_for(self._now())
        if left:
            self._slots.clear()
            if left / SECOND > self._host.paused_for() + 0.001:
                self._host.pause(left / SECOND, state.why)

    async def _until(self, moment: int, on_wait: OnWait | None) -> None:
        wait = (moment - self._now()) / SECOND
        if on_wait is not None and wait >= _NOTICEABLE_SECONDS:
            on_wait(datetime.fromtimestamp(moment / SECOND, UTC), self._why())
        while (wait := (moment - self._now()) / SECOND) > 0:
            await self._clock.sleep(wait)

    def _why(self) -> str:
        state = self._state
        return state.why if state and state.paused_for(self._now()) else FULL

    def _rate(self) -> Rate:
        windows = [Limit(each.limit, each.seconds, each.unit) for each in self._host.windows()]
        return rate_of(windows, self._preset, self._grace)

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * SECOND)
