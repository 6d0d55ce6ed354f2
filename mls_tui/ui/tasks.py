"""Starts background tasks. Their errors are always shown."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker

from mls_tui.ui.messages import WorkFailed


def start_task(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, object]], group: str, *, exclusive: bool = True
) -> Worker[None]:
    """Run ``work`` until it ends or ``node`` is removed. ``exclusive`` cancels the group's earlier task.

    An error is posted to the application as WorkFailed; Textual would report it to ``node`` only. ``work`` is a
    function, so that a task that is cancelled before its first step leaves no coroutine behind.
    """

    async def watched() -> None:
        try:
            await work()
        except Exception as error:
            node.app.post_message(WorkFailed(error, again))

    def again() -> None:
        if node.is_attached:
            start_task(node, work, group, exclusive=exclusive)

    worker: Worker[None] = node.run_worker(watched, group=group, exclusive=exclusive, exit_on_error=False)
    return worker
