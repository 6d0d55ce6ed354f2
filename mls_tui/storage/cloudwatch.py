"""Sends the log to CloudWatch Logs with watchtower, without ever waiting for AWS."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
import warnings
from typing import Any

import watchtower

QUEUE = 10_000
"""Lines that may wait to be sent; further ones are dropped and counted."""
EVENT_BYTES = 200_000
"""CloudWatch takes 1 MB and 10,000 events a call, and 256 KB an event."""

warnings.filterwarnings("ignore", category=watchtower.WatchtowerWarning)  # they would print over the interface


class CloudWatchHandler(watchtower.CloudWatchLogHandler):
    """Sends records in batches from watchtower's thread. ``dropped`` counts those that did not arrive.

    ``client`` is a boto3 ``logs`` client, by default made in that thread. watchtower's own queue has no
    bound, its failures are only warnings, and it waits for AWS to make a client, a group or a stream.
    """

    FLUSH_TIMEOUT = 2
    """Seconds that the end of the program may wait for what is queued."""

    def __init__(self, group: str, user: str, client: Any = None, *, pause_seconds: float = 1.0) -> None:
        stamp = time.strftime("%Y/%m/%d", time.gmtime())
        stream = f"{stamp}/{user}/{socket.gethostname()}-{os.getpid()}"
        self._client = _Client(client)
        self._emitted = 0
        self._full = 0
        super().__init__(
            log_group_name=group,
            log_stream_name=stream.translate(str.maketrans(":*{}", "____")),
            send_interval=pause_seconds,  # type: ignore[arg-type]
            max_batch_size=900_000,
            max_batch_count=1_000,
            max_message_size=EVENT_BYTES,
            boto3_client=self._client,  # type: ignore[arg-type]
            create_log_group=False,
        )

    @property
    def dropped(self) -> int:
        return self._emitted - self._client.delivered if self.shutting_down else self._full

    @property
    def last_error(self) -> str:
        return self._client.last_error

    def emit(self, message: logging.LogRecord) -> None:
        """Queue the record, or drop it if the queue is full."""
        self._emitted += 1
        if any(queue.qsize() >= QUEUE for queue in self.queues.values()):
            self._full += 1
        else:
            super().emit(message)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Send what is queued for at most ``FLUSH_TIMEOUT``; what is not sent by then counts as dropped."""
        super().close()  # type: ignore[no-untyped-call]

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore failures of the log: what it reports on goes on."""


class _Client:
    """A boto3 ``logs`` client that is made when the thread first sends, and counts what arrived."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.delivered = 0
        self.last_error = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_log_events(self, **put: Any) -> Any:
        try:
            if self._client is None:
                from mls_tui.storage.aws import new_client

                self._client = new_client("logs")
            answer = self._put(put)
        except Exception as error:  # AWS away, no rights, no region: the file has the records all the same
            self.last_error = type(error).__name__
            raise
        self.delivered += len(put["logEvents"])
        return answer

    def _put(self, put: dict[str, Any]) -> Any:
        """Send; if the stream or the group is missing, create it first."""
        client, group = self._client, put["logGroupName"]
        missing, exists = client.exceptions.ResourceNotFoundException, client.exceptions.ResourceAlreadyExistsException
        stream = {"logGroupName": group, "logStreamName": put["logStreamName"]}
        try:
            return client.put_log_events(**put)
        except missing:
            with contextlib.suppress(exists):
                try:
                    client.create_log_stream(**stream)
                except missing:
                    with contextlib.suppress(exists):
                        client.create_log_group(logGroupName=group)
                    client.create_log_stream(**stream)
            return client.put_log_events(**put)
