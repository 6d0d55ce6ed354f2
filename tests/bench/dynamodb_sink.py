"""A server that takes DynamoDB's calls as fast as Python can and keeps almost nothing: it exists so that the client is
what is measured. Started by the bench with a port."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

_EMPTY: dict[str, dict[str, Any]] = {
    "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    "BatchWriteItem": {"UnprocessedItems": {}},
}


class Sink(asyncio.Protocol):
    """One connection. ``items`` is what PutItem gave, by key."""

    def __init__(self, items: dict[tuple[str, str], Any]) -> None:
        self._items = items
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while True:
            head, end, rest = self._held.partition(b"\r\n\r\n")
            if not end:
                return
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
            }
            length = int(headers.get(b"content-length", b"0"))
            if len(rest) < length:
                return
            self._held = rest[length:]
            self._answer(headers[b"x-amz-target"].decode().partition(".")[2], rest[:length])

    def _answer(self, operation: str, body: bytes) -> None:
        answer: dict[str, Any] = _EMPTY.get(operation, {})
        if operation == "PutItem":
            item = json.loads(body)["Item"]
            self._items[item["PK"]["S"], item["SK"]["S"]] = item
        elif operation == "GetItem":
            key = json.loads(body)["Key"]
            found = self._items.get((key["PK"]["S"], key["SK"]["S"]))
            answer = {} if found is None else {"Item": found}
        text = json.dumps(answer).encode()
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s"
            % (len(text), text)
        )


async def serve(port: int) -> None:
    items: dict[tuple[str, str], Any] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Sink(items), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
