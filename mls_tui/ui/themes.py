"""Our own light and dark theme, beside Textual's. Colours have a meaning, and none of them is the only sign of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.color import Color
from textual.theme import Theme

from mls_tui.storage.files import private_folder, write_whole

if TYPE_CHECKING:
    from mls_tui.config import Settings

THEME_FILE = "theme"

MLS_DARK = Theme(
    name="mls-dark",
    primary="#5fb3a1",
    secondary="#7aa2d6",
    accent="#e8b563",
    success="#84c07a",
    warning="#e8b563",
    error="#e5736b",
    foreground="#dfe3e8",
    background="#12161c",
    surface="#181d25",
    panel="#222934",
    dark=True,
    variables={
        "footer-key-foreground": "#e8b563",
        "footer-background": "#181d25",
        "footer-description-foreground": "#aab3bf",
        "input-selection-background": "#5fb3a1 35%",
        "block-cursor-background": "#2f5f57",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#26303b",
        "border": "#5fb3a1",
        "border-blurred": "#313a47",
    },
)

MLS_LIGHT = Theme(
    name="mls-light",
    primary="#1a6f5e",
    secondary="#2f5f9e",
    accent="#8a5100",
    success="#1d6822",
    warning="#8a5100",
    error="#b3261e",
    foreground="#0b0f13",  # so dark that its 60 %, for what matters less, can still be read: 4.5:1
    background="#fafafa",
    surface="#f0f0f0",
    panel="#e2e2e2",
    dark=False,
    variables={
        "footer-key-foreground": "#8a5100",
        "footer-background": "#f0f0f0",
        "footer-description-foreground": "#4b545e",
        "input-selection-background": "#1a6f5e 25%",
        "block-cursor-background": "#1a6f5e",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#dadada",
        "border": "#1a6f5e",
        "border-blurred": "#c0c0c0",
    },
)

OUR_THEMES = (MLS_DARK, MLS_LIGHT)
DEFAULT_THEME = MLS_DARK.name


def rich_name(variables: Mapping[str, str], role: str) -> str:
    """A theme's colour for ``success``, ``accent`` … under Rich's name: Textual's ``ansi_green`` is ``color(2)``."""
    return Color.parse(variables[role]).rich_color.name


def first_theme(settings: Settings, known: Collection[str], *, light: bool) -> str:
    """The theme to start with: the one set in the configuration, else the one chosen last, else one that suits the
    terminal's background."""
    for name in (settings.theme, _remembered(settings)):
        if name in known:
            return str(name)
    return MLS_LIGHT.name if light else DEFAULT_THEME


def remember_theme(settings: Settings, name: str) -> None:
    """Keep the chosen theme in the state folder. If that cannot be written, the choice holds for this session."""
    with suppress(OSError):
        private_folder(settings.state_path)
        write_whole(settings.state_path / THEME_FILE, name.encode())


def _remembered(settings: Settings) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return (settings.state_path / THEME_FILE).read_text(encoding="utf-8").strip()[:64]
    return None
