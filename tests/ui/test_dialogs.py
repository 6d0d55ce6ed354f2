"""A dialog has room for its question and its answers at any size; what does not fit between them is scrolled to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from mls_tui.domain.errors import StorageError
from mls_tui.ui.screens.dialogs import FailuresDialog, ListingToDelete, TextDialog, delete_question
from mls_tui.ui.screens.errors import ErrorScreen
from mls_tui.ui.screens.help import HelpScreen, KeyLine
from tests.ui.shell import SIZES, an_app, opened, resized, seen, settled

LAST = "lastword"
LONG = "\n".join([*(f"line {number}" for number in range(70)), LAST])
PLACE = "SQLite file /home/someone/.local/share/mls_tui/mls-tui.db and folder /home/someone/.local/share/mls_tui/photos"


def _help() -> ModalScreen[None]:
    lines = [KeyLine("Move", str(number), f"does {number}") for number in range(70)]
    return HelpScreen("Listings", [*lines, KeyLine("Move", "z", LAST)])


def _problem() -> ModalScreen[None]:
    return TextDialog("441", "unknown", known="◫ quarantined · 1 attempt", raw=LONG)


def _line() -> ModalScreen[None]:
    many = " ".join(f"word{number:04}" for number in range(900))
    return TextDialog("It failed.", f"cause: {many} {LAST}")


def _delete() -> ModalScreen[bool]:
    listings = [ListingToDelete(str(number), f"{number} Oak Street, Austin (MLS {number})", 3) for number in range(300)]
    return delete_question(listings, f"{PLACE}, of user local")


def _failures() -> ModalScreen[None]:
    failures = {str(number): f"why {number}" for number in range(30)} | {"31": LAST}
    return FailuresDialog(3, failures, {})


def _error() -> ModalScreen[bool]:
    return ErrorScreen(StorageError(LONG), "Try again.")


DIALOGS: dict[str, tuple[Callable[[], ModalScreen[None] | ModalScreen[bool]], tuple[str, ...]]] = {
    "help": (_help, ("Keys of Listings", "esc closes")),
    "problem": (_problem, ("441", "esc closes")),
    "log line": (_line, ("It failed.", "esc closes")),
    "delete": (_delete, ("Delete 300 listings?", "Type 300 to confirm", "Cancel")),
    "failures": (_failures, ("Deleted 3 of 34 listings", "Close")),
    "error": (_error, ("Something went wrong", "Try again.", "Quit (q)")),
}


@pytest.mark.parametrize("name", DIALOGS)
async def test_question_and_answers_are_in_sight_and_all_between_them_in_reach(name: str) -> None:
    make, lasting = DIALOGS[name]
    async with opened(an_app()) as pilot:
        pilot.app.push_screen(make())
        await settled(pilot)
        for size in [(60, 16), *SIZES]:
            await resized(pilot, size)
            between = pilot.app.screen.query_one(VerticalScroll)
            between.scroll_end(animate=False)
            await settled(pilot)
            for words in lasting:
                assert words in seen(pilot), (size, words)
            assert name == "delete" or LAST in seen(pilot), size


async def test_what_is_deleted_is_said_whole_before_it_is() -> None:
    async with opened(an_app(), (80, 24)) as pilot:
        pilot.app.push_screen(_delete())
        await settled(pilot)
        for words in (
            "300 listings and 900 photos",
            "mls_tui/photos, of user local.",
            "u brings them back",
            "0 Oak Street",
        ):
            assert words in " ".join(seen(pilot).replace("│", " ").split())
