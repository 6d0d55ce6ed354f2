"""The last resort: an error that nobody foresaw, as a sentence for the user and whole for the log."""

from __future__ import annotations

import logging
from typing import NoReturn

from mls_tui.cli.running import fail
from mls_tui.domain.errors import MlsTuiError, sentence


def tell(error: Exception) -> NoReturn:
    """End the command. Never a traceback on the terminal."""
    if isinstance(error, MlsTuiError):
        fail(sentence(error), error.exit_code)
    if isinstance(error, OSError):
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.", 4)
    if logging.getLogger().handlers:
        logging.getLogger("mls_tui").error("unforeseen error", exc_info=error)
    fail(f"{sentence(error)}. This is a fault in mls-tui; the log has more (`mls-tui info` says where it is).", 1)
