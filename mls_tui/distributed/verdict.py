"""What becomes of a message once its task has been tried: done, later, once more, or dead. A wait that says nothing of
the message itself must not use up its deliveries."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from mls_tui.distributed.holding import end_run
from mls_tui.distributed.live import House, LiveRun
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.outcome import Outcome, RunKey
from mls_tui.distributed.queue_setup import MAX_RECEIVES
from mls_tui.distributed.queues import Queues, Received
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.errors import (
    AuthenticationError,
    BudgetWaitError,
    MlsTuiError,
    RateLimitedError,
    StorageError,
    sentence,
)
from mls_tui.domain.run import ImportRun, Problem, ProblemKind, RunState

REST_SECONDS = 60.0
"""How long a task waits after a provider that kept answering 429; the shared budget knows when it may go on."""
SHORTEST_PAUSE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 60.0
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 30.0

log = logging.getLogger("mls_tui")


class Fate(Enum):
    DONE = "done"
    LATER = "later"
    """A delayed copy, which uses up no delivery."""
    AGAIN = "again"
    """The message itself comes again; after MAX_RECEIVES deliveries it is dead."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Verdict:
    fate: Fate
    seconds: float = 0.0


DONE = Verdict(Fate.DONE)
DEAD = Verdict(Fate.DEAD)


def later(seconds: float) -> Verdict:
    return Verdict(Fate.LATER, seconds)


def resting(run: ImportRun, now: datetime) -> Verdict:
    """For a task of a paused run: later, by as long as nothing has been counted, within bounds. So a short pause ends
    soon after it is told to, and a long one moves each message once a minute."""
    quiet = (epoch_ms(now) - run.updated_at) / 1000
    return later(max(SHORTEST_PAUSE_SECONDS, min(LONGEST_PAUSE_SECONDS, quiet)))


async def apply(queues: Queues, received: Received, verdict: Verdict) -> None:
    """The last thing done with a delivery."""
    match verdict.fate:
        case Fate.DONE:
            await queues.done(received)
        case Fate.LATER:
            await queues.later(received, verdict.seconds)
        case Fate.AGAIN:
            await queues.extend(received, verdict.seconds)
        case Fate.DEAD:
            await queues.bury(received)


async def verdict_of(live: LiveRun | None, received: Received, error: Exception, house: House | None = None) -> Verdict:
    """What an error makes of a message. Failures that stand are written to the run before the message goes; ``house``
    is whose run it is where it could not even be opened."""
    if isinstance(error, BudgetWaitError):
        return later(error.seconds)
    if isinstance(error, RateLimitedError):
        return later(REST_SECONDS)
    if live is not None and received.task.kind is TaskKind.CLOSE and await _has_ended(live):
        return DONE  # another delivery of it came first
    if not isinstance(error, MlsTuiError):
        log.error("unforeseen error in task %s of run %s", received.task.id, received.task.run, exc_info=error)
    else:
        log.warning("task %s of run %s failed: %s", received.task.id, received.task.run, sentence(error))
    if live is not None and isinstance(error, AuthenticationError):
        await _end(live.house, live.run, sentence(error), refused=True)
        await live.look(now=True)
        return DONE
    if received.count < MAX_RECEIVES:
        return Verdict(Fate.AGAIN, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**received.count))
    house = live.house if live is not None else house
    if house is None:
        return Verdict(Fate.AGAIN, LONGEST_WAIT_SECONDS)  # the table is out of reach: SQS itself moves it now
    await give_up(house, received.task, sentence(error), received.count)
    return DEAD


async def give_up(house: House, task: Task, why: str, deliveries: int) -> None:
    """A task that nobody could do: a listing has failed; without one of its pages a whole run has."""
    run = await house.store.get_run(house.user, task.run)
    if run is None or run.state is not RunState.RUNNING:
        return
    if task.kind is not TaskKind.LISTING:
        advice = "What is stored stays; import again to go on from there."
        await _end(house, run, f"The feed could not be read to its end: {why.rstrip('.')}. {advice}")
        return
    problem = Problem(
        kind=ProblemKind.LISTING,
        mls_number=task.listing_key,
        listing_key=task.listing_key,
        error=why,
        attempts=deliveries,
        at=epoch_ms(house.clock.now()),
    )
    outcome = Outcome(task.id, {"failed": 1, "total": 1}, problems=(problem,))
    await house.ledger.finish(RunKey.of(run), outcome)


async def _has_ended(live: LiveRun) -> bool:
    with contextlib.suppress(StorageError):
        await live.look(now=True)
    return not live.running


async def _end(house: House, run: ImportRun, why: str, *, refused: bool = False) -> None:
    await end_run(house.store, house.ledger, run, RunState.FAILED, why, refused=refused)
