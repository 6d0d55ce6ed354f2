"""The keys of the screen beneath, by group, from its own bindings. Nothing here is written by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.actions import ActionParseResult, parse
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from mls_tui.ui.text import clean, one_line, plain
from mls_tui.ui.themes import rich_name

HELP = Binding.Group("Help")
_LAST = ("Go to", "Application", "Move")
"""These groups are the same on every screen; its own come first."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One action: the keys that start it, what it does, and why it cannot now (empty if it can)."""

    group: str
    keys: str
    words: str
    why: str = ""


def why_not(action: str | ActionParseResult, node: DOMNode | None) -> str | None:
    """The reason a node gives for an action that is out of reach, if it has one."""
    namespace, name, parameters = parse(action) if isinstance(action, str) else action
    ask = getattr(node, "why_not", None)
    if namespace or ask is None:
        return None
    answer = ask(name, parameters)
    return answer if isinstance(answer, str) else None


def key_lines(screen: Screen[object]) -> list[KeyLine]:
    """What can be pressed on a screen, in the order of its bindings, each action once with all its keys."""
    found: dict[str, tuple[list[str], KeyLine]] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if binding.system or not (binding.description or binding.tooltip):
            continue
        name = screen.app.get_key_display(replace(binding, key_display=None))  # the bar's may stand for two keys
        names, known = found.get(binding.action, ([], None))
        names.append(name)
        if known is None or binding.id:  # Textual's own have no id, and words that are not ours
            why = "" if enabled else why_not(binding.action, node) or "not now"
            group = binding.group.description if binding.group else "Application"
            known = KeyLine(group, "", binding.tooltip or binding.description, why)
        found[binding.action] = (names, known)
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
            yield Static(plain(f"Keys of {self._title}"), id="question", classes="head")
            with VerticalScroll(id="help-keys", classes="middle"):
                yield Static(self._table(), id="help-table")
            yield Static(
                Content.assemble(
                    ("ctrl+p", "bold $accent"),
                    " finds every action by name    ",
                    ("esc", "bold $accent"),
                    " closes",
                ),
                id="help-foot",
                classes="foot",
            )

    def _table(self) -> Group:
        groups: dict[str, list[KeyLine]] = {}
        for line in self._lines:
            groups.setdefault(line.group, []).append(line)
        groups = dict(sorted(groups.items(), key=lambda item: _LAST.index(item[0]) if item[0] in _LAST else -1))
        width = max((cell_len(line.keys) for line in self._lines), default=0)
        parts: list[RenderableType] = []
        for group, lines in groups.items():
            parts += [Text(), Text(one_line(group, 40), f"bold {self._hue('primary')}")]
            parts.append(self._grid(lines, width))
        return Group(*parts[1:])

    def _grid(self, lines: list[KeyLine], width: int) -> Table:
        """Keys, and beside them what they do; what is too long goes on below itself."""
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=width + 2, no_wrap=True, style=f"bold {self._hue('accent')}")
        grid.add_column(ratio=1)
        for line in lines:
            words = Text(clean(line.words, newlines=False), "dim" if line.why else "")
            if line.why:
                words.append(f"  ({clean(line.why, newlines=False)})", f"not dim {self._hue('warning')}")
            grid.add_row(Text(f"  {line.keys}"), words)
        return grid

    def _hue(self, role: str) -> str:
        return rich_name(self.app.theme_variables, role)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#help-keys").scroll_relative(y=lines, animate=False)
