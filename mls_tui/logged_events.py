"""Which of the importer's events deserve a line in the log, and in which words. Writes nothing itself."""

from __future__ import annotations

import logging
from typing import Any

from mls_tui.domain.clock import iso_z
from mls_tui.domain.errors import ErrorCategory
from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    PhotoFailed,
    RunFinished,
    RunStarted,
    Throttled,
)
from mls_tui.domain.run import ImportResult

Line = tuple[int, str, dict[str, Any]]
"""Level, message, fields."""

_ATTEMPT = {"listing": ErrorCategory.IMPORT, "photo": ErrorCategory.PHOTO, "page": ErrorCategory.NETWORK}
_ENDS = {3: ErrorCategory.AUTHENTICATION, 4: ErrorCategory.NETWORK}


def line_of(event: Event) -> Line | None:
    """The event's line; None where it has none."""
    match event:
        case ListingFailed():
            what = "Record quarantined" if event.quarantined else "Listing failed"
            return logging.ERROR, what, _fields(ErrorCategory.IMPORT, event.mls_number, event.attempts, event.error)
        case PhotoFailed():
            fields = _fields(ErrorCategory.PHOTO, event.mls_number, event.attempts, event.cause)
            return logging.ERROR, "Photo failed", fields | {"photo_index": event.photo_index}
        case AttemptFailed() if event.wait is not None:
            message = f"Attempt {event.attempt} of {event.of} failed, again in {event.wait:.1f} s: {event.what}"
            fields = _fields(_ATTEMPT[event.what], event.mls_number, event.attempt, event.cause)
            return logging.WARNING, message, fields | {"photo_index": event.photo_index}
        case Throttled():
            message = f"Waiting until {iso_z(event.until)} as the MLS asked"
            return logging.WARNING, message, {"category": ErrorCategory.NETWORK.value, "cause": event.why}
        case RunStarted():
            kind = "Full import" if event.full else "Import"
            return logging.INFO, f"{kind} {'resumed' if event.resumed else 'started'}", {"connection": event.connection}
        case RunFinished():
            return _finished(event.result)
    return None


def _finished(result: ImportResult) -> Line:
    if result.error is None:
        return logging.INFO, f"{result.message} ({result.state.value})", {}
    category = _ENDS.get(result.exit_code, ErrorCategory.IMPORT)
    return logging.ERROR, "Import failed", {"category": category.value, "cause": result.error}


def _fields(category: ErrorCategory, mls_number: str | None, attempts: int, cause: str) -> dict[str, Any]:
    return {"category": category.value, "mls_number": mls_number, "attempts": attempts, "cause": cause}
