"""What a connector notices, as events of the run that it works for. Waiting for our own budget is no news, only for the
gauge."""

from __future__ import annotations

from collections.abc import Callable

from mls_tui.domain.events import AttemptFailed, Throttled
from mls_tui.importer.in_hand import IN_HAND
from mls_tui.importer.journal import Journal
from mls_tui.reso.base import Notice, Observer, Paused, RequestFailed


def observer(journal_now: Callable[[], Journal | None]) -> Observer:
    """For a connector. ``journal_now`` says whose request it is at the moment; None where it is nobody's."""

    def notice(said: Notice) -> None:
        journal = journal_now()
        if journal is None:
            return
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
