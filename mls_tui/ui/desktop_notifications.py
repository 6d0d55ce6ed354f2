"""Desktop notifications: by a program of this machine, or by a control sequence of the terminal. Waits for neither."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from mls_tui.ui.text import one_line

_OSC_9 = ("iTerm.app", "WezTerm", "ghostty")
_APPLE = "on run {title, body}\ndisplay notification body with title title\nend run"


def command(title: str, body: str, environ: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """The command that shows the notification; None if this machine has none. The texts are arguments, not code."""
    if platform == "darwin" and shutil.which("osascript"):
        return ["osascript", "-e", _APPLE, title, body]
    on_a_desktop = any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"))
    if platform != "darwin" and on_a_desktop and shutil.which("notify-send"):
        return ["notify-send", "--app-name=mls_tui", "--", title, body]
    return None


def sequence(title: str, body: str, environ: Mapping[str, str]) -> str | None:
    """OSC 9 (iTerm2, WezTerm, Ghostty, kitty) or OSC 777 (foot, rxvt); None for a terminal known for neither."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if program in _OSC_9 or term.startswith("xterm-kitty"):
        return f"\x1b]9;{title}: {body}\x07"
    if term.startswith(("foot", "rxvt")):
        return f"\x1b]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}\x07"
    return None


def show_notification(
    title: str,
    body: str,
    write: Callable[[str], object],
    *,
    environ: Mapping[str, str] = os.environ,
    start: Callable[[Sequence[str]], object] | None = None,
) -> bool:
    """Show a notification; False if only the bell is left. The texts may come from a feed: they are cleaned."""
    title, body = one_line(title, 80), one_line(body, 240)
    if (program := command(title, body, environ)) is not None:
        try:
            (start or _start)(program)
        except OSError:
            return False
        return True
    if (text := sequence(title, body, environ)) is not None:
        write(text)
        return True
    return False


def _start(program: Sequence[str]) -> None:
    subprocess.Popen(  # noqa: S603 - a fixed program; the texts are arguments
        program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
