"""What the application does around its screens: which there are, what the palette offers, how an end, an error and a
dimmed action are told. Functions of the app; no state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from textual.actions import parse
from textual.app import SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from mls_tui.domain.errors import AuthenticationError
from mls_tui.importer.tally import Tally

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mls_tui.app import MlsTuiApp


def _connections() -> Screen[object]:
    from mls_tui.screens.connections import ConnectionsScreen

    return cast("Screen[object]", ConnectionsScreen())


def _listings() -> Screen[object]:
    from mls_tui.screens.listings import ListingsScreen

    return cast("Screen[object]", ListingsScreen())


def _progress() -> Screen[object]:
    from mls_tui.screens.progress import ProgressScreen

    return cast("Screen[object]", ProgressScreen())


def _history() -> Screen[object]:
    from mls_tui.screens.history import HistoryScreen

    return cast("Screen[object]", HistoryScreen())


MODES: dict[str, Callable[[], Screen[object]]] = {
    "connections": _connections,
    "listings": _listings,
    "progress": _progress,
    "history": _history,
}


async def start_anew(app: MlsTuiApp) -> None:
    """Forget every screen but the present one, and load that again."""
    from mls_tui.screens.base import MlsScreen

    app.go("connections")
    for mode in MODES:
        if mode != app.current_mode:
            await app.remove_mode(mode)
            app.add_mode(mode, MODES[mode])
    if isinstance(app.screen, MlsScreen):
        app.screen.reload()


def commands(app: MlsTuiApp, screen: Screen[object]) -> Iterator[SystemCommand]:
    """Every action of the screen and of the application, for the palette; a dimmed one says why."""
    seen: set[str] = set()
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if binding.system or not binding.description or binding.action in seen or binding.action == "command_palette":
            continue
        seen.add(binding.action)
        why = "" if enabled else why_not(binding.action, node) or ""
        group = binding.group.description if binding.group else ""
        title = f"{group}: {binding.description}" if group else binding.description
        yield SystemCommand(title, why or tooltip or binding.description, _runner(app, binding.action, node))


def _runner(app: MlsTuiApp, action: str, node: DOMNode) -> Callable[[], None]:
    def run() -> None:
        app.call_later(app.run_action, action, node)

    return run


def why_not(action: str | ActionParseResult, node: DOMNode | None) -> str | None:
    """The reason a node gives for a dimmed action, where it has one."""
    namespace, name, parameters = parse(action) if isinstance(action, str) else action
    ask = getattr(node, "why_not", None)
    if namespace or ask is None:
        return None
    answer = ask(name, parameters)
    return answer if isinstance(answer, str) else None


def say_why_not(app: MlsTuiApp, action: str | ActionParseResult, node: DOMNode | None) -> None:
    """Tell why a dimmed action does nothing."""
    reason = why_not(action, node)
    if reason:
        app.notify(reason, severity="warning")


def tell_the_end(app: MlsTuiApp, tally: Tally) -> None:
    """A toast where the progress screen is not in sight, and a bell where the user asked for one."""
    result = tally.result
    if result is None:
        return
    if app.imports.tell_when_done:
        app.bell()
    if app.current_mode == "progress":
        return
    text = result.error or result.message
    failed = result.error is not None or result.counts.failed > 0
    app.notify(text, title=f"Import of {tally.connection}", severity="warning" if failed else "information")


def show_error(app: MlsTuiApp, error: BaseException) -> None:
    """Sign-in errors ask for a sign-in where there is one; all others get the error screen."""
    if isinstance(error, AuthenticationError) and app.hooks.sign_in is not None:
        from mls_tui.screens.sign_in import SignInScreen

        app.push_screen(SignInScreen(str(error)), lambda signed_in: app.open_workspace() if signed_in else None)
        return
    from mls_tui.screens.errors import ErrorScreen

    app.push_screen(ErrorScreen(error), lambda again: app.open_workspace() if again else None)
