"""What the application does around its screens: which there are, what the palette offers, how an end, an error and a
dimmed action are told. Functions of the app; no state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from textual.actions import parse
from textual.app import SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from mls_tui.domain.errors import AuthenticationError, ConnectionExpiredError, sentence

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mls_tui.importer.tally import Tally
    from mls_tui.ui.app import MlsTuiApp


def _connections() -> Screen[object]:
    from mls_tui.ui.screens.connections import ConnectionsScreen

    return cast("Screen[object]", ConnectionsScreen())


def _listings() -> Screen[object]:
    from mls_tui.ui.screens.listings import ListingsScreen

    return cast("Screen[object]", ListingsScreen())


def _progress() -> Screen[object]:
    from mls_tui.ui.screens.progress import ProgressScreen

    return cast("Screen[object]", ProgressScreen())


def _history() -> Screen[object]:
    from mls_tui.ui.screens.history import HistoryScreen

    return cast("Screen[object]", HistoryScreen())


MODES: dict[str, Callable[[], Screen[object]]] = {
    "connections": _connections,
    "listings": _listings,
    "progress": _progress,
    "history": _history,
}


async def start_anew(app: MlsTuiApp) -> None:
    """Forget every screen but the present one, and load that again."""
    from mls_tui.ui.screens.base import MlsScreen

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
        if not binding.id or not binding.description or binding.action in seen:  # Textual's own have no id
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


async def start_import(app: MlsTuiApp, connection_id: str | None = None) -> None:
    """Import a connection (the only one, where none is named) and show the progress."""
    from mls_tui.importer.options import ImportOptions

    answer = await app.actions.get_connections(app.workspace)
    views = [
        view for view in answer.data or [] if connection_id is None or view.connection.connection_id == connection_id
    ]
    if len(views) == 1 and not app.imports.running:
        app.imports.start(views[0].connection, ImportOptions())
        app.go("progress")


def phase(tally: Tally | None) -> tuple[bool, bool, bool]:
    """What decides which actions are in reach: begun, paused, ended."""
    return (False, False, False) if tally is None else (tally.begun, tally.paused, tally.result is not None)


def tell_the_end(app: MlsTuiApp, tally: Tally) -> None:
    """A toast where the progress screen is not in sight; a bell and a desktop notification where they are wanted."""
    result = tally.result
    if result is None:
        return
    text = result.error or result.message
    title = f"Import of {tally.connection}"
    if app.imports.tell_when_done:
        from mls_tui.ui import desktop

        app.bell()
        desktop.tell(title, text, app.write_sequence)
    if app.current_mode == "progress":
        return
    failed = result.error is not None or result.counts.failed > 0
    app.notify(text, title=title, severity="warning" if failed else "information")


def show_error(app: MlsTuiApp, error: BaseException, again: Callable[[], object]) -> None:
    """A missing sign-in asks for one; all else gets the error screen, once: what follows it is told as a toast."""
    from mls_tui.ui.screens.errors import ErrorScreen, advice
    from mls_tui.ui.screens.sign_in import SignInScreen

    def then(wanted: bool | None) -> None:
        if wanted:
            again()

    log_error(error)
    if not app.is_running:
        return
    if isinstance(app.screen, (ErrorScreen, SignInScreen)):
        app.notify(sentence(error), title="And this as well", severity="error")
    elif isinstance(error, AuthenticationError) and not isinstance(error, ConnectionExpiredError):
        app.push_screen(SignInScreen(str(error)), then)
    else:
        app.push_screen(ErrorScreen(error, advice(error)), then)


def log_error(error: BaseException | None) -> None:
    """Whole, for the log; nothing where there is none, as Python would then write to the terminal."""
    if logging.getLogger().handlers:
        logging.getLogger("mls_tui").error("the interface met an error", exc_info=error)


def log_warning(text: str) -> None:
    """One line of the log."""
    logging.getLogger("mls_tui").warning("%s", text)


def last_words(error: BaseException | None) -> str:
    """What stands on the terminal where the interface itself broke: a sentence, and what to do."""
    from mls_tui.ui.screens.errors import advice
    from mls_tui.ui.widgets.plain import clean

    shown = error or RuntimeError()
    return f"mls-tui: {clean(shown)}\n{advice(shown)}"
