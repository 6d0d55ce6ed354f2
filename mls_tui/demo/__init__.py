"""A RESO Web API server on loopback with generated homes, drawn photos and faults on demand.

It shares no code with the importer, so that the two can disagree; it must never be reachable from another machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mls_tui.demo.server import DemoMLS
    from mls_tui.demo.thread import RunningDemo, start_in_thread

__all__ = ["DemoMLS", "RunningDemo", "start_in_thread"]


def __getattr__(name: str) -> Any:
    """Import the server only when it is asked for: aiohttp costs 0.2 s, and the command line's parser needs none."""
    if name == "DemoMLS":
        from mls_tui.demo import server

        return server.DemoMLS
    if name in ("RunningDemo", "start_in_thread"):
        from mls_tui.demo import thread

        return getattr(thread, name)
    raise AttributeError(name)
