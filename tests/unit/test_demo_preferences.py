"""The demo keeps nothing of the user's but the choice of a theme."""

from __future__ import annotations

from pathlib import Path

from mls_tui.cli.demo import demo_settings
from mls_tui.cli.interface import keeper
from mls_tui.config import load_settings


def test_a_theme_chosen_in_the_demo_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    keeper(load_settings(environ={}, home=str(tmp_path)))("theme", "mls-light")
    again = load_settings(environ={}, home=str(tmp_path))
    assert again.theme == "mls-light"
    assert demo_settings(again, tmp_path / "demo").theme == "mls-light"
