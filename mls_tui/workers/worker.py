"""A worker: receives messages, continues their runs, and deletes each message last. Any number of workers may run. If
one is killed, its messages are delivered again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MlsTuiError, StorageError, sentence
from mls_tui.importer.options import ImportControl
from mls_tui.workers.queue import POLL_SECONDS, Delivery, ImportQueue
from mls_tui.workers.runs import Disposition, Handled, UserImports, fail_dead_letter, perform

RETRY_SECONDS = 5.0
DEAD_LETTERS_SECONDS = 15.0
STOP_SECONDS = 1.8
LONGEST_WAIT_SECONDS = 900.0
MAX_REMEMBERED_LETTERS = 10_000

log = logging.getLogger("mls_tui")


@dataclass(slots=True)
class Worker:
    """``concurrency`` is how many imports run at once. After ``slice_seconds`` an import is saved and continued by a
    new message, so that other connections get their turn and SQS's limit of 12 hours for a message is never reached."""

    queue: ImportQueue
    imports: Callable[[str], AbstractAsyncContextManager[UserImports]]
    clock: Clock
    concurrency: int = 4
    slice_seconds: float = 3600.0
    poll: float = POLL_SECONDS
    _stopping: bool = False
    _controls: set[ImportControl] = field(default_factory=set)
    _failed_letters: set[str] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then save what runs, give its messages back, and return within two seconds."""
        busy: set[asyncio.Task[None]] = set()
        loops = [asyncio.create_task(self._receive(busy)), asyncio.create_task(self._read_dead_letters())]
        try:
            await stop.wait()
        finally:
            self._stopping = True
            for task in loops:
                task.cancel()
            for control in self._controls:
                control.cancel(handed_over=True)
            if busy:
                await asyncio.wait(busy, timeout=STOP_SECONDS)
            await asyncio.gather(*loops, return_exceptions=True)

    async def _receive(self, busy: set[asyncio.Task[None]]) -> None:
        free = asyncio.Semaphore(self.concurrency)

        def ended(task: asyncio.Task[None]) -> None:
            busy.discard(task)
            free.release()
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("unexpected error in a worker", exc_info=error)

        while True:
            await free.acquire()
            try:
                found = await self.queue.receive(1, self.poll)
            except Exception as error:
                _log_error("the queue cannot be read", error)
                await self.clock.sleep(RETRY_SECONDS)
                found = []
            except asyncio.CancelledError:
                free.release()
                raise
            if not found:
                free.release()
            for delivery in found:
                task = asyncio.create_task(self._handle(delivery))
                busy.add(task)
                task.add_done_callback(ended)

    async def _handle(self, delivery: Delivery) -> None:
        """Continue the run of one message, and acknowledge it last."""
        control = ImportControl()
        self._controls.add(control)
        if self._stopping:
            control.cancel(handed_over=True)
        beat = asyncio.create_task(self._heartbeat(delivery, control))
        slice_end = asyncio.create_task(self._hand_over(control))
        try:
            handled = await self._perform(delivery, control)
        finally:
            self._controls.discard(control)
            lost = beat.done() and not beat.cancelled()
            beat.cancel()
            slice_end.cancel()
        if lost:
            return
        try:
            await self._acknowledge(delivery, handled)
        except StorageError as error:
            log.warning("a message could not be acknowledged and is delivered again: %s", sentence(error))

    async def _perform(self, delivery: Delivery, control: ImportControl) -> Handled:
        if delivery.job is None:
            return Handled(Disposition.REJECT)
        try:
            async with self.imports(delivery.job.user) as imports:
                return await perform(imports, delivery, control)
        except Exception as error:
            _log_error(f"run {delivery.job.run} could not be continued", error)
            return Handled(Disposition.BACK)

    async def _acknowledge(self, delivery: Delivery, handled: Handled) -> None:
        match handled.disposition:
            case Disposition.DONE:
                await self.queue.delete(delivery)
            case Disposition.MORE if self._stopping:
                await self.queue.keep(delivery, 0)
            case Disposition.MORE if delivery.job is not None:
                await self.queue.send(delivery.job, handled.group, handled.number)
                await self.queue.delete(delivery)
            case Disposition.BACK:
                await self.queue.keep(delivery, self._wait(delivery.count) if handled.unreachable else self._wait(1))
            case Disposition.BUSY:
                await self.queue.keep(delivery, self.queue.visibility)
            case _:
                if delivery.count == 1:
                    log.warning("message %s is no import of this program and is rejected", delivery.message_id)
                await self.queue.keep(delivery, 0)

    def _wait(self, count: int) -> float:
        """15 s after the first failure and twice as much after each further one, with the default visibility."""
        return min(LONGEST_WAIT_SECONDS, self.queue.visibility / 8 * float(2 ** (count - 1)))

    async def _heartbeat(self, delivery: Delivery, control: ImportControl) -> None:
        """Extend the visibility timeout until cancelled. If the message is no longer ours, stop its import: another
        worker continues it."""
        while True:
            await self.clock.sleep(self.queue.visibility / 3)
            try:
                if not await self.queue.keep(delivery, self.queue.visibility):
                    log.warning("message %s is not ours any more", delivery.message_id)
                    control.cancel(handed_over=True)
                    return
            except StorageError as error:
                log.warning("a heartbeat failed: %s", sentence(error))

    async def _hand_over(self, control: ImportControl) -> None:
        await self.clock.sleep(self.slice_seconds)
        control.cancel(handed_over=True)

    async def _read_dead_letters(self) -> None:
        """Mark the runs of dead letters as failed. The letters stay, for people to look at."""
        while True:
            try:
                for letter in await self.queue.dead_letters():
                    if letter.job is not None and letter.message_id not in self._failed_letters:
                        async with self.imports(letter.job.user) as imports:
                            await fail_dead_letter(imports, letter.job)
                    self._failed_letters.add(letter.message_id)
            except Exception as error:
                _log_error("the dead letters cannot be read", error)
            if len(self._failed_letters) > MAX_REMEMBERED_LETTERS:
                self._failed_letters.clear()
            await self.clock.sleep(DEAD_LETTERS_SECONDS)


def _log_error(what: str, error: Exception) -> None:
    """Log an error that does not stop the worker."""
    log.warning("%s: %s", what, sentence(error), exc_info=None if isinstance(error, MlsTuiError) else error)
