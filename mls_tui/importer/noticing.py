"""Converts connector notices into events of the run. Waiting for our own rate budget is not an event."""

from __future__ import annotations

from mls_tui.domain.events import AttemptFailed, Throttled
from mls_tui.importer.in_hand import IN_HAND
from mls_tui.importer.journal import Journal
from mls_tui.reso.base import Notice, Observer, Paused, RequestFailed


def observer(journal: Journal) -> Observer:
    """An observer for the connector of one run."""

    def notice(said: Notice) -> None:
        run, clock = journal.run.run_id, journal.clock
        match said:
            case RequestFailed():
                listing = IN_HAND.get()
                if listing is not None:
                    listing.failed(said.attempt)
                journal.emit(
                    AttemptFailed(
                        at=clock.now(),
                        run=run,
                        what="page" if listing is None else "listing",
                        mls_number=None if listing is None else listing.mls_number,
                        attempt=said.attempt,
                        of=said.of,
                        wait=said.wait,
                        cause=said.cause,
                    )
                )
            case Paused(answered=True):
                journal.emit(Throttled(at=clock.now(), run=run, until=said.until, why=said.why, host=said.host))

    return notice
