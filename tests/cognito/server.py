"""The pool behind Cognito's JSON protocol on loopback, for boto3 with AWS_ENDPOINT_URL."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.botocore_models import read_once
from tests.cognito.pool import Pool, Refused


@contextmanager
def serving(pool: Pool) -> Iterator[str]:
    """``http://127.0.0.1:<free port>``."""
    read_once()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].removeprefix("AWSCognitoIdentityProviderService.")
            pool.heard.append((operation, body))
            try:
                self._say(200, pool.answer(operation, json.loads(body)))
            except Refused as error:
                self._say(400, {"__type": error.code, "message": str(error)})

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
