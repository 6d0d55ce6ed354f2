"""The keys of the screen beneath, by group, from its own bindings. Nothing here is written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from mls_tui.modes import why_not
from mls_tui.widgets.plain import plain

HELP = Binding.Group("Help")
_LAST = ("Go to", "Application", "Move")
"""These groups are the same on every screen; its own come first."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One action: the keys that start it, what it does, and why it cannot now (empty where it can)."""

    group: str
    keys: str
    words: str
    why: str = ""


def key_lines(screen: Screen[object]) -> list[KeyLine]:
    """What can be pressed on a screen, in the order of its bindings, each action once with all its keys."""
    found: dict[str, tuple[list[str], KeyLine]] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if binding.system or not (binding.description or binding.tooltip):
            continue
        name = screen.app.get_key_display(binding)
        if binding.action in found:
            found[binding.action][0].append(name)
            continue
        why = "" if enabled else why_not(binding.action, node) or "not now"
        group = binding.group.description if binding.group else "Application"
        words = binding.tooltip or binding.description
        found[binding.action] = ([name], KeyLine(group, "", words, why))
    return [KeyLine(line.group, " ".join(names), line.words, line.why) for names, line in found.values()]


class HelpScreen(ModalScreen[None]):
    """Opened with ``?`` or F1 on any screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "close", "Close", id="help.close", tooltip="Close the help", group=HELP),
        Binding("j", "scroll(1)", "Down", show=False, id="help.down", tooltip="Scroll down", group=HELP),
        Binding("k", "scroll(-1)", "Up", show=False, id="help.up", tooltip="Scroll up", group=HELP),
    ]

    def __init__(self, title: str, lines: list[KeyLine]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    @classmethod
    def of(cls, screen: Screen[object]) -> HelpScreen:
        crumbs = getattr(screen, "crumbs", None)
        return cls(" › ".join(crumbs()) if crumbs else "Help", key_lines(screen))

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-help"):
            yield Static(plain(f"Keys of {self._title}"), id="question")
            with VerticalScroll(id="help-keys"):
                yield Static(self._table(), id="help-table")
            yield Static(
                Content.assemble(
                    ("ctrl+p", "bold $accent"),
                    " finds every action by name    ",
                    ("esc", "bold $accent"),
                    " closes",
                ),
                id="help-foot",
            )

    def _table(self) -> Content:
        groups: dict[str, list[KeyLine]] = {}
        for line in self._lines:
            groups.setdefault(line.group, []).append(line)
        groups = dict(sorted(groups.items(), key=lambda item: _LAST.index(item[0]) if item[0] in _LAST else -1))
        width = max((cell_len(line.keys) for line in self._lines), default=0)
        parts: list[Content | str | tuple[str, str]] = []
        for index, (group, lines) in enumerate(groups.items()):
            parts.append(("\n" if index else "") + "")
            parts += [(group, "bold $primary"), "\n"]
            for line in lines:
                pad = " " * (width - cell_len(line.keys))
                style = "$foreground 60%" if line.why else ""
                parts += ["  ", (line.keys, "bold $accent"), pad, "  ", (line.words, style)]
                if line.why:
                    parts.append((f"  ({line.why})", "$text-warning"))
                parts.append("\n")
        return Content.assemble(*parts)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#help-keys").scroll_relative(y=lines, animate=False)
