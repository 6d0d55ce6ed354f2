"""An import with faults as a sequence of events with fixed times: for the screenshot of the progress screen and for the
film. It runs nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    ListingStarted,
    ListingStored,
    PageFetched,
    PhotoFailed,
    PhotoStored,
    RunFinished,
    RunStarted,
    Throttled,
)
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.tally import Tally, TallyFold
from tests.ui.fakes import NOW

RUN = "20260601-1200"
PAGE = 25
LANES = 8
CAUSES = (
    "503 Service Unavailable",
    "the connection was reset",
    "the photo breaks off: 18,230 of 48,112 bytes came",
)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Scene:
    """All events of a run in the order of their times, and how long it takes in seconds."""

    events: tuple[Event, ...]
    seconds: float

    def until(self, seconds: float) -> tuple[Tally, tuple[Event, ...]]:
        """The run as it stands after so many seconds, and what has happened by then."""
        now, fold = at(seconds), TallyFold()
        past = tuple(event for event in self.events if event.at <= now)
        for event in past:
            fold.add(event)
        return fold.snapshot(now), past


def scene(homes: Sequence[Listing]) -> Scene:
    """These homes imported in eight lanes; one in nine meets a fault, one in forty fails for good."""
    dice = random.Random(3)
    events: list[Event] = [RunStarted(at=at(0), run=RUN, connection="Lakeside MLS", provider="reso")]
    free = [0.4 + lane * 0.13 for lane in range(LANES)]
    for number, home in enumerate(homes):
        lane = min(range(LANES), key=free.__getitem__)
        if number % PAGE == 0:
            events.append(_page(number, len(homes), max(0.2, free[lane] - 0.2)))
        told = list(_listing(home, number, free[lane], dice))
        events += told
        free[lane] = (told[-1].at - NOW).total_seconds() + 0.05
    events.append(Throttled(at=at(9), run=RUN, until=at(12.5), why="the MLS answered 429 Too Many Requests."))
    end = max(free) + 0.2
    events.sort(key=lambda event: event.at)
    fold = TallyFold()
    for event in events:
        fold.add(event)
    result = ImportResult(state=RunState.DONE, counts=fold.snapshot().counts, exit_code=1)
    return Scene((*events, RunFinished(at=at(end), run=RUN, result=result)), end)


def _page(number: int, total: int, second: float) -> Event:
    return PageFetched(
        at=at(second), run=RUN, number=number // PAGE + 1, records=min(PAGE, total - number), total=total
    )


def _listing(home: Listing, number: int, second: float, dice: random.Random) -> Iterator[Event]:
    name, key, photos = home.mls_number, home.mls_id, min(14, len(home.photos))
    yield ListingStarted(at=at(second), run=RUN, mls_number=name, listing_key=key, address=home.address.one_line,
                         photos=photos)  # fmt: skip
    if number % 9 == 4:
        cause = CAUSES[number % len(CAUSES)]
        for attempt, wait in ((1, 1.6), (2, 2.7), (3, None))[: 3 if number % 40 == 31 else 1]:
            second += 0.3
            yield AttemptFailed(at=at(second), run=RUN, what="listing", attempt=attempt, of=3, wait=wait, cause=cause,
                                mls_number=name, listing_key=key)  # fmt: skip
            second += wait or 0.1
        if number % 40 == 31:
            yield ListingFailed(at=at(second), run=RUN, mls_number=name, listing_key=key, error=cause, attempts=3)
            return
    missing = 0
    for index in range(photos):
        second += 0.06 + dice.random() * 0.16
        if number % 13 == 6 and index == 2:
            missing = 1
            yield PhotoFailed(at=at(second), run=RUN, mls_number=name, listing_key=key, photo_index=index,
                              cause="404 Not Found", attempts=2)  # fmt: skip
        else:
            yield PhotoStored(at=at(second), run=RUN, mls_number=name, listing_key=key, photo_index=index, key="k",
                              size=34_000 + dice.randrange(24_000))  # fmt: skip
    yield ListingStored(at=at(second + 0.05), run=RUN, mls_number=name, listing_key=key, outcome="created",
                        listing_id=home.listing_id, photos=photos - missing, photos_missing=missing)  # fmt: skip
