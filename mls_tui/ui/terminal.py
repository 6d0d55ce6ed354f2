"""Asks the terminal, before Textual takes it, whether it can show pixels, how large a character is, and whether its
background is light.

The question goes out before the interface is imported and is answered meanwhile, so that no first frame waits for it.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

try:
    import fcntl
    import termios
except ImportError:  # Windows: half-blocks
    fcntl = termios = None  # type: ignore[assignment]

GUESSED_CELL = (10, 20)
"""Width and height in pixels of a character if the terminal says neither: that of the VT340."""

ASK_NAME = "\x1b[>0q"
ASK_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
ASK_CELL = "\x1b[16t"
ASK_BACKGROUND = "\x1b]11;?\x1b\\"
ASK_ATTRIBUTES = "\x1b[c"
"""Every terminal answers this one (DA1), so it goes last: with its answer, all have come."""

NAME = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
KITTY_WORKS = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")

BACKGROUND = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")

ANSWERS = re.compile(rb"\x1b[P_\]].*?(?:\x1b\\|\x07)|\x1b\[[0-?]*[ -/]*[@-~]", re.DOTALL)
"""Whatever is an answer, and no key that is typed with one finger."""

PLACEHOLDERS = ("kitty", "ghostty")
"""Terminals that place kitty images by placeholder characters. Konsole and WezTerm answer that the protocol works, and
then print the placeholders as text."""

MULTIPLEXERS = ("tmux", "screen")
"""They keep at most some twenty sixel images and pass on kitty's only if they are configured to."""

HINTS = ("TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "WEZTERM_PANE", "KONSOLE_VERSION", "XTERM_VERSION",
         "WT_SESSION", "SSH_CONNECTION", "SSH_TTY")  # fmt: skip
NAMED = ("xterm-kitty", "xterm-ghostty", "foot", "mlterm", "contour", "wezterm")
"""Variables, and values of TERM, that say that a person's terminal is there: one that answers, if perhaps from afar."""

PATIENCE, PATIENCE_WITH_PEOPLE = (0.2, 0.02), (1.0, 0.3)
"""Seconds in which a first answer may come: from the question (the import of the interface takes most of them by
itself), and at least from the end of that. Too short, and a late answer is taken for keys; too long, and a terminal
that is silent (a script's) holds the first frame up."""


@dataclass(frozen=True, slots=True)
class Graphics:
    """How photos are drawn: ``kitty``, ``sixel``, ``blocks`` (half-blocks, for every terminal) or ``off``."""

    kind: str = "blocks"
    told_cell: tuple[int, int] | None = None

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a character in pixels, as it is now: it changes when the user zooms."""
        return _cell_by_ioctl() or self.told_cell or GUESSED_CELL


class TerminalProbe:
    """``with TerminalProbe(settings.photos) as question:``, import what takes long, then ``question.answer()``.

    ``wanted`` is the setting: only ``auto`` depends on the answer. Leaving restores the terminal's mode.
    """

    def __init__(self, wanted: str, environ: Mapping[str, str] | None = None) -> None:
        self._wanted = wanted
        self._env = os.environ if environ is None else environ
        self._before: list[Any] | None = None
        self._asked = 0.0
        self.light = light_background(b"", self._env)
        """The terminal's background is light, as far as is known after ``answer``."""
        self.typed = ""
        """The letters and digits that the user typed meanwhile: keys for the interface."""

    def __enter__(self) -> TerminalProbe:
        if _is_terminal() and self._env.get("TERM", "") not in ("", "dumb", "linux"):
            with suppress(OSError, termios.error):
                self._ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            with suppress(OSError, termios.error):
                termios.tcsetattr(0, termios.TCSANOW, self._before)
            self._before = None

    def answer(self) -> Graphics:
        """What the terminal said, waiting for it only as long as PATIENCE leaves."""
        said = self._read() if self._before is not None else b""
        self.typed = "".join(re.findall(r"[A-Za-z0-9]", ANSWERS.sub(b"", said).decode("ascii", "ignore")))
        self.light = light_background(said, self._env)
        found = CELL.search(said)
        cell = (int(found[2]), int(found[1])) if found and int(found[1]) and int(found[2]) else None
        kind = self._wanted
        if kind == "auto":
            kind = kind_told(said, self._env, sized=bool(cell or _cell_by_ioctl()))
        if kind == "kitty":  # an image's number is a colour of 24 bits: SSH forgets that the terminal has them
            os.environ.setdefault("COLORTERM", "truecolor")
        return Graphics(kind, cell)

    def _worth_asking(self) -> bool:
        """Whether to ask about pixels: not if the answer would be no, or the question would be printed as text."""
        if self._wanted != "auto":
            return self._wanted in ("kitty", "sixel")
        term = self._env.get("TERM", "")
        return not (
            term.startswith(MULTIPLEXERS)
            or self._env.get("TMUX")
            or self._env.get("NO_COLOR")
            or self._env.get("TERM_PROGRAM") == "Apple_Terminal"
        )

    def _ask(self) -> None:
        before = termios.tcgetattr(0)
        quiet = termios.tcgetattr(0)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)  # Ctrl-C goes on working
        quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
        self._before = before
        termios.tcsetattr(0, termios.TCSANOW, quiet)
        self._asked = time.monotonic()
        pixels = ASK_NAME + ASK_KITTY + ASK_CELL if self._worth_asking() else ""
        background = "" if self._env.get("NO_COLOR") else ASK_BACKGROUND
        os.write(2, (pixels + background + ASK_ATTRIBUTES).encode())

    def _read(self) -> bytes:
        said = b""
        people = self._env.get("TERM", "").startswith(NAMED) or any(self._env.get(name) for name in HINTS)
        patient = _deadline(self._asked, PATIENCE_WITH_PEOPLE)
        deadline = patient if people else _deadline(self._asked, PATIENCE)
        while not ATTRIBUTES.search(said):
            ready, _, _ = select.select([0], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(0, 4096) if ready else b""
            if not more:
                break
            said += more
            deadline = max(deadline, patient)  # it does answer: the rest will come
        return said


def _deadline(asked: float, patience: tuple[float, float]) -> float:
    return max(asked + patience[0], time.monotonic() + patience[1])


def kind_told(said: bytes, environ: Mapping[str, str], *, sized: bool) -> str:
    """The best way to draw that a terminal's answers allow. Sixel needs the true size of a character (``sized``)."""
    found = NAME.search(said)
    name = (found[1].decode("ascii", "replace") if found else environ.get("TERM", "").removeprefix("xterm-")).lower()
    attributes = ATTRIBUTES.search(said)
    if name.startswith(MULTIPLEXERS):
        return "blocks"
    if KITTY_WORKS.search(said) and (name.startswith(PLACEHOLDERS) or not found):
        return "kitty"
    if sized and attributes and b"4" in attributes[1].split(b";")[1:]:
        return "sixel"
    return "blocks"


def light_background(said: bytes, environ: Mapping[str, str]) -> bool:
    """Whether the background is light: by the terminal's answer, else by COLORFGBG; dark if neither says."""
    if found := BACKGROUND.search(said):
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
        return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def _is_terminal() -> bool:
    """Textual reads standard input and draws on standard error; in a browser it does neither."""
    if termios is None:
        return False
    return os.isatty(0) and os.isatty(2) and sys.__stderr__ is not None


def _cell_by_ioctl() -> tuple[int, int] | None:
    """The size of a character by the window's, if the terminal gives that in pixels."""
    if fcntl is None:
        return None
    with suppress(OSError):
        size = fcntl.ioctl(2, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, wide, high = (int.from_bytes(size[at : at + 2], sys.byteorder) for at in range(0, 8, 2))
        if rows and columns and wide >= columns and high >= rows:
            return wide // columns, high // rows
    return None
