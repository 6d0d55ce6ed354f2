"""A logging handler for CloudWatch Logs that never waits for AWS: a bounded queue, and a thread that empties it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

QUEUE = 10_000
BATCH_EVENTS = 1_000
BATCH_BYTES = 900_000
EVENT_OVERHEAD = 26
EVENT_BYTES = 200_000
"""CloudWatch takes 1 MB and 10,000 events a call, 256 KB an event, and counts 26 bytes more for each."""
LAST_SECONDS = 2.0
"""How long the end of the program may wait for what is queued."""

Entry = tuple[int, str]


class CloudWatchHandler(logging.Handler):
    """Sends records in batches. When AWS is slow or away the oldest records are dropped and counted, never the import.

    ``client`` is a boto3 ``logs`` client; by default one is made in the thread.
    """

    def __init__(self, group: str, user: str, client: Any = None, *, pause_seconds: float = 1.0) -> None:
        super().__init__()
        self._group = group
        stamp = time.strftime("%Y/%m/%d", time.gmtime())
        self._stream = f"{stamp}/{user}/{socket.gethostname()}-{os.getpid()}".replace(":", "_").replace("*", "_")
        self._client = client
        self._pause = pause_seconds
        self._queue: deque[Entry] = deque(maxlen=QUEUE)
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._under_way = 0
        self.dropped = 0
        self.last_error = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; never blocks, never raises."""
        try:
            if len(self._queue) == QUEUE:
                self.dropped += 1
            self._queue.append((int(record.created * 1000), self.format(record)[:EVENT_BYTES]))
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._work, name="cloudwatch-logs", daemon=True)
                self._thread.start()
            self._ready.set()
        except Exception:  # a log must not stop what it reports on
            self.dropped += 1

    def close(self) -> None:
        """Send what is queued, for two seconds at most; what is not sent by then counts as dropped."""
        self._closing.set()
        self._ready.set()
        if self._thread is not None:
            self._thread.join(LAST_SECONDS)
            self.dropped += len(self._queue) + self._under_way
        super().close()

    def _work(self) -> None:
        while not (self._closing.is_set() and not self._queue):
            self._ready.wait()
            self._ready.clear()
            if not self._closing.is_set():
                self._closing.wait(self._pause)
            while batch := self._batch():
                self._under_way = len(batch)
                sent = self._send(batch)
                self._under_way = 0
                if not sent:
                    self.dropped += len(batch)
                    break
            if self._closing.is_set():
                return

    def _batch(self) -> list[Entry]:
        """The next records, in order of time, within the limits of one call."""
        batch: list[Entry] = []
        size = 0
        with contextlib.suppress(IndexError):
            while len(batch) < BATCH_EVENTS:
                size += len(self._queue[0][1]) + EVENT_OVERHEAD
                if batch and size > BATCH_BYTES:
                    break
                batch.append(self._queue.popleft())
        return sorted(batch, key=lambda entry: entry[0])  # of one millisecond as they came

    def _send(self, batch: list[Entry]) -> bool:
        try:
            if self._client is None:
                self._client = _client()
            events = [{"timestamp": at, "message": text} for at, text in batch]
            put = {"logGroupName": self._group, "logStreamName": self._stream, "logEvents": events}
            _creating(self._group, self._stream, self._client, lambda: self._client.put_log_events(**put))
        except Exception as error:  # AWS away, no rights, no region: the file has the records all the same
            self.last_error = type(error).__name__
            return False
        return True


def _creating(group: str, stream: str, client: Any, send: Callable[[], object]) -> None:
    """Send; where the stream or the group is missing, make it first."""
    missing = client.exceptions.ResourceNotFoundException
    exists = client.exceptions.ResourceAlreadyExistsException
    try:
        send()
    except missing:
        with contextlib.suppress(exists):
            try:
                client.create_log_stream(logGroupName=group, logStreamName=stream)
            except missing:
                with contextlib.suppress(exists):
                    client.create_log_group(logGroupName=group)
                client.create_log_stream(logGroupName=group, logStreamName=stream)
        send()


def _client() -> Any:
    from botocore.config import Config

    from mls_tui.storage.aws import default_session

    return default_session().client(
        "logs", config=Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard"})
    )
