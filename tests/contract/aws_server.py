"""moto's server on loopback, one request at a time: its transactions copy and restore whole tables, and would lose each
other's writes side by side. Real DynamoDB serialises them itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import ThreadedMotoServer


@contextmanager
def aws_endpoint() -> Iterator[str]:
    """``http://127.0.0.1:<free port>``."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        http: Any = server._server
        http.app = _one_at_a_time(http.app)
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _one_at_a_time(app: Any) -> Any:
    lock = threading.Lock()

    def serial(environ: Any, start_response: Any) -> Iterable[bytes]:
        with lock:
            return list(app(environ, start_response))

    return serial
