"""Blocking calls to the four SQS queues: names, addresses, batches of ten. It must never take a batch of which SQS
refused a part for sent."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws, guarded
from mls_tui.storage.aws_errors import error_code

LONGEST_DELAY_SECONDS = 900
"""SQS's own limit on a message's delay."""
LONGEST_POLL_SECONDS = 20
_BATCH = 10
_BATCH_BYTES = 200_000
"""Well below what SQS takes in one request, with room for what it counts besides the bodies."""
_ROUNDS = 8
_FIRST_WAIT_SECONDS = 0.05
_GONE = frozenset(
    {
        "ReceiptHandleIsInvalid",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
    }
)
"""What SQS answers for a receipt that has run out: the message is deleted, or visible again."""


class QueueName(StrEnum):
    """The queues of work; each has a dead-letter queue beside it."""

    PAGES = "pages"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to send: its body, and the MessageGroupId where it is known."""

    body: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Depth:
    """About how many messages of a queue wait, are being worked on, and are held back for later."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight + self.delayed


class QueueCalls:
    """Used in a pool's threads. ``pause`` waits a number of seconds."""

    def __init__(self, aws: Aws, prefix: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._aws = aws
        self._prefix = prefix
        self._pause = pause
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()

    def name(self, queue: QueueName, *, dead: bool = False) -> str:
        return f"{self._prefix}-{queue}{'-dead' if dead else ''}"

    def client(self) -> Any:
        return guarded(self._aws.sqs, "SQS queues")

    def call(self, name: str, operation: str, **request: Any) -> dict[str, Any]:
        """One request about the queue ``name``. Raises StorageError with a sentence."""
        where = f"SQS queue {name}"
        client, address = self.client(), self._url(name)
        return guarded(lambda: dict(getattr(client, operation)(QueueUrl=address, **request)), where)

    def _url(self, name: str) -> str:
        with self._lock:
            known = self._urls.get(name)
        if known is None:
            client = self.client()
            known = str(guarded(lambda: client.get_queue_url(QueueName=name)["QueueUrl"], f"SQS queue {name}"))
            with self._lock:
                self._urls[name] = known
        return known

    def send(self, name: str, entries: Sequence[Entry], delay: float = 0.0) -> None:
        """Send all. Raises StorageError where some stay unsent after every repeat; others then may be sent."""
        for batch in _batches(entries):
            self._send_batch(name, batch, delay)

    def _send_batch(self, name: str, batch: Sequence[Entry], delay: float) -> None:
        seconds = min(LONGEST_DELAY_SECONDS, math.ceil(max(0.0, delay)))
        left = {str(number): entry for number, entry in enumerate(batch)}
        for attempt in range(_ROUNDS):
            request = [_request(number, entry, seconds) for number, entry in left.items()]
            failed = self.call(name, "send_message_batch", Entries=request).get("Failed", [])
            left = {refused["Id"]: left[refused["Id"]] for refused in failed}
            ours = [refused for refused in failed if refused.get("SenderFault")]
            if ours:
                raise StorageError(f"The SQS queue {name} refused {len(ours)} messages: {ours[0].get('Code', '?')}.")
            if not left:
                return
            self._pause(_FIRST_WAIT_SECONDS * 2**attempt + random.uniform(0, _FIRST_WAIT_SECONDS))
        raise StorageError(
            f"The SQS queue {name} is throttled: {len(left)} messages are unsent. Try again in a minute.",
            retryable=True,
        )

    def receive(self, name: str, at_most: int, wait: float, visibility: int) -> list[dict[str, Any]]:
        """Messages as SQS gives them, ``at_most`` ten; waits at most 20 s for the first."""
        answer = self.call(
            name,
            "receive_message",
            MaxNumberOfMessages=max(1, min(_BATCH, at_most)),
            WaitTimeSeconds=max(0, min(LONGEST_POLL_SECONDS, math.ceil(wait))),
            VisibilityTimeout=visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return list(answer.get("Messages", []))

    def delete(self, name: str, receipt: str) -> bool:
        """False where the receipt has run out: the message may come again."""
        return self._still_ours(name, "delete_message", ReceiptHandle=receipt)

    def hide(self, name: str, receipt: str, seconds: float) -> bool:
        """Keep a received message from others for ``seconds`` from now; 0 gives it back. False where it has gone."""
        return self._still_ours(
            name, "change_message_visibility", ReceiptHandle=receipt, VisibilityTimeout=math.ceil(seconds)
        )

    def _still_ours(self, name: str, operation: str, **request: Any) -> bool:
        try:
            self.call(name, operation, **request)
        except StorageError as error:
            if error.__cause__ is None or error_code(error.__cause__) not in _GONE:
                raise
            return False
        return True

    def depth(self, name: str) -> Depth:
        counts = [f"ApproximateNumberOfMessages{part}" for part in ("", "NotVisible", "Delayed")]
        found = self.call(name, "get_queue_attributes", AttributeNames=counts)["Attributes"]
        return Depth(*(int(found.get(count, 0)) for count in counts))


def _request(number: str, entry: Entry, seconds: int) -> dict[str, Any]:
    request: dict[str, Any] = {"Id": number, "MessageBody": entry.body}
    if entry.group:
        request["MessageGroupId"] = entry.group
    if seconds:
        request["DelaySeconds"] = seconds
    return request


def _batches(entries: Sequence[Entry]) -> list[list[Entry]]:
    batches: list[list[Entry]] = []
    size = 0
    for entry in entries:
        weight = len(entry.body.encode())
        if not batches or len(batches[-1]) == _BATCH or size + weight > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(entry)
        size += weight
    return batches
