"""What the command line lends the interface: things that only a process can do. Values; nothing runs here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mls_tui.actions.workspace import Workspace
    from mls_tui.ui.terminal import Graphics


@dataclass(frozen=True, slots=True)
class Hooks:
    """``start_demo`` answers the demo's workspace; ``remember`` keeps a setting by name. ``sign_in``
    is not asked any more: the workspace's own users are. ``graphics`` is how this terminal shows photos."""

    start_demo: Callable[[], Awaitable[Workspace]] | None = None
    remember: Callable[[str, str], None] | None = None
    sign_in: Callable[[str, str], Awaitable[None]] | None = None
    graphics: Graphics | None = None
