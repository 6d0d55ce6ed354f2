"""From a page's records to jobs: each record mapped once, with the Media that came with it. Pure but for warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mls_tui.domain.connection import Connection
from mls_tui.domain.listing import Photo
from mls_tui.importer.options import ImportOptions
from mls_tui.mls.base import RawRecord
from mls_tui.mls.mapping import Mapped, Verdict, map_record, provider_of
from mls_tui.mls.media import map_media
from mls_tui.mls.preset_fields import ProviderPreset

INLINE_MEDIA = ("Media", "Photos")


@dataclass(frozen=True)
class Job:
    """One record of a page with what the mapping made of it."""

    page: int
    record: RawRecord
    verdict: Verdict
    provider: str
    base_url: str

    @cached_property
    def photos(self) -> tuple[Photo, ...] | None:
        """The photos that came with the record; None where its Media did not come whole. Mapped when it is first asked
        for: a new listing's are not compared with anything."""
        if "Media@odata.nextLink" in self.record:
            return None
        for name in INLINE_MEDIA:
            rows = self.record.get(name)
            if isinstance(rows, list):
                return map_media(rows, self.record, base_url=self.base_url, warn=_unheard) or None
        return None

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


@dataclass(frozen=True, slots=True)
class Reader:
    """Maps records for one import."""

    connection: Connection
    preset: ProviderPreset
    options: ImportOptions
    warn: Callable[[str], None]

    def job(self, page: int, record: RawRecord) -> Job:
        verdict = map_record(
            record,
            self.preset,
            connection_id=self.connection.connection_id,
            mls_system=self.connection.mls_system,
            coming_soon=self.options.everything,
            warn=self.warn,
        )
        return Job(page, record, verdict, self._provider(record, verdict), self.preset.base_url)

    def _provider(self, record: RawRecord, verdict: Verdict) -> str:
        if isinstance(verdict, Mapped):
            return verdict.listing.mls_provider
        return provider_of(record, self.preset, self.connection.mls_system)


def _unheard(kind: str) -> None:
    """Warnings about media are counted when the listing is imported, not when it is compared."""
