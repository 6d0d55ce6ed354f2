"""The theme chosen last is there when the interface, or the demo, is opened again."""

from __future__ import annotations

from pathlib import Path

from mls_tui.config import load_settings
from mls_tui.ui.themes import DEFAULT_THEME, MLS_LIGHT, first_theme, remember_theme

KNOWN = (DEFAULT_THEME, MLS_LIGHT.name, "nord")


def test_the_theme_chosen_last_is_used_again_and_the_configuration_stays_as_it_is(tmp_path: Path) -> None:
    settings = load_settings(environ={}, home=str(tmp_path))
    assert first_theme(settings, KNOWN, light=False) == DEFAULT_THEME
    assert first_theme(settings, KNOWN, light=True) == MLS_LIGHT.name
    remember_theme(settings, "nord")
    assert first_theme(settings, KNOWN, light=True) == "nord"
    assert not settings.config_path.exists()
    remember_theme(settings, "a theme of another version")
    assert first_theme(settings, KNOWN, light=False) == DEFAULT_THEME


def test_the_configuration_is_stronger_than_the_choice(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('theme = "mls-light"')
    settings = load_settings(environ={}, home=str(tmp_path))
    remember_theme(settings, "nord")
    assert first_theme(settings, KNOWN, light=False) == "mls-light"


def test_a_state_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    settings = load_settings(environ={}, home=str(tmp_path))
    remember_theme(settings, "nord")
    assert first_theme(settings, KNOWN, light=False) == DEFAULT_THEME
