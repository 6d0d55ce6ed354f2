"""Example listings, connections, runs and photos for the tests of the stores."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.keys import new_listing_id, photo_key
from mls_tui.domain.listing import Address, Listing, ListingStatus, Photo
from mls_tui.domain.run import Checkpoint, ImportCounts, ImportRun, RunState
from mls_tui.storage.base import ListingStore, PhotoStore

FIRST_MS = 1_780_000_000_000
USER = "us-east-1:6f1c2d3e-1111-2222-3333-444455556666"
OTHER = "bob"
JPEG = b"\xff\xd8\xff\xe0 not much of a picture"


@dataclass(frozen=True, slots=True)
class Pair:
    """A listing store and its photo store."""

    kind: str
    rows: ListingStore
    photos: PhotoStore


def a_listing(number: str = "A-1", *, second: int = 0, provider: str = "reso.lakeside-mls", **changes: Any) -> Listing:
    """A listing whose version is ``second`` seconds into 2026-06-01."""
    first_ms = changes.pop("first_ms", FIRST_MS)
    fields: dict[str, Any] = {
        "listing_id": new_listing_id(provider, number, first_ms),
        "mls_id": f"key-{number}",
        "mls_number": number,
        "mls_provider": provider,
        "connection_id": "c1",
        "source": "mls.example",
        "address": Address(street="12 Oak St.", city="Austin", state="TX", zip="78701-1234", country="US"),
        "price": 525_000,
        "bathrooms": 2.5,
        "latitude": 30.267153,
        "longitude": -97.743061,
        "status": ListingStatus.ACTIVE,
        "features": ("Pool", "Ünïcode 🏠"),
        "modification_timestamp": f"2026-06-01T00:{second // 60:02d}:{second % 60:02d}Z",
        "content_hash": f"hash-{second}",
        "synced_at": first_ms,
    }
    return Listing(**{**fields, **changes})


def a_photo(listing_id: str, index: int = 0, body: bytes = JPEG, *, user_id: str = USER) -> Photo:
    return Photo(
        url=f"https://photos.example/{index}.jpg",
        key=photo_key(user_id, listing_id, index, "jpg"),
        order=index,
        original_url=f"https://mls.example/{index}.jpg",
        sha256=sha256(body),
        content_type="image/jpeg",
        size=len(body),
    )


def a_connection(connection_id: str = "c1", *, user_id: str = USER, **changes: Any) -> Connection:
    fields: dict[str, Any] = {
        "connection_id": connection_id,
        "user_id": user_id,
        "name": "Lakeside",
        "provider": "reso",
        "base_url": "https://mls.example/odata",
        "secrets": {"access_token": "v1.ciphertext"},
        "overrides": {"page_size": 200, "rate": 1.5, "gzip": True},
    }
    return Connection(**{**fields, **changes})


def a_run(run_id: str, started_at: int = FIRST_MS, *, user_id: str = USER) -> ImportRun:
    return ImportRun(
        run_id=run_id,
        user_id=user_id,
        connection_id="c1",
        connection_name="Lakeside",
        provider="reso",
        state=RunState.DONE,
        started_at=started_at,
        checkpoint=Checkpoint(counts=ImportCounts(total=3, created=3), problems=1, phase="sweep"),
    )


def a_lease(run_id: str, expires_at: int, *, host: str = "elsewhere", pid: int = 1) -> Lease:
    return Lease(run_id=run_id, holder=run_id, host=host, pid=pid, expires_at=expires_at)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def put_photo(store: PhotoStore, key: str, body: bytes = JPEG, metadata: dict[str, str] | None = None) -> None:
    """Store a JPEG."""
    stored = await store.put(
        key, body, content_type="image/jpeg", sha256=sha256(body), metadata=metadata or {"photoIndex": "0"}
    )
    assert (stored.key, stored.size) == (key, len(body))


async def all_listings(store: ListingStore, user_id: str = USER) -> list[Listing]:
    return [listing async for batch in store.listings(user_id) for listing in batch]


async def all_keys(store: PhotoStore, prefix: str) -> list[str]:
    return [key async for batch in store.keys(prefix) for key in batch]
