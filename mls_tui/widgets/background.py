"""Start a worker the way all of ours start: named by group, never ending the application, and created from a function,
so that one cancelled before its first step leaves no coroutine behind."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, *, exclusive: bool = True
) -> Worker[None]:
    """Run ``work`` for as long as ``node`` lives. ``exclusive`` ends an earlier one of the group."""
    worker: Worker[None] = node.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)
    return worker
