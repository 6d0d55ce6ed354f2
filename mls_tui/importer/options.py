"""What a user may ask of an import. Plain values; the engine decides what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from mls_tui.domain.listing import ListingStatus


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The flags of ``mls-tui import``. ``statuses`` widens the default scope, which is active listings.

    ``only`` are MLS numbers, ``keys`` ListingKeys (a retry); either makes the import selective: the cursor of the
    connection is neither used nor moved. So does ``limit``. ``resumed`` goes on with the unfinished sweep of this very
    run, also if it is ``full``.
    """

    full: bool = False
    only: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    statuses: frozenset[ListingStatus] = frozenset()
    photos: bool = True
    limit: int | None = None
    resumed: bool = False

    @property
    def selective(self) -> bool:
        return bool(self.only or self.keys) or self.limit is not None

    @property
    def everything(self) -> bool:
        """``--status all``: Coming Soon records too."""
        return self.statuses == frozenset(ListingStatus)

    @property
    def scope(self) -> frozenset[ListingStatus]:
        """The statuses that are brought in (CONTRACT: ``--status`` widens Active)."""
        return frozenset({ListingStatus.ACTIVE}) | self.statuses
