"""The queues themselves: made, protected and looked over, idempotently. Never removes another's policy statement, nor
replaces a KMS key that encrypts a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mls_tui.distributed.queue_calls import QueueCalls, QueueName
from mls_tui.storage.aws import guarded
from mls_tui.storage.aws_errors import error_code
from mls_tui.storage.base import Check

MAX_RECEIVES = 10
"""After so many deliveries without an acknowledgement SQS moves a message to the dead-letter queue. Enough that a page
that is in work whenever a worker is killed outlives a bad hour; what fails of itself is given up long before."""
RETENTION_SECONDS = 4 * 86400
DEAD_RETENTION_SECONDS = 14 * 86400
"""SQS's longest. A dead letter's age counts from when it was first sent, so it must exceed ``RETENTION_SECONDS``."""
POLL_SECONDS = 20
TLS_SID = "MlsTuiTlsOnly"
_INIT = "run `mls-tui storage init --distributed`"
_NONE_SUCH = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_POLICIES = frozenset({"Policy", "RedrivePolicy"})


def init_queues(calls: QueueCalls, visibility: int) -> list[Check]:
    """Both queues and their dead-letter queues: whatever is missing or differs is set right. Raises StorageError."""
    return [
        check
        for queue in QueueName
        for check in (_init(calls, queue, visibility, dead=True), _init(calls, queue, visibility, dead=False))
    ]


def _init(calls: QueueCalls, queue: QueueName, visibility: int, *, dead: bool) -> Check:
    name = calls.name(queue, dead=dead)
    found = _attributes(calls, name)
    verb = "ready"
    if found is None:
        client = calls.client()
        tags = {"application": "mls-tui"}
        guarded(lambda: client.create_queue(QueueName=name, tags=tags), f"SQS queue {name}")
        found, verb = _attributes(calls, name) or {}, "created"
    change = _differing(found, _wanted(calls, queue, visibility, found, dead=dead))
    if change:
        calls.call(name, "set_queue_attributes", Attributes={key: _text(value) for key, value in change.items()})
    return Check("dead letters" if dead else "queue", "ok", f"{verb}: {name}")


def check_queues(calls: QueueCalls, visibility: int) -> list[Check]:
    """One line a queue; a dead-letter queue with messages in it is a warning. Raises StorageError."""
    return [
        check
        for queue in QueueName
        for check in (_check(calls, queue, visibility, dead=True), _check(calls, queue, visibility, dead=False))
    ]


def _check(calls: QueueCalls, queue: QueueName, visibility: int, *, dead: bool) -> Check:
    name, title = calls.name(queue, dead=dead), "dead letters" if dead else "queue"
    found = _attributes(calls, name)
    if found is None:
        return Check(
            title, "failure", f"the SQS queue {name} does not exist in this region", f"{_INIT}, or set AWS_REGION"
        )
    wrong = _differing(found, _wanted(calls, queue, visibility, found, dead=dead))
    if wrong:
        return Check(title, "warning", f"{name} is not as it should be: {', '.join(sorted(wrong))}", _INIT)
    waiting = int(found.get("ApproximateNumberOfMessages", 0))
    if dead and waiting:
        advice = "see the errors of the runs in `mls-tui history`; purge the queue when they are settled"
        return Check(title, "warning", f"{name} has about {waiting:,} messages", advice)
    return Check(title, "ok", f"{name} is there, about {waiting:,} messages")


def wanted_attributes(dead_arn: str | None, visibility: int) -> dict[str, Any]:
    """What ``init`` sets on a queue, policy aside; ``dead_arn`` is None for a dead-letter queue itself."""
    wanted: dict[str, Any] = {
        "MessageRetentionPeriod": DEAD_RETENTION_SECONDS if dead_arn is None else RETENTION_SECONDS,
        "ReceiveMessageWaitTimeSeconds": POLL_SECONDS,
    }
    if dead_arn is not None:
        wanted["VisibilityTimeout"] = visibility
        wanted["RedrivePolicy"] = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": MAX_RECEIVES}
    return wanted


def tls_statement(arn: str) -> dict[str, Any]:
    """Refuses every request to the queue that is not encrypted on its way."""
    return {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _wanted(
    calls: QueueCalls, queue: QueueName, visibility: int, found: Mapping[str, str], *, dead: bool
) -> dict[str, Any]:
    arn = found["QueueArn"]
    # One account and region: the other queue's ARN differs in its name alone.
    dead_arn = None if dead else f"{arn.rpartition(':')[0]}:{calls.name(queue, dead=True)}"
    wanted = wanted_attributes(dead_arn, visibility)
    if not found.get("KmsMasterKeyId"):
        wanted["SqsManagedSseEnabled"] = "true"
    if calls.client().meta.endpoint_url.startswith("https:"):
        policy = json.loads(found.get("Policy") or "{}")
        others = [each for each in policy.get("Statement", []) if each.get("Sid") != TLS_SID]
        wanted["Policy"] = {"Version": "2012-10-17", **policy, "Statement": [*others, tls_statement(arn)]}
    return wanted


def _attributes(calls: QueueCalls, name: str) -> dict[str, str] | None:
    """None where there is no such queue."""
    from mls_tui.domain.errors import StorageError

    try:
        return dict(calls.call(name, "get_queue_attributes", AttributeNames=["All"])["Attributes"])
    except StorageError as error:
        if error.__cause__ is not None and error_code(error.__cause__) in _NONE_SUCH:
            return None
        raise


def _differing(found: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if not _same(name, found.get(name), value)}


def _same(name: str, found: str | None, wanted: Any) -> bool:
    if name in _POLICIES:
        return found is not None and json.loads(found) == wanted
    return str(found).lower() == str(wanted).lower()


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)
