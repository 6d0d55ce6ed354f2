"""From a page's records to jobs: each record mapped at most once, with the Media that came with it. Pure but for
warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mls_tui.domain.connection import Connection
from mls_tui.domain.listing import Photo
from mls_tui.importer.options import ImportOptions
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.fingerprint import INLINE_MEDIA, fingerprint, mapping_salt
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Mapped, Verdict, map_record, provider_of
from mls_tui.reso.presets import ProviderPreset


@dataclass(frozen=True)
class Job:
    """One record of a page, and what the mapping makes of it: when it is first asked for, as a record that is what it
    was is never mapped."""

    page: int
    record: RawRecord
    reader: Reader
    _warnings: list[str] = field(default_factory=list, repr=False)

    @cached_property
    def verdict(self) -> Verdict:
        reader = self.reader
        return map_record(
            self.record,
            reader.preset,
            connection_id=reader.connection.connection_id,
            mls_system=reader.connection.mls_system,
            coming_soon=reader.coming_soon,
            warn=self._warn,
        )

    def _warn(self, kind: str) -> None:
        self._warnings.append(kind)
        self.reader.warn(kind)

    @cached_property
    def provider(self) -> str:
        if isinstance(self.verdict, Mapped):
            return self.verdict.listing.mls_provider
        return provider_of(self.record, self.reader.preset, self.reader.connection.mls_system)

    @cached_property
    def fingerprint(self) -> str | None:
        """What the record is known again by; None where it cannot be."""
        return fingerprint(self.record, self.reader.salt)

    @property
    def lasting_fingerprint(self) -> str | None:
        """The fingerprint to store its listing by: none where the mapping warned of something, to warn again."""
        return self.fingerprint if isinstance(self.verdict, Mapped) and not self._warnings else None

    @cached_property
    def key_as_served(self) -> str:
        """The text of the key field, unread: good enough to look up by, where something else then proves the record.
        Half of a surrogate pair, which no database takes, becomes a question mark."""
        return str(self.record.get(self.reader.preset.key_field, "")).encode(errors="replace").decode()

    @cached_property
    def photos(self) -> tuple[Photo, ...] | None:
        """The photos that came with the record; None where its Media did not come whole. Mapped when it is first asked
        for: a new listing's are not compared with anything."""
        if "Media@odata.nextLink" in self.record:
            return None
        for name in INLINE_MEDIA:
            rows = self.record.get(name)
            if isinstance(rows, list):
                # What is wrong with them is told when the listing is imported, not when it is compared.
                return map_media(rows, self.record, base_url=self.reader.preset.base_url) or None
        return None

    def came_with(self, media: Sequence[RawRecord]) -> bool:
        """Whether these rows are what came with the record, or it came with none: then it speaks for its photos."""
        held = next((rows for name in INLINE_MEDIA if isinstance(rows := self.record.get(name), list) and rows), None)
        return held is None or len(media) <= len(held)

    @property
    def listing_key(self) -> str:
        verdict = self.verdict
        return verdict.listing.mls_id if isinstance(verdict, Mapped) else (verdict.listing_key or "")

    @property
    def mls_number(self) -> str:
        """The MLS number, or the ListingKey where a record came without one."""
        verdict = self.verdict
        number = verdict.listing.mls_number if isinstance(verdict, Mapped) else verdict.mls_number
        return number or self.listing_key


@dataclass(frozen=True)
class Reader:
    """Maps records for one import."""

    connection: Connection
    preset: ProviderPreset
    options: ImportOptions
    warn: Callable[[str], None]

    def job(self, page: int, record: RawRecord) -> Job:
        return Job(page, record, self)

    @cached_property
    def coming_soon(self) -> bool:
        return self.options.everything

    @cached_property
    def salt(self) -> bytes:
        return mapping_salt(self.preset, self.connection.mls_system, coming_soon=self.coming_soon)
