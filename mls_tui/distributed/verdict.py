"""What becomes of a message once its task has been tried: done, later, once more, or dead. A wait that says nothing of
the message itself must not use up its deliveries."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum

from mls_tui.distributed.live import LiveRun
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.outcome import Outcome
from mls_tui.distributed.queue_setup import MAX_RECEIVES
from mls_tui.distributed.queues import Queues, Received
from mls_tui.distributed.starting import end_run
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.errors import AuthenticationError, BudgetWaitError, MlsTuiError, RateLimitedError, sentence
from mls_tui.domain.run import Problem, ProblemKind, RunState

REST_SECONDS = 60.0
"""How long a task waits after a provider that kept answering 429; the shared budget knows when it may go on."""
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


async def verdict_of(live: LiveRun | None, received: Received, error: Exception) -> Verdict:
    """What an error makes of a message. Failures that stand are written to the run before the message goes."""
    if isinstance(error, BudgetWaitError):
        return later(error.seconds)
    if isinstance(error, RateLimitedError):
        return later(REST_SECONDS)
    if not isinstance(error, MlsTuiError):
        log.error("unforeseen error in task %s of run %s", received.task.id, received.task.run, exc_info=error)
    else:
        log.warning("task %s of run %s failed: %s", received.task.id, received.task.run, sentence(error))
    if live is not None and isinstance(error, AuthenticationError):
        await _end(live, sentence(error))
        return DONE
    if live is None or received.count < MAX_RECEIVES:
        return Verdict(Fate.AGAIN, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**received.count))
    await give_up(live, received.task, sentence(error), received.count)
    return DEAD


async def give_up(live: LiveRun, task: Task, why: str, deliveries: int) -> None:
    """A task that nobody could do: a listing has failed; without one of its pages a whole run has."""
    if task.kind is not TaskKind.LISTING:
        await _end(live, f"The feed could not be read to its end: {why}")
        return
    at = epoch_ms(live.house.clock.now())
    problem = Problem(
        kind=ProblemKind.LISTING,
        mls_number=task.listing_key,
        listing_key=task.listing_key,
        error=why,
        attempts=deliveries,
        at=at,
    )
    await live.house.ledger.finish(live.key, Outcome(task.id, {"failed": 1, "total": 1}, problems=(problem,)))


async def _end(live: LiveRun, why: str) -> None:
    await end_run(live.house.store, live.house.ledger, live.run, RunState.FAILED, why)
    await live.look(now=True)
