"""An answer with its body not yet read, whoever brought it. Photos come as these and not as httpx's objects, whose
building costs more than the rest of a small photo."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx


@dataclass(slots=True)
class Reply:
    """``headers`` have lower-case names; ``body`` comes as it was sent, still packed. ``close`` gives the connection
    back."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: AsyncIterable[bytes] = field(repr=False)
    close: Callable[[], Awaitable[None] | None] = field(repr=False)


class Door(Protocol):
    """The way out for a GET. Raises ``unanswered.REACH_ERRORS`` and AddressRefusedError; follows no redirect."""

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply: ...


class HttpxDoor:
    """A door over a transport of httpx's, which may be any (``httpx.MockTransport``, respx's routes)."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        return await sent(self._transport, httpx.Request("GET", url, headers=dict(headers)))


async def sent(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Reply:
    """The answer to one of httpx's requests."""
    response = await transport.handle_async_request(request)
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport gave a body that cannot be read here")
    return Reply(response.status_code, plain_headers(response.headers.raw), response.stream, response.aclose)


def plain_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; a repeated header joined by commas. Values are UTF-8 where they can be."""
    found: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
