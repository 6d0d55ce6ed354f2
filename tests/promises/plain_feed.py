"""An MLS that costs next to nothing to serve: pages of plain homes without photos, any number of them, each record made
from one text when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PAGE = 200

_RECORD = json.dumps(
    {
        "ListingKey": "K%07d",
        "ListingId": "B%07d",
        "UnparsedAddress": "%07d Oak Street",
        "City": "Austin",
        "StateOrProvince": "TX",
        "PostalCode": "78701",
        "StandardStatus": "Active",
        "ListPrice": 500_000,
        "BedroomsTotal": 3,
        "BathroomsFull": 2,
        "PropertyType": "Residential",
        "ListingContractDate": "2026-01-01",
        "ModificationTimestamp": "2026-01-%02dT%02d:%02d:%02d.000Z",
        "PhotosCount": 0,
        "Media": [],
        "PublicRemarks": "A bright home. " * 40,
    }
)


def _record(at: int) -> str:
    minutes, seconds = divmod(at, 60)
    hours, minutes = divmod(minutes, 60)
    return _RECORD % (at, at, at, 1 + hours // 24, hours % 24, minutes, seconds)


def _page(number: int, listings: int, origin: str) -> str:
    first, end = number * PAGE, min((number + 1) * PAGE, listings)
    more = f',"@odata.nextLink":"{origin}/Property?cursor={number + 1}"' if end < listings else ""
    return f'{{"@odata.count":{listings},"value":[{",".join(map(_record, range(first, end)))}]{more}}}'


@contextmanager
def plain_feed(listings: int) -> Iterator[str]:
    """The base URL of a server with so many active listings."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            body = _page(int(query.get("cursor", ["0"])[0]), listings, f"http://{self.headers['Host']}").encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
