"""Start a worker the way all of ours start, and the only way: named by group, created from a function, so that one
cancelled before its first step leaves no coroutine behind, and never silent about its error."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from textual.dom import DOMNode
from textual.worker import Worker

if TYPE_CHECKING:
    from mls_tui.ui.app import MlsTuiApp


def begin(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, object]], group: str, *, exclusive: bool = True
) -> Worker[None]:
    """Run ``work`` for as long as ``node`` lives. ``exclusive`` ends an earlier one of the group.

    What it raises goes to the application's ``failed``, which shows it and offers to begin anew. Textual itself tells
    only ``node`` of a worker's end, and a widget that does not listen would make of its error a silence.
    """

    async def watched() -> None:
        try:
            await work()
        except Exception as error:
            cast("MlsTuiApp", node.app).failed(error, again)

    def again() -> None:
        if node.is_attached:
            begin(node, work, group, exclusive=exclusive)

    worker: Worker[None] = node.run_worker(watched, group=group, exclusive=exclusive, exit_on_error=False)
    return worker
