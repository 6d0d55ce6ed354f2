"""Promises of the queues on moto's server: at least once, fair, acknowledged last, and nothing lost on the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from mls_tui.distributed.messages import Task, TaskKind, encode
from mls_tui.distributed.queue_calls import QueueCalls
from mls_tui.distributed.queue_setup import MAX_RECEIVES
from mls_tui.distributed.queues import QueueName, Queues, Received
from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws

MEDIA, PAGES = QueueName.MEDIA, QueueName.PAGES


@pytest.fixture
def prefix() -> str:
    return f"t-{uuid4().hex}"


@pytest.fixture
async def queues(aws: Aws, prefix: str) -> AsyncIterator[Queues]:
    made = Queues(aws, prefix, visibility=30)
    await made.init()
    yield made
    await made.close()


def a_listing(number: int = 1) -> Task:
    return Task(TaskKind.LISTING, "ann", "r1", "c1", f"K{number}", "2026-06-01T00:00:00Z")


async def received(queues: Queues, *tasks: Task) -> list[Received]:
    await queues.send(MEDIA, tasks)
    return await queues.receive(MEDIA)


async def test_every_task_sent_comes_once_and_stays_until_done(queues: Queues) -> None:
    sent = [a_listing(number) for number in range(23)]
    await queues.send(MEDIA, sent)
    assert (await queues.depth(MEDIA)).visible == 23

    got: list[Received] = []
    while batch := await queues.receive(MEDIA):
        got += batch
    assert sorted(each.task.listing_key for each in got) == sorted(task.listing_key for task in sent)
    assert {each.count for each in got} == {1}
    assert (await queues.depth(MEDIA)).in_flight == 23

    for each in got:
        await queues.done(each)
    assert (await queues.depth(MEDIA)).total == 0
    assert (await queues.depth(PAGES)).total == 0


async def test_messages_carry_the_group_of_their_user_and_mls(queues: Queues, aws: Aws, prefix: str) -> None:
    await queues.send(PAGES, [Task(TaskKind.PAGE, "ann", "r1", "c1")])
    client: Any = aws.sqs()
    address = client.get_queue_url(QueueName=f"{prefix}-pages")["QueueUrl"]
    found = client.receive_message(QueueUrl=address, MessageSystemAttributeNames=["MessageGroupId"])["Messages"]
    assert [message["Attributes"]["MessageGroupId"] for message in found] == ["ann#c1"]


async def test_a_task_put_off_comes_as_a_new_message_that_used_up_no_delivery(queues: Queues) -> None:
    [each] = await received(queues, a_listing())
    for _ in range(7):
        await queues.later(each, 0)
        [each] = await queues.receive(MEDIA)
        assert (each.task, each.count) == (a_listing(), 1)

    await queues.later(each, 2000)
    depth = await queues.depth(MEDIA)
    assert (depth.visible, depth.in_flight, depth.delayed) == (0, 0, 1)


async def test_a_task_given_up_too_often_becomes_a_dead_letter(queues: Queues) -> None:
    await queues.send(MEDIA, [a_listing()])
    counts = []
    while got := await queues.receive(MEDIA):
        counts.append(got[0].count)
        assert await queues.extend(got[0], 0)
    assert counts == list(range(1, MAX_RECEIVES + 1))
    assert [letter.task for letter in await queues.dead(MEDIA)] == [a_listing()]


async def test_dead_letters_stay_until_they_are_done(queues: Queues) -> None:
    for each in await received(queues, *(a_listing(number) for number in range(3))):
        await queues.bury(each)
    assert (await queues.depth(MEDIA)).total == 0

    letters = await queues.dead(MEDIA)
    assert sorted(letter.task.listing_key for letter in letters) == ["K0", "K1", "K2"]
    assert await queues.dead(MEDIA) == []
    for letter in letters:
        assert letter.dead
        await queues.extend(letter, 0)
    again = await queues.dead(MEDIA)
    assert len(again) == 3

    for letter in again:
        await queues.done(letter)
    assert (await queues.depth(MEDIA, dead=True)).total == 0


async def test_what_is_no_task_goes_to_the_dead_letters_and_stops_nothing(
    queues: Queues, aws: Aws, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    client: Any = aws.sqs()
    address = client.get_queue_url(QueueName=f"{prefix}-media")["QueueUrl"]
    client.send_message(QueueUrl=address, MessageBody="canary of a stranger")
    client.send_message(QueueUrl=address, MessageBody=encode(a_listing()))

    assert [each.task for each in await queues.receive(MEDIA)] == [a_listing()]
    depth, dead = await queues.depth(MEDIA), await queues.depth(MEDIA, dead=True)
    assert (depth.visible, depth.in_flight, dead.visible) == (0, 1, 1)
    assert await queues.dead(MEDIA) == []
    assert "not a task of mls-tui" in caplog.text
    assert "canary" not in caplog.text


async def test_an_outdated_receipt_is_no_error(queues: Queues) -> None:
    [each] = await received(queues, a_listing())
    await queues.done(each)
    assert not await queues.extend(each, 30)
    await queues.done(each)
    assert (await queues.depth(MEDIA)).total == 0


async def test_a_poll_waits_for_the_first_task(queues: Queues) -> None:
    polling = asyncio.create_task(queues.receive(MEDIA, wait=20))
    while not polling.done():
        if (await queues.depth(MEDIA)).total == 0:
            await queues.send(MEDIA, [a_listing()])
        await asyncio.sleep(0)
    assert [each.task for each in await polling] == [a_listing()]


class HeldCalls(QueueCalls):
    """Polls that have got their messages, but do not bring them home until ``go`` is set."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        super().__init__(aws, prefix)
        self.got, self.go = threading.Event(), threading.Event()

    def receive(self, name: str, at_most: int, wait: float, visibility: int) -> list[dict[str, Any]]:
        found = super().receive(name, at_most, wait, visibility)
        self.got.set()
        self.go.wait(10)
        return found


async def test_a_cancelled_poll_gives_back_what_it_got(queues: Queues, aws: Aws, prefix: str) -> None:
    await queues.send(MEDIA, [a_listing()])
    calls = HeldCalls(aws, prefix)
    stopped = Queues(aws, prefix, visibility=3600, calls=calls)
    polling = asyncio.create_task(stopped.receive(MEDIA))
    await asyncio.to_thread(calls.got.wait, 10)
    polling.cancel()
    await asyncio.wait([polling])
    assert (await queues.depth(MEDIA)).in_flight == 1

    calls.go.set()
    assert [each.count for each in await queues.receive(MEDIA, wait=10)] == [2]
    await stopped.close()


async def test_init_makes_protected_queues_and_may_be_repeated(queues: Queues, aws: Aws, prefix: str) -> None:
    assert {check.state for check in await queues.check()} == {"ok"}
    assert [check.detail.split(":")[0] for check in await queues.init()] == ["ready"] * 4
    client: Any = aws.sqs()

    def attributes(name: str) -> dict[str, str]:
        address = client.get_queue_url(QueueName=f"{prefix}-{name}")["QueueUrl"]
        found: dict[str, str] = client.get_queue_attributes(QueueUrl=address, AttributeNames=["All"])["Attributes"]
        return found

    for queue in QueueName:
        main, dead = attributes(queue), attributes(f"{queue}-dead")
        assert main["RedrivePolicy"] == f'{{"deadLetterTargetArn": "{dead["QueueArn"]}", "maxReceiveCount": 10}}'
        assert (main["VisibilityTimeout"], main["ReceiveMessageWaitTimeSeconds"]) == ("30", "20")
        assert (main["MessageRetentionPeriod"], dead["MessageRetentionPeriod"]) == ("345600", "1209600")
        assert {main["SqsManagedSseEnabled"].lower(), dead["SqsManagedSseEnabled"].lower()} == {"true"}


async def test_check_says_what_is_missing_or_wrong(queues: Queues, aws: Aws, prefix: str) -> None:
    client: Any = aws.sqs()
    pages, media, dead = (
        client.get_queue_url(QueueName=f"{prefix}-{name}")["QueueUrl"] for name in ("pages", "media", "media-dead")
    )
    client.delete_queue(QueueUrl=pages)
    client.set_queue_attributes(QueueUrl=media, Attributes={"VisibilityTimeout": "5"})
    client.send_message(QueueUrl=dead, MessageBody="x")

    found = {check.detail.split()[0]: check for check in await queues.check()}
    states = {name.removeprefix(f"{prefix}-"): check.state for name, check in found.items() if prefix in name}
    assert states == {"pages-dead": "ok", "media": "warning", "media-dead": "warning"}
    assert "VisibilityTimeout" in found[f"{prefix}-media"].detail
    assert found["the"].state == "failure"
    assert "storage init --distributed" in found["the"].advice

    await queues.init()
    assert {check.state for check in await queues.check() if "media-dead" not in check.detail} == {"ok"}


async def test_a_missing_queue_is_a_sentence_that_says_what_to_run(aws: Aws) -> None:
    nowhere = Queues(aws, "nowhere")
    with pytest.raises(StorageError, match=r"nowhere-media does not exist.*storage init --distributed"):
        await nowhere.receive(MEDIA)
    await nowhere.close()
