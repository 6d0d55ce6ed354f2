"""moto's server on loopback, one request at a time: its transactions copy and restore whole tables, and would lose each
other's writes side by side. Real DynamoDB serialises them itself."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto import backends
from moto.server import ThreadedMotoServer

from tests.botocore_models import read_once


@contextmanager
def aws_endpoint() -> Iterator[str]:
    """``http://127.0.0.1:<free port>``."""
    read_once()
    _list_modules_once()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        http: Any = server._server
        http.app = _one_at_a_time(http.app)
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _list_modules_once() -> None:
    """moto lists its folder at every request."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names


def _one_at_a_time(app: Any) -> Any:
    lock, news = threading.Lock(), threading.Condition()

    def serial(environ: Any, start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target == "AmazonSQS.ReceiveMessage":
            return _long_poll(app, lock, news, environ, start_response)
        with lock:
            answer = list(app(environ, start_response))
        if target.startswith("AmazonSQS."):
            with news:
                news.notify_all()
        return answer

    return serial


def _long_poll(
    app: Any, lock: threading.Lock, news: threading.Condition, environ: Any, start_response: Any
) -> Iterable[bytes]:
    """moto would keep the lock while it waits. Instead it is asked when something was done to a queue, and now and then
    for what has become visible, and others have their turn."""
    request = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    ends = time.monotonic() + request.get("WaitTimeSeconds", 0)
    body = json.dumps(request | {"WaitTimeSeconds": 0}).encode()
    while True:
        asked = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        head: list[Any] = []
        with lock:
            answer = list(app(asked, lambda *said, head=head: head.append(said)))
        if b"ReceiptHandle" in b"".join(answer) or time.monotonic() >= ends:
            start_response(*head[-1])
            return answer
        with news:
            news.wait(_VISIBLE_AGAIN_SECONDS)


_VISIBLE_AGAIN_SECONDS = 0.1
