"""Partial failure is not success: what SQS answers and moto never does; and the heartbeat, on a clock of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.stub import ANY

from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.queue_calls import Entry, QueueCalls, QueueName
from mls_tui.distributed.queues import Queues, Received
from mls_tui.domain.errors import StorageError
from tests.clocks import StepClock
from tests.unit.storage_stubs import StubbedAws

TASK = Task(TaskKind.LISTING, "ann", "r1", "c1", "K1", "v1")
RECEIVED = Received(QueueName.MEDIA, TASK, "receipt", 1, "m1")


@pytest.fixture
def aws() -> StubbedAws:
    stubbed = StubbedAws()
    stubbed.queues.add_response("get_queue_url", {"QueueUrl": "https://sqs/q"}, {"QueueName": ANY})
    return stubbed


def answer(*refused: str, code: str = "ThrottlingException", ours: bool = False) -> dict[str, Any]:
    return {"Successful": [], "Failed": [{"Id": each, "SenderFault": ours, "Code": code} for each in refused]}


def asked(numbers: str, **more: Any) -> dict[str, Any]:
    entries = [{"Id": each, "MessageBody": f"b{each}", "MessageGroupId": "g", **more} for each in numbers]
    return {"QueueUrl": "https://sqs/q", "Entries": entries}


def test_only_what_was_refused_is_sent_again(aws: StubbedAws) -> None:
    waits: list[float] = []
    for numbers, failed in (("0123", "13"), ("13", "3"), ("3", "")):
        aws.queues.add_response("send_message_batch", answer(*failed), asked(numbers, DelaySeconds=8))
    QueueCalls(aws, "q", pause=waits.append).send("q-media", [Entry(f"b{each}", "g") for each in range(4)], 7.5)
    assert len(waits) == 2
    assert waits == sorted(waits)
    aws.done()


def test_what_stays_refused_is_an_error_that_may_be_retried(aws: StubbedAws) -> None:
    for _ in range(8):
        aws.queues.add_response("send_message_batch", answer("0"))
    with pytest.raises(StorageError, match="1 messages are unsent") as caught:
        QueueCalls(aws, "q", pause=lambda _: None).send("q-media", [Entry("b0", "g")])
    assert caught.value.retryable
    aws.done()


def test_a_message_that_sqs_will_never_take_is_not_sent_again(aws: StubbedAws) -> None:
    aws.queues.add_response("send_message_batch", answer("0", code="InvalidMessageContents", ours=True))
    with pytest.raises(StorageError, match="InvalidMessageContents") as caught:
        QueueCalls(aws, "q").send("q-media", [Entry("b0", "g")])
    assert not caught.value.retryable
    aws.done()


def test_a_batch_has_ten_messages_at_most_and_fits_a_request(aws: StubbedAws) -> None:
    sizes: list[int] = []
    aws.sqs().meta.events.register(
        "before-parameter-build.sqs.SendMessageBatch", lambda params, **_: sizes.append(len(params["Entries"]))
    )
    for _ in range(5):
        aws.queues.add_response("send_message_batch", answer())
    small, large = [Entry("x")] * 21, [Entry("x" * 90_000)] * 3
    QueueCalls(aws, "q").send("q-media", [*small, *large])
    assert sizes == [10, 10, 3, 1]


async def test_putting_off_that_cannot_send_its_copy_leaves_the_original(aws: StubbedAws) -> None:
    aws.queues.add_client_error("send_message_batch", "ServiceUnavailable", "try later", 503)
    queues = Queues(aws, "q")
    with pytest.raises(StorageError) as caught:
        await queues.later(RECEIVED, 60)
    assert caught.value.retryable
    # A delete would have asked the stub for an answer that it has not.
    aws.done()
    await queues.close()


class Beats(QueueCalls):
    """Notes each extension; the answers are given in turn."""

    def __init__(self, aws: StubbedAws, *answers: bool | StorageError) -> None:
        super().__init__(aws, "q")
        self._answers = list(answers)
        self.made: list[tuple[str, str, float]] = []
        self.over = threading.Event()

    def hide(self, name: str, receipt: str, seconds: float) -> bool:
        self.made.append((name, receipt, seconds))
        answer = self._answers.pop(0)
        if not self._answers:
            self.over.set()
        if isinstance(answer, StorageError):
            raise answer
        return answer


class Beaten:
    def __init__(self, calls: Beats, clock: StepClock) -> None:
        self.calls, self.clock = calls, clock


@pytest.fixture
async def beaten(aws: StubbedAws) -> AsyncIterator[Beaten]:
    """A body that runs until the heartbeat gives up at its fourth beat."""
    calls = Beats(aws, True, StorageError("SQS is away."), True, False)
    clock = StepClock()
    queues = Queues(aws, "q", visibility=120, clock=clock, calls=calls)
    async with queues.heartbeat(RECEIVED):
        await asyncio.to_thread(calls.over.wait, 10)
    yield Beaten(calls, clock)
    await queues.close()


async def test_a_heartbeat_keeps_the_message_for_as_long_as_the_body_runs(beaten: Beaten) -> None:
    assert beaten.calls.made == [("q-media", "receipt", 120)] * 4
    assert set(beaten.clock.slept) == {40.0}


async def test_a_heartbeat_ends_with_its_body_whatever_that_raises(aws: StubbedAws) -> None:
    calls, clock = Beats(aws, *[True] * 9), StepClock()
    queues = Queues(aws, "q", clock=clock, calls=calls)
    with pytest.raises(KeyError):
        async with queues.heartbeat(RECEIVED):
            raise KeyError
    before = len(clock.slept)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(clock.slept) == before
    await queues.close()
