"""The SQS FIFO queue of imports, and its dead-letter queue.

A message names a run; it holds ids only. The message group is the API host and credential of its connection, so SQS
never delivers two imports that share a rate limit at the same time. After ``MAX_RECEIVES`` deliveries SQS moves a
message to the dead-letter queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mls_tui.domain.errors import StorageError
from mls_tui.domain.keys import valid_user_id
from mls_tui.storage.aws import Aws, error_code, with_storage_errors
from mls_tui.storage.base import Check
from mls_tui.storage.threads import DaemonPool

MAX_RECEIVES = 10
RETENTION_SECONDS = 4 * 86_400
DEAD_RETENTION_SECONDS = 14 * 86_400
"""SQS's maximum. A dead letter's age counts from when it was first sent, so it must exceed ``RETENTION_SECONDS``."""
POLL_SECONDS = 10
LONGEST_BODY = 1_000
TLS_SID = "MlsTuiTlsOnly"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ATTRIBUTES = ["ApproximateReceiveCount", "MessageGroupId"]
_EXPIRED = frozenset({"ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue"})
"""Error codes for a receipt handle that has expired: the message is deleted, or visible again."""
_MISSING = frozenset({"NonExistentQueue", "QueueDoesNotExist"})
_JSON_ATTRIBUTES = frozenset({"Policy", "RedrivePolicy"})
_INIT = "run `mls-tui storage init --distributed`"
_THREADS = 8
_CLOSE_SECONDS = 1.0

log = logging.getLogger("mls_tui")


@dataclass(frozen=True, slots=True)
class Job:
    """What a message says: continue this run. Ids only."""

    user: str
    connection: str
    run: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message. ``job`` is None if the message was not written by this program; ``count`` is how often
    it has been delivered, this time included."""

    job: Job | None
    receipt: str
    count: int
    group: str
    message_id: str


def encode(job: Job) -> str:
    return json.dumps({"v": 1, "user": job.user, "connection": job.connection, "run": job.run})


def decode(body: str) -> Job | None:
    """The reverse of ``encode``; None for anything else."""
    if len(body) > LONGEST_BODY:
        return None
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or set(fields) != {"v", "user", "connection", "run"} or fields["v"] != 1:
        return None
    user, connection, run = fields["user"], fields["connection"], fields["run"]
    if not all(isinstance(each, str) for each in (user, connection, run)):
        return None
    if not valid_user_id(user) or not _ID.fullmatch(connection) or not _ID.fullmatch(run):
        return None
    return Job(user, connection, run)


class ImportQueue:
    """Both queues of one prefix. A delivery is ours for ``visibility`` seconds after it was received or kept.

    Every method raises StorageError with a sentence if SQS fails.
    """

    def __init__(self, aws: Aws, prefix: str, *, visibility: int) -> None:
        self.name, self.dead_name = f"{prefix}-imports.fifo", f"{prefix}-imports-dead.fifo"
        self.visibility = visibility
        self._aws = aws
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()
        self._pool = DaemonPool(_THREADS, "mls-tui-queue")
        # A poll lasts seconds: in a thread of its own it delays no heartbeat.
        self._polls = DaemonPool(1, "mls-tui-poll")

    async def send(self, job: Job, group: str, number: int) -> None:
        """Send the run's message ``number``; SQS drops a repeated number of a run within five minutes."""
        await self._pool.run(
            lambda: self._call(
                self.name,
                "send_message",
                MessageBody=encode(job),
                MessageGroupId=group,
                MessageDeduplicationId=f"{job.run}:{number}",
            )
        )

    async def receive(self, at_most: int, wait: float) -> list[Delivery]:
        """Up to ten messages; waits ``wait`` seconds for the first. If cancelled, it returns late ones to the queue."""
        future = self._polls.submit(lambda: self._receive(self.name, at_most, wait, self.visibility))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(self._give_back)
            raise

    async def dead_letters(self, hidden: int = 60) -> list[Delivery]:
        """Up to ten dead letters. They stay in their queue, hidden for ``hidden`` seconds."""
        return await self._pool.run(lambda: self._receive(self.dead_name, 10, 0, hidden))

    async def keep(self, delivery: Delivery, seconds: float) -> bool:
        """Hide the message from other workers for ``seconds`` from now; 0 returns it to the queue. False if it is
        no longer ours."""
        return await self._pool.run(lambda: self._keep(delivery, seconds))

    async def delete(self, delivery: Delivery) -> bool:
        """False if the message is no longer ours: then it is delivered again."""
        return await self._pool.run(lambda: self._if_ours(self.name, "delete_message", ReceiptHandle=delivery.receipt))

    async def depths(self) -> tuple[int, int]:
        """About how many messages there are, in the queue and in the dead-letter queue."""
        return await self._pool.run(lambda: (self._depth(self.name), self._depth(self.dead_name)))

    async def init(self) -> list[Check]:
        """Create the queues, or correct their attributes. Idempotent."""
        return await self._pool.run(lambda: [self._init(self.dead_name), self._init(self.name)])

    async def check(self) -> list[Check]:
        return await self._pool.run(lambda: [self._check(self.dead_name), self._check(self.name)])

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)
        await asyncio.to_thread(self._polls.close, 0.1)

    # calls

    def _client(self) -> Any:
        return with_storage_errors(self._aws.sqs, "SQS queues")

    def _call(self, name: str, operation: str, **request: Any) -> dict[str, Any]:
        client, url = self._client(), self._url(name)
        return with_storage_errors(
            lambda: dict(getattr(client, operation)(QueueUrl=url, **request)), f"SQS queue {name}"
        )

    def _url(self, name: str) -> str:
        with self._lock:
            known = self._urls.get(name)
        if known is None:
            client = self._client()
            known = str(
                with_storage_errors(lambda: client.get_queue_url(QueueName=name)["QueueUrl"], f"SQS queue {name}")
            )
            with self._lock:
                self._urls[name] = known
        return known

    def _receive(self, name: str, at_most: int, wait: float, visibility: int) -> list[Delivery]:
        answer = self._call(
            name,
            "receive_message",
            MaxNumberOfMessages=max(1, min(10, at_most)),
            WaitTimeSeconds=max(0, min(20, math.ceil(wait))),
            VisibilityTimeout=visibility,
            MessageSystemAttributeNames=_ATTRIBUTES,
        )
        return [_delivery(message) for message in answer.get("Messages", [])]

    def _keep(self, delivery: Delivery, seconds: float) -> bool:
        return self._if_ours(
            self.name,
            "change_message_visibility",
            ReceiptHandle=delivery.receipt,
            VisibilityTimeout=max(0, min(43_200, math.ceil(seconds))),
        )

    def _if_ours(self, name: str, operation: str, **request: Any) -> bool:
        try:
            self._call(name, operation, **request)
        except StorageError as error:
            if error.__cause__ is None or error_code(error.__cause__).rpartition(".")[2] not in _EXPIRED:
                raise
            return False
        return True

    def _give_back(self, future: Future[list[Delivery]]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        for delivery in future.result():
            with suppress(StorageError):
                self._keep(delivery, 0)

    def _depth(self, name: str) -> int:
        counts = [f"ApproximateNumberOfMessages{part}" for part in ("", "NotVisible", "Delayed")]
        found = self._call(name, "get_queue_attributes", AttributeNames=counts)["Attributes"]
        return sum(int(found.get(count, 0)) for count in counts)

    # set-up

    def _attributes(self, name: str) -> dict[str, str] | None:
        """None if there is no such queue."""
        try:
            return dict(self._call(name, "get_queue_attributes", AttributeNames=["All"])["Attributes"])
        except StorageError as error:
            if error.__cause__ is not None and error_code(error.__cause__).rpartition(".")[2] in _MISSING:
                return None
            raise

    def _init(self, name: str) -> Check:
        found, verb = self._attributes(name), "ready"
        if found is None:
            client = self._client()
            request = {"QueueName": name, "Attributes": {"FifoQueue": "true"}, "tags": {"application": "mls-tui"}}
            with_storage_errors(lambda: client.create_queue(**request), f"SQS queue {name}")
            found, verb = self._attributes(name) or {}, "created"
        change = _differing(found, self._wanted(name, found))
        if change:
            self._call(name, "set_queue_attributes", Attributes={key: _text(value) for key, value in change.items()})
        return Check(self._title(name), "ok", f"{verb}: {name}")

    def _check(self, name: str) -> Check:
        found, title = self._attributes(name), self._title(name)
        if found is None:
            return Check(
                title, "failure", f"the SQS queue {name} does not exist in this region", f"{_INIT}, or set AWS_REGION"
            )
        wrong = _differing(found, self._wanted(name, found))
        if wrong:
            return Check(title, "warning", f"these settings of {name} differ: {', '.join(sorted(wrong))}", _INIT)
        waiting = int(found.get("ApproximateNumberOfMessages", 0))
        if waiting and name == self.dead_name:
            advice = "see why in `mls-tui history`; purge the queue when that is settled"
            return Check(title, "warning", f"{name} has about {waiting:,} messages", advice)
        return Check(title, "ok", f"{name} exists and has about {waiting:,} messages")

    def _title(self, name: str) -> str:
        return "dead letters" if name == self.dead_name else "queue"

    def _wanted(self, name: str, found: Mapping[str, str]) -> dict[str, Any]:
        arn = found["QueueArn"]
        wanted: dict[str, Any] = {"ReceiveMessageWaitTimeSeconds": POLL_SECONDS}
        if name == self.dead_name:
            wanted["MessageRetentionPeriod"] = DEAD_RETENTION_SECONDS
        else:
            wanted["MessageRetentionPeriod"] = RETENTION_SECONDS
            wanted["VisibilityTimeout"] = self.visibility
            dead = f"{arn.rpartition(':')[0]}:{self.dead_name}"  # one account and region
            wanted["RedrivePolicy"] = {"deadLetterTargetArn": dead, "maxReceiveCount": MAX_RECEIVES}
        if not found.get("KmsMasterKeyId"):
            wanted["SqsManagedSseEnabled"] = "true"
        if self._client().meta.endpoint_url.startswith("https:"):
            policy = json.loads(found.get("Policy") or "{}")
            others = [each for each in policy.get("Statement", []) if each.get("Sid") != TLS_SID]
            wanted["Policy"] = {"Version": "2012-10-17", **policy, "Statement": [*others, tls_statement(arn)]}
        return wanted


def tls_statement(arn: str) -> dict[str, Any]:
    """Denies every request to the queue that is not encrypted in transit."""
    return {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _delivery(message: Mapping[str, Any]) -> Delivery:
    attributes = message.get("Attributes", {})
    return Delivery(
        job=decode(message["Body"]),
        receipt=message["ReceiptHandle"],
        count=int(attributes.get("ApproximateReceiveCount", 1)),
        group=str(attributes.get("MessageGroupId", "")),
        message_id=message["MessageId"],
    )


def _differing(found: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if not _same(name, found.get(name), value)}


def _same(name: str, found: str | None, wanted: Any) -> bool:
    if name in _JSON_ATTRIBUTES:
        return found is not None and json.loads(found) == wanted
    return str(found).lower() == str(wanted).lower()


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)
