"""A photo has one number wherever the interface tells of it: that of the strip below the home, from 1."""

from __future__ import annotations

from mls_tui.domain.events import AttemptFailed, ListingStarted, PhotoFailed
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.importer.tally import TallyFold
from mls_tui.ui.screens.dialogs import TextDialog
from mls_tui.ui.widgets.log_view import log_line
from tests.ui.fakes import NOW_MS, FakeActions, a_view
from tests.ui.homes import a_home, a_photo
from tests.ui.listings_app import listings_desk
from tests.ui.shell import RUN, an_app, at, opened, press, seen
from tests.ui.test_everywhere import a_run

CAUSE = "404 Not Found"
AGAIN = AttemptFailed(
    at=at(0),
    run=RUN,
    what="photo",
    attempt=1,
    of=2,
    wait=1,
    cause=CAUSE,
    mls_number="7",
    listing_key="7",
    photo_index=0,
)
LOST = PhotoFailed(at=at(0), run=RUN, mls_number="7", listing_key="7", photo_index=0, cause=CAUSE, attempts=2)


async def test_the_home_calls_its_first_photo_one() -> None:
    async with listings_desk([a_home(1, photos=(a_photo("x", 0, stored=False), a_photo("x", 1)))]) as desk:
        await desk.press("enter")
        assert "Photo 1 is missing" in desk.text


def test_so_does_the_log_and_what_is_in_flight() -> None:
    told = [line.text for event in (AGAIN, LOST) if (line := log_line(event)) is not None]
    assert all(text.startswith("7 photo 1") for text in told)
    assert len(told) == 2
    fold = TallyFold()
    for event in (ListingStarted(at=at(0), run=RUN, mls_number="7", listing_key="7", address="", photos=2), AGAIN):
        fold.add(event)
    assert fold.snapshot().in_flight[0].cause == f"photo 1: {CAUSE}"


async def test_so_does_a_past_import() -> None:
    actions = FakeActions(connections=[a_view()], history=[a_run()])
    lost = Problem(kind=ProblemKind.PHOTO, mls_number="7", listing_key="7", photo_index=0, error=CAUSE, at=NOW_MS)
    actions.problems = {"r1": [lost]}
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "4", "enter")
        assert "▣ photo 1  7" in seen(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, TextDialog)
        assert "▣ photo 1 · " in seen(pilot)
