"""A small OData client for the demo's own tests; it shares no code with the importer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from mls_tui.demo.server import DemoMLS


@asynccontextmanager
async def client_of(mls: DemoMLS) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the static token."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {mls.token}"}, timeout=30) as client:
        yield client


async def walk(client: httpx.AsyncClient, url: str, **options: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every page of a collection."""
    following: str | None = str(httpx.URL(url, params=options)) if options else url
    while following:
        document = (await client.get(following)).raise_for_status().json()
        yield document["value"]
        following = document.get("@odata.nextLink")


async def everything(client: httpx.AsyncClient, url: str, **options: str) -> list[dict[str, Any]]:
    """All rows of a collection."""
    return [row async for page in walk(client, url, **options) for row in page]
