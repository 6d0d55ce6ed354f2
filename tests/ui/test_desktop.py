"""A notification outside the window: by the right means, and its text is never code or a sequence."""

from __future__ import annotations

import pytest

from mls_tui.ui import desktop_notifications
from tests.ui.shell import HOSTILE


@pytest.mark.parametrize(
    ("environ", "begins"),
    [({"TERM_PROGRAM": "WezTerm"}, "\x1b]9;"), ({"TERM": "foot"}, "\x1b]777;"), ({"TERM": "xterm-256color"}, None)],
)
def test_a_terminal_is_asked_in_its_own_way(environ: dict[str, str], begins: str | None) -> None:
    written: list[str] = []
    assert desktop_notifications.show_notification("Import", "done", written.append, environ=environ) is (
        begins is not None
    )
    assert [text[: len(begins or "")] for text in written] == ([begins] if begins else [])


def test_feed_text_cannot_end_the_sequence_it_stands_in() -> None:
    for text in HOSTILE:
        written: list[str] = []
        desktop_notifications.show_notification(text, text, written.append, environ={"TERM": "foot"})
        assert written[0].count("\x1b") == 1
        assert written[0].count(";") == 3
        assert written[0].endswith("\x07")


def test_a_program_that_cannot_start_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(program: object) -> None:
        raise OSError("no such program")

    monkeypatch.setattr(desktop_notifications, "command", lambda *args: ["gone"])
    assert desktop_notifications.show_notification("a", "b", lambda text: None, start=refuse) is False
