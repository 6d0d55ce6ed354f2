"""Decides what to do with one record: which stored listing it is, whether it changed, which photos to fetch. The import
and its preview both use it. It writes nothing, and sends no request but ``settle_identity``'s."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from urllib.parse import urlsplit

from mls_tui.domain.connection import Connection
from mls_tui.domain.keys import provider_name
from mls_tui.domain.listing import Listing, ListingStatus, Photo
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import Connector, RawRecord
from mls_tui.reso.mapping.changes import INLINE_MEDIA, fact_hash, fingerprint, mapping_salt, media_hash
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Gone, Mapped, NotWanted, Verdict, map_record, provider_of
from mls_tui.reso.presets import ProviderPreset
from mls_tui.storage.base import IndexEntry

# records -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FeedRecord:
    """One record of a page. It is mapped when ``verdict`` is first read: an unchanged record is recognised by
    its fingerprint and never mapped."""

    page: int
    raw: RawRecord
    reader: RecordReader
    _warnings: list[str] = field(default_factory=list, repr=False)

    @cached_property
    def verdict(self) -> Verdict:
        reader = self.reader
        return map_record(
            self.raw,
            reader.preset,
            connection_id=reader.connection.connection_id,
            mls_system=reader.connection.mls_system,
            coming_soon=reader.options.everything,
            warn=self._warn,
        )

    def _warn(self, kind: str) -> None:
        self._warnings.append(kind)
        self.reader.warn(kind)

    @cached_property
    def provider(self) -> str:
        if isinstance(self.verdict, Mapped):
            return self.verdict.listing.mls_provider
        return provider_of(self.raw, self.reader.preset, self.reader.connection.mls_system)

    @cached_property
    def fingerprint(self) -> str | None:
        return fingerprint(self.raw, self.reader.salt)

    @property
    def fingerprint_to_store(self) -> str | None:
        """The fingerprint to store with the listing; None if the mapping warned, so that it warns again next time."""
        return self.fingerprint if isinstance(self.verdict, Mapped) and not self._warnings else None

    @cached_property
    def raw_key(self) -> str:
        """The unmapped value of the key field, for look-ups. Half of a surrogate pair becomes a question mark, as no
        database accepts it."""
        return str(self.raw.get(self.reader.preset.key_field, "")).encode(errors="replace").decode()

    @cached_property
    def photos(self) -> tuple[Photo, ...] | None:
        """The photos that came with the record. None if its Media is missing or incomplete."""
        if "Media@odata.nextLink" in self.raw:
            return None
        for name in INLINE_MEDIA:
            rows = self.raw.get(name)
            if isinstance(rows, list):
                # Faulty rows are reported when the listing is imported, not when it is compared.
                return map_media(rows, self.raw, base_url=self.reader.preset.base_url) or None
        return None

    def covers(self, media: Sequence[RawRecord]) -> bool:
        """True if the record's fingerprint covers these Media rows: they came with it, or it came without any."""
        held = next((rows for name in INLINE_MEDIA if isinstance(rows := self.raw.get(name), list) and rows), None)
        return held is None or len(media) <= len(held)

    @property
    def listing_key(self) -> str:
        verdict = self.verdict
        return verdict.listing.mls_id if isinstance(verdict, Mapped) else (verdict.listing_key or "")

    @property
    def mls_number(self) -> str:
        """The MLS number, or the ListingKey if the record has no number."""
        verdict = self.verdict
        number = verdict.listing.mls_number if isinstance(verdict, Mapped) else verdict.mls_number
        return number or self.listing_key


@dataclass(frozen=True)
class RecordReader:
    """Makes FeedRecords, and knows what all records of one import have in common."""

    connection: Connection
    preset: ProviderPreset
    options: ImportOptions
    warn: Callable[[str], None]

    def record(self, page: int, raw: RawRecord) -> FeedRecord:
        return FeedRecord(page, raw, self)

    @cached_property
    def salt(self) -> bytes:
        return mapping_salt(self.preset, self.connection.mls_system, coming_soon=self.options.everything)

    @cached_property
    def source(self) -> str:
        """The API host, with the dataset if it serves several. A connection changes only listings from there."""
        parts = urlsplit(self.preset.base_url)
        host = (parts.hostname or "") + ("" if parts.port in (None, 80, 443) else f":{parts.port}")
        return f"{host}/{self.preset.dataset}" if self.preset.dataset else host

    @cached_property
    def named_provider(self) -> str | None:
        """The MLS that the user named with ``--mls``: its listings may be changed whichever host they came from."""
        if not (self.preset.serves_many and self.connection.mls_system):
            return None
        return provider_name(self.preset.name, serves_many=True, originating_system=self.connection.mls_system)

    def may_change(self, entry: IndexEntry) -> bool:
        """True if the listing came from this host, or is of the named MLS (docs/contract.md, section Identity)."""
        return entry.source == self.source or entry.provider == self.named_provider


# decisions ---------------------------------------------------------------------------------------------------


class Decision(Enum):
    """What to do with a mapped listing."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class KeyLocks:
    """A lock per key. ``key in locks`` is true while a task holds, waits for or has reserved the key."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    def __contains__(self, key: str) -> bool:
        return key in self._users

    def reserve(self, key: str) -> None:
        """Keep the key in use until ``release``."""
        self._users[key] += 1

    def release(self, key: str) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key]
            self._locks.pop(key, None)

    @asynccontextmanager
    async def holding(self, key: str) -> AsyncIterator[None]:
        """Hold the lock of a key. Waiting tasks get it in order of arrival."""
        self.reserve(key)
        try:
            async with self._locks.setdefault(key, asyncio.Lock()):
                yield
        finally:
            self.release(key)


@dataclass(slots=True)
class Planner:
    """Decides what to do with the records of one import, given the stored listings in ``index``."""

    reader: RecordReader
    index: StoredIndex
    any_status: bool = False
    """Import records of every status: these were selected, or an earlier import did not finish them."""
    locks: KeyLocks = field(default_factory=KeyLocks)
    """By ListingKey: one task at a time imports, removes or renames a listing."""

    def identical(self, record: FeedRecord) -> IndexEntry | None:
        """The stored listing whose fingerprint is this record's. None if it has missing photos."""
        for entry in self.index.by_listing_key(record.raw_key):
            known = hash_parts(entry.content_hash)[2]
            if known and known == record.fingerprint and self.reader.may_change(entry):
                return None if entry.photos_missing and self.reader.options.photos else entry
        return None

    def entry(self, record: FeedRecord) -> IndexEntry | None:
        """The stored listing that this record is, by ListingKey (docs/contract.md, section Identity).

        If the record's system name is new, a listing under the old name is found too. Not if this run has seen that
        listing in the feed: then two systems use the same key.
        """
        reader, index = self.reader, self.index
        found = [entry for entry in index.by_listing_key(record.listing_key) if reader.may_change(entry)]
        exact = [entry for entry in found if entry.provider == record.provider]
        if exact:
            return next((entry for entry in exact if entry.source == reader.source), exact[0])
        removal = isinstance(record.verdict, Gone | NotWanted)
        renamed = [entry for entry in found if entry.source == reader.source and (removal or not index.seen(entry))]
        return renamed[0] if len(renamed) == 1 else None

    def predecessors(self, record: FeedRecord) -> list[IndexEntry]:
        """For a record with an unknown ListingKey: stored listings with its MLS number that this run has not seen. Each
        is either this listing under its old key, or another one. ``settle_identity`` asks the MLS which."""
        if not isinstance(record.verdict, Mapped):
            return []
        same_number = self.index.by_mls_number(record.provider, record.mls_number)
        found = [entry for entry in same_number if self.reader.may_change(entry) and not self.index.seen(entry)]
        return found if found and self.entry(record) is None else []

    async def settle_identity(self, record: FeedRecord, connector: Connector) -> bool:
        """Ask the MLS for the key of each predecessor, once. If it is gone, the record is that listing under a new key,
        and the index is changed. True if there was a predecessor."""
        asked = False
        while predecessors := self.predecessors(record):
            old, asked = predecessors[0], True
            async with self.locks.holding(old.mls_id):
                if self.index.get(old.listing_id) != old or self.index.seen(old):
                    continue
                served = await connector.listing(old.mls_id)
                if served is None or isinstance(self.reader.record(0, served).verdict, Gone):
                    # Without its hash and version it counts as changed, even if the new record is the older one.
                    self.index.add(replace(old, mls_id=record.listing_key, content_hash=None, version=""))
                self.index.mark_seen(old)
        return asked

    def decide(self, record: FeedRecord, listing: Listing, entry: IndexEntry | None) -> Decision:
        options = self.reader.options
        scope = frozenset(ListingStatus) if self.any_status else options.scope
        photos = None if entry is None else record.photos
        return decide(listing, photos, entry, scope=scope, with_photos=options.photos)


def decide(
    mapped: Listing,
    photos: tuple[Photo, ...] | None,
    stored: IndexEntry | None,
    *,
    scope: frozenset[ListingStatus],
    with_photos: bool = True,
) -> Decision:
    """Whether the listing is new, changed, unchanged or outside the scope.

    ``photos`` is None if the Media did not come with the record: then only its other fields are compared, which include
    PhotosChangeTimestamp and PhotosCount. A record older than the stored listing counts as unchanged.
    """
    if stored is None:
        return Decision.NEW if mapped.status in scope else Decision.SKIPPED
    if mapped.version < stored.version:
        return Decision.UNCHANGED
    facts, media, _ = hash_parts(stored.content_hash)
    if facts != fact_hash(mapped):
        return Decision.CHANGED
    if with_photos and stored.photos_missing:
        return Decision.CHANGED
    if with_photos and photos is not None and media != media_hash(photos):
        return Decision.CHANGED
    return Decision.UNCHANGED


def content_hash(listing: Listing, photos: tuple[Photo, ...] | None, fingerprint: str | None = None) -> str:
    """``<hash of the fields>.<hash of the Media>``, and ``.<fingerprint>`` of the record if it covers both. The second
    part is empty if the Media was not read."""
    content = f"{fact_hash(listing)}.{'' if photos is None else media_hash(photos)}"
    return f"{content}.{fingerprint}" if fingerprint else content


def hash_parts(content: str | None) -> tuple[str, str, str]:
    """The three parts of a ``content_hash``; a missing part is empty."""
    facts, media, fingerprint, *_ = *(content or "").split("."), "", "", ""
    return facts, media, fingerprint


# photos ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhotoPlan:
    """``kept`` are photos that need no request. ``wanted`` are those to fetch, each with its index. Both are
    in display order. ``spare`` are stored photos that left the feed: their objects are deleted after the row is
    written, unless a wanted photo has the same bytes."""

    kept: tuple[Photo, ...]
    wanted: tuple[tuple[int, Photo], ...]
    spare: tuple[Photo, ...]

    @property
    def obsolete(self) -> tuple[str, ...]:
        """The stored keys of ``spare``."""
        return tuple(photo.key for photo in self.spare if photo.key)


def plan_photos(feed: tuple[Photo, ...], stored: tuple[Photo, ...]) -> PhotoPlan:
    """Which photos to fetch, and under which index.

    A stored photo keeps its object if its order or URL changes (docs/reso-feeds.md, section 5). The index of a new one
    is its display order if that is free, else the lowest free one. So no object that the stored row names is
    overwritten, and a crash leaves the old listing intact.
    """
    available: dict[tuple[str, str], list[Photo]] = {}
    for photo in stored:
        if photo.stored:
            available.setdefault(photo.identity, []).append(photo)
    kept: list[Photo] = []
    missing: list[Photo] = []
    for photo in feed:
        same = available.get(photo.identity)
        if same:
            old = same.pop(0)
            kept.append(as_stored(photo, old))
        else:
            missing.append(photo)
    taken = {index for photo in stored if photo.key and (index := key_index(photo.key)) is not None}
    wanted = tuple((_take(photo.order, taken), photo) for photo in missing)
    in_use = {photo.key for photo in kept}
    spare = tuple(photo for photo in stored if photo.key and photo.key not in in_use)
    return PhotoPlan(tuple(kept), wanted, spare)


def as_stored(feed: Photo, old: Photo) -> Photo:
    """The feed's photo with the object of a stored one."""
    return feed.model_copy(
        update={
            "url": old.url,
            "key": old.key,
            "sha256": old.sha256,
            "content_type": old.content_type,
            "size": old.size,
            "original_url": old.original_url,
        }
    )


def key_index(key: str) -> int | None:
    """The ``<index>`` of ``…/photo<index>.<extension>``."""
    name = key.rsplit("/", 1)[-1]
    digits = name.removeprefix("photo").partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _take(preferred: int, taken: set[int]) -> int:
    index = preferred
    if index in taken:
        index = next(n for n in range(len(taken) + 1) if n not in taken)
    taken.add(index)
    return index


def entry_of(listing: Listing, address_key: str | None) -> IndexEntry:
    """The index entry of a listing that this import has stored. Failed photos count as present, as only the next import
    tries them again."""
    return IndexEntry(
        listing_id=listing.listing_id,
        provider=listing.mls_provider,
        mls_number=listing.mls_number,
        mls_id=listing.mls_id,
        connection_id=listing.connection_id,
        source=listing.source,
        status=listing.status,
        version=listing.version,
        content_hash=listing.content_hash,
        photos_missing=0,
        address_key=address_key,
    )
