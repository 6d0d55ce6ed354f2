"""How a verb answers: every error a user can cause becomes an ActionResult, and a verb called without a workspace
opens the configured one for the length of the call."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from mls_tui.actions.results import ActionResult
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.errors import MlsTuiError, sentence

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("mls_tui")


def answering(
    verb: Callable[P, Awaitable[ActionResult[T]]],
) -> Callable[P, Awaitable[ActionResult[T]]]:
    """Turn errors into answers."""

    @functools.wraps(verb)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> ActionResult[T]:
        try:
            return await verb(*args, **kwargs)
        except Exception as error:
            return refusal(error)

    return answer


def refusal(error: Exception) -> ActionResult[T]:
    """The answer to an error, as a sentence. One that nobody foresaw is ours: the whole of it goes to the log."""
    if isinstance(error, MlsTuiError):
        return ActionResult(False, error=sentence(error), exit_code=error.exit_code)
    log.error("unforeseen error", exc_info=error)
    return ActionResult(False, error=f"{sentence(error)}. This is a fault in mls-tui; the log has more.", exit_code=1)


@asynccontextmanager
async def opened(workspace: Workspace | None) -> AsyncIterator[Workspace]:
    """The given workspace, open, or the configured one for the length of the block."""
    if workspace is not None:
        await workspace.open()
        yield workspace
        return
    async with Workspace(load_settings()) as own:
        yield own
