"""The books of a run that many machines work on: plans of pages, done-marks of tasks, and counters on the run's row.
Whatever is delivered twice must count once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from mls_tui.distributed.outcome import Intent, Outcome, RunKey, Sums
from mls_tui.distributed.plan import Plan, unpacked
from mls_tui.domain import keys
from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import ImportRun, Problem, ProblemKind, RunState
from mls_tui.storage import items
from mls_tui.storage.attributes import Item, to_attributes
from mls_tui.storage.aws import Aws
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table, TransactionFailedError
from mls_tui.storage.rows import KeyRange
from mls_tui.storage.threads import DaemonPool

KEPT_DAYS = 14
"""How long plans and done-marks outlive their writing (the table's TTL): as long as a dead letter may wait."""
MOST_ACTIONS = 90
"""TransactWriteItems takes 100."""
_THREADS = 8
_CLOSE_SECONDS = 2.0
_REFUSED = "ConditionalCheckFailed"


class Ledger:
    """Async over one table. Every method raises StorageError with a sentence where the table does not answer."""

    def __init__(self, aws: Aws, table: str, clock: Clock) -> None:
        self._table = Table(aws, table)
        self._clock = clock
        self._pool = DaemonPool(_THREADS, "mls-tui-ledger")
        self._waiting: dict[RunKey, list[tuple[Outcome, asyncio.Future[bool]]]] = {}
        self._committing: set[asyncio.Task[None]] = set()

    # plans

    async def keep(self, run: RunKey, plan: Plan) -> Plan:
        """Keep the plan of a page. The plan that counts is answered: an earlier delivery's, where there was one."""
        item = self._item(run, keys.page_sk(run.run, plan.step), "ImportPage", plan.packed())
        standing = await self._pool.run(lambda: self._table.create(items.fitting(item, f"Page {plan.step}")))
        return plan if standing is None else unpacked(standing["Data"])

    async def plans(self, run: RunKey, first: int = 0) -> list[Plan]:
        """Those kept of a run, from the step ``first`` on, in order."""
        wanted = KeyRange(run.pk, keys.page_sk(run.run, first), items.upper_bound(keys.page_prefix(run.run)))
        return [unpacked(item["Data"]) for item in await self._all(wanted)]

    async def _all(self, wanted: KeyRange) -> list[Item]:
        def job() -> list[Item]:
            found: list[Item] = []
            start: dict[str, Any] | None = None
            while True:
                page, start = self._table.page(wanted, start, lambda item: item)
                found += page
                if start is None:
                    return found

        return await self._pool.run(job)

    # done-marks and counters

    async def done(self, run: RunKey, tasks: Iterable[str]) -> dict[str, bool]:
        """Which of the tasks have been counted, and whether as a listing that failed."""
        marks = {keys.task_sk(run.run, task): task for task in tasks}
        found = await self._pool.run(lambda: self._table.get_many([(run.pk, sk) for sk in marks]))
        return {marks[item["SK"]]: bool(item["Data"].get("failed")) for item in found}

    async def finish(self, run: RunKey, outcome: Outcome) -> bool:
        """Count a task, once: False where it was counted before. Tasks of a run that finish together share one
        transaction, as they all write its row."""
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(run)
        if waiting is not None:
            waiting.append((outcome, settled))
        else:
            self._waiting[run] = [(outcome, settled)]
            task = asyncio.create_task(self._commit(run))
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
        return await settled

    async def _commit(self, run: RunKey) -> None:
        try:
            while waiting := self._waiting[run]:
                batch, rest = _fitting(waiting)
                self._waiting[run] = rest
                await self._commit_batch(run, batch)
        finally:
            for _, settled in self._waiting.pop(run):
                settled.cancel()

    async def _commit_batch(self, run: RunKey, batch: list[tuple[Outcome, asyncio.Future[bool]]]) -> None:
        first: dict[str, Outcome] = {}
        for outcome, _ in batch:
            first.setdefault(outcome.task, outcome)
        try:
            counted = await self._pool.run(lambda: self._count(run, list(first.values())))
        except Exception as error:
            for _, settled in batch:
                if not settled.done():
                    settled.set_exception(error)
            return
        for outcome, settled in batch:
            if not settled.done():
                settled.set_result(outcome.task in counted and first[outcome.task] is outcome)

    def _count(self, run: RunKey, outcomes: list[Outcome]) -> set[str]:
        """The tasks among them that were not counted yet; all of those in one transaction."""
        while outcomes:
            writes = [self._mark(run, outcome) for outcome in outcomes]
            # Named by what they are, as a transaction takes every item but once.
            problems = [self._problem_item(run, problem) for outcome in outcomes for problem in outcome.problems]
            writes += [self._put(item) for item in {item["SK"]: item for item in problems}.values()]
            writes.append(self._add(run, outcomes))
            try:
                self._table.transact(writes)
            except TransactionFailedError as failed:
                if failed.codes[-1] == _REFUSED:
                    raise StorageError(f"Run {run.run} is no longer stored; its work is dropped.") from failed
                # Beside a mark that stands, others may only have met another transaction: those are tried again.
                known = zip(outcomes, failed.codes, strict=False)
                outcomes = [outcome for outcome, code in known if code != _REFUSED]
                continue
            return {outcome.task for outcome in outcomes}
        return set()

    async def intend(self, run: RunKey, task: str, intent: Intent) -> None:
        """Keep what a task is about to write, until it is counted."""
        listing, at = intent.name
        data = {"listingId": listing, "syncedAt": at, "counts": dict(intent.counts)}
        item = self._item(run, keys.intent_sk(run.run, task, listing, at), "ImportIntent", data)
        await self._pool.run(lambda: self._table.put(item))

    async def intents(self, run: RunKey, task: str) -> list[Intent]:
        """What every delivery of a task so far was about to write."""
        prefix = keys.intent_prefix(run.run, task)
        found = [item["Data"] for item in await self._all(KeyRange(run.pk, prefix, items.upper_bound(prefix)))]
        return [
            Intent(data["listingId"], int(data["syncedAt"]), {name: int(n) for name, n in data["counts"].items()})
            for data in found
        ]

    async def note(self, run: RunKey, problems: Sequence[Problem]) -> None:
        """Keep problems that the finishing of a task has no room for; the same one twice is kept once."""
        rows = {_name_of(problem): self._problem_item(run, problem) for problem in problems}
        if rows:
            await self._pool.run(lambda: self._table.put_all(list(rows.values())))

    def _mark(self, run: RunKey, outcome: Outcome) -> dict[str, Any]:
        data = {"task": outcome.task[:500], "failed": outcome.failed}
        item = self._item(run, keys.task_sk(run.run, outcome.task), "ImportTask", data)
        mark = self._put(item)
        mark["Put"]["ConditionExpression"] = "attribute_not_exists(PK)"
        return mark

    def _put(self, item: Item) -> dict[str, Any]:
        return {"Put": {"TableName": self._table.name, "Item": to_attributes(item)}}

    def _problem_item(self, run: RunKey, problem: Problem) -> Item:
        item = items.problem_item(run.user, run.run, 0, problem, self._now())
        return {**item, "SK": keys.problem_prefix(run.run) + _name_of(problem)}

    def _add(self, run: RunKey, outcomes: list[Outcome]) -> dict[str, Any]:
        adding = Sums()
        for outcome in outcomes:
            adding.take(outcome)
        return {
            "Update": {
                "TableName": self._table.name,
                "Key": to_attributes({"PK": run.pk, "SK": run.sk}),
                **adding.update(self._now()),
                "ConditionExpression": "attribute_exists(PK)",
            }
        }

    # the run's row

    async def create(self, run: ImportRun) -> None:
        """The row of a new run; one that stands stays as it is."""
        item = items.run_item(run.user_id, run, self._now())
        await self._pool.run(lambda: self._table.create(item))

    async def control(self, run: RunKey, word: str | None) -> bool:
        """Tell every worker: ``pause``, or None to go on. False where the run has ended."""
        change = "REMOVE #d.#c" if word is None else "SET #d.#c = :word"
        values: Item = {":running": RunState.RUNNING.value} | ({} if word is None else {":word": word})
        return await self._while_running(run, change, values, {"#c": "control"})

    async def end(
        self,
        run: RunKey,
        state: RunState,
        *,
        error: str | None = None,
        refused: bool = False,
        errors: Sequence[Problem] = (),
    ) -> bool:
        """How the run ended; False where it had ended before. Nothing that was counted is lost."""
        now = self._now()
        values: Item = {
            ":running": RunState.RUNNING.value,
            ":state": state.value,
            ":now": now,
            ":errors": [problem.model_copy(update={"raw": None}).to_data() for problem in errors],
        }
        change = "SET #d.#s = :state, #d.#f = :now, #d.#u = :now, #d.#e = :errors, UpdatedAt = :now"
        names = {"#f": "finishedAt", "#u": "updatedAt", "#e": "errors"}
        if error is not None:
            change, names["#why"], values[":why"] = f"{change}, #d.#why = :why", "error", error
        if refused:
            change, names["#r"], values[":refused"] = f"{change}, #d.#r = :refused", "refused", True
        return await self._while_running(run, change, values, names)

    async def _while_running(self, run: RunKey, change: str, values: Item, names: dict[str, str]) -> bool:
        condition = Condition("#d.#s = :running", values, {"#d": "Data", "#s": "state", **names})

        def job() -> bool:
            try:
                self._table.update(run.pk, run.sk, change, condition)
            except ConditionFailedError:
                return False
            return True

        return await self._pool.run(job)

    async def close(self) -> None:
        await asyncio.gather(*self._committing, return_exceptions=True)
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)

    def _item(self, run: RunKey, sk: str, kind: str, data: dict[str, Any]) -> Item:
        now = self._now()
        expires = now // 1000 + KEPT_DAYS * 86_400
        return {
            "PK": run.pk,
            "SK": sk,
            "EntityType": kind,
            "Data": data,
            "CreatedAt": now,
            "UpdatedAt": now,
            "ExpiresAt": expires,
        }

    def _now(self) -> int:
        return epoch_ms(self._clock.now())


def _fitting(
    waiting: list[tuple[Outcome, asyncio.Future[bool]]],
) -> tuple[list[tuple[Outcome, asyncio.Future[bool]]], list[tuple[Outcome, asyncio.Future[bool]]]]:
    """As many as one transaction takes, and the rest."""
    actions = 1
    for number, (outcome, _) in enumerate(waiting):
        actions += 1 + len(outcome.problems)
        if actions > MOST_ACTIONS and number:
            return waiting[:number], waiting[number:]
    return waiting, []


def _name_of(problem: Problem) -> str:
    """The same for a problem met twice: it is kept once."""
    photo = problem.photo_index if problem.kind is ProblemKind.PHOTO else ""
    name = f"{problem.kind.value}#{problem.listing_key}#{problem.mls_number}#{photo}"
    return keys.hashed(name)[:32]
