"""The log: JSON lines in the state folder, readable ones on stderr with -v, CloudWatch Logs where configured.

One line per error: feed text cannot break a line, secrets are masked, and a log that cannot be written or sent does not
stop or slow an import.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mls_tui.domain.errors import ErrorCategory, MlsTuiError, sentence
from mls_tui.domain.masking import Masker
from mls_tui.domain.wording import plural
from mls_tui.storage.files import PRIVATE_FILE, private_folder

if TYPE_CHECKING:
    from mls_tui.config import Settings
    from mls_tui.domain.events import Event
    from mls_tui.domain.run import ImportResult

LOGGER = "mls_tui"
MAX_BYTES = 5_000_000
BACKUPS = 5
FIELD_LIMIT = 4_000
"""Characters of one field; a feed may put a page of HTML into an error."""

_FIELDS = ("category", "run", "connection", "mls_number", "attempts", "cause", "photo_index")


class JsonFormatter(logging.Formatter):
    """One record, one line of ASCII JSON."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._mask = masker

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record))

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as a map, masked and cut; absent values are absent keys."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line.setdefault("cause", sentence(error))
            line.setdefault("category", category_of(error))
            if not isinstance(error, MlsTuiError) and record.exc_info:
                line["trace"] = self.formatException(record.exc_info)[-FIELD_LIMIT:]
        return {name: self._short(self._mask.value(value)) for name, value in line.items()}

    @staticmethod
    def _short(value: Any) -> Any:
        return value[:FIELD_LIMIT] if isinstance(value, str) else value


class TextFormatter(logging.Formatter):
    """One record, one readable line without control characters."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._json = JsonFormatter(masker)

    def format(self, record: logging.LogRecord) -> str:
        line = self._json.fields(record)
        parts = [line["at"][11:19], line["level"], line["message"]]
        if "mls_number" in line:
            parts.append(f"[{line['mls_number']}]")
        if "cause" in line and line["cause"] not in line["message"]:
            parts.append(f"({line['cause']})")
        return printable(" ".join(str(part) for part in parts))


def printable(text: str) -> str:
    """The text in one line: anything that a terminal might act on is written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def category_of(error: BaseException) -> str:
    """How the log files an exception."""
    return error.category.value if isinstance(error, MlsTuiError) else ErrorCategory.IMPORT.value


class PrivateFileHandler(logging.handlers.RotatingFileHandler):
    """Rotated by size, readable by the owner alone, opened with the first record; its own failures stay silent."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="ascii", delay=True)

    def _open(self) -> Any:
        private_folder(Path(self.baseFilename).parent)
        return open(self.baseFilename, "a", encoding="ascii", opener=_open_private)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must not print a traceback over the interface."""


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE_FILE)  # a link could lead to any file


@dataclass(frozen=True, slots=True)
class Log:
    """The running log. Give ``masker.add`` to the vault; ``close`` flushes and detaches, and tells the file what did
    not reach CloudWatch."""

    masker: Masker
    path: Path
    handlers: tuple[tuple[logging.Logger, logging.Handler], ...]

    def close(self) -> None:
        for logger, handler in reversed(self.handlers):
            logger.removeHandler(handler)
            handler.close()
            if lost := getattr(handler, "dropped", 0):
                why = getattr(handler, "last_error", "") or "it did not answer in time"
                logger.warning("%s", f"{plural(lost, 'line')} of the log did not reach CloudWatch Logs: {why}.")


def setup_logging(settings: Settings, verbose: int = 0, *, stream: IO[str] | None = None, client: Any = None) -> Log:
    """Start the log. ``verbose`` 0: nothing on stderr; 1: from information on; 2: everything.

    Other libraries' warnings go to the file too, so that none of them prints over the interface. ``client`` stands in
    for the boto3 ``logs`` client. Nothing is written, and no folder made, before there is something to say.
    """
    masker = Masker()
    if settings.key:
        masker.add(settings.key)
    root, own = logging.getLogger(), logging.getLogger(LOGGER)
    own.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    handlers: list[tuple[logging.Logger, logging.Handler]] = []

    def attach(logger: logging.Logger, handler: logging.Handler, formatter: logging.Formatter) -> None:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        handlers.append((logger, handler))

    attach(root, PrivateFileHandler(settings.log_path), JsonFormatter(masker))
    if verbose:
        attach(own, logging.StreamHandler(stream or sys.stderr), TextFormatter(masker))
    if settings.log_group:
        from mls_tui.storage.cloudwatch import CloudWatchHandler

        attach(own, CloudWatchHandler(settings.log_group, settings.user, client), JsonFormatter(masker))
    return Log(masker, settings.log_path, tuple(handlers))


def log_error(error: BaseException, message: str, **fields: Any) -> None:
    """One line for one error; ``fields`` are among category, run, connection, mls_number, attempts, cause."""
    info = (type(error), error, error.__traceback__)
    logging.getLogger(LOGGER).error("%s", message, exc_info=info, extra=fields)


def log_event(event: Event) -> None:
    """Log an import event: failures as errors, waits and retries as warnings, start and end as information.

    Events of things that went well are not logged one by one; the run's record has their counts. The last failed
    attempt has no line of its own, since the failure that follows it has one.
    """
    line = _line_of(event)
    if line is not None:
        level, message, fields = line
        logging.getLogger(LOGGER).log(level, "%s", message, extra={"run": event.run, **fields})


_CATEGORY_OF_ATTEMPT = {"listing": ErrorCategory.IMPORT, "photo": ErrorCategory.PHOTO, "page": ErrorCategory.NETWORK}
_CATEGORY_OF_EXIT = {3: ErrorCategory.AUTHENTICATION, 4: ErrorCategory.NETWORK}


def _line_of(event: Event) -> tuple[int, str, dict[str, Any]] | None:
    """Level, message and fields of an event's line; None if it has none."""
    # Imported here, as these bring pydantic with them, which would hold up a start.
    from mls_tui.domain.clock import iso_z
    from mls_tui.domain.events import AttemptFailed, ListingFailed, PhotoFailed, RunFinished, RunStarted, Throttled

    match event:
        case ListingFailed():
            what = "Record quarantined" if event.quarantined else "Listing failed"
            return logging.ERROR, what, _fields(ErrorCategory.IMPORT, event.mls_number, event.attempts, event.error)
        case PhotoFailed():
            fields = _fields(ErrorCategory.PHOTO, event.mls_number, event.attempts, event.cause)
            return logging.ERROR, "Photo failed", fields | {"photo_index": event.photo_index}
        case AttemptFailed() if event.wait is not None:
            message = f"Attempt {event.attempt} of {event.of} failed, again in {event.wait:.1f} s: {event.what}"
            fields = _fields(_CATEGORY_OF_ATTEMPT[event.what], event.mls_number, event.attempt, event.cause)
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


def _finished(result: ImportResult) -> tuple[int, str, dict[str, Any]]:
    if result.error is None:
        return logging.INFO, f"{result.message} ({result.state.value})", {}
    category = _CATEGORY_OF_EXIT.get(result.exit_code, ErrorCategory.IMPORT)
    return logging.ERROR, "Import failed", {"category": category.value, "cause": result.error}


def _fields(category: ErrorCategory, mls_number: str | None, attempts: int, cause: str) -> dict[str, Any]:
    return {"category": category.value, "mls_number": mls_number, "attempts": attempts, "cause": cause}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log, for the interface. ``at`` is ISO 8601 in UTC."""

    at: str
    level: str
    message: str
    category: str = ""
    mls_number: str = ""
    attempts: int | None = None
    cause: str = ""
    run: str = ""
    connection: str = ""


def recent(path: Path, limit: int = 500) -> list[LogLine]:
    """The last lines of the log, oldest first; those that cannot be read are left out. May block."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - limit * 1_000))
            rows = stream.read().splitlines()[-limit:]
    except OSError:
        return []
    return [line for row in rows if (line := _parsed(row)) is not None]


def _parsed(row: bytes) -> LogLine | None:
    try:
        data = json.loads(row)
        attempts = data.get("attempts")
        texts = {name: str(data.get(name, "")) for name in ("category", "mls_number", "cause", "run", "connection")}
        return LogLine(
            str(data["at"]),
            str(data["level"]),
            str(data["message"]),
            attempts=attempts if isinstance(attempts, int) else None,
            **texts,
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
