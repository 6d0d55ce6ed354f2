"""The log: JSON lines in the state folder, text on stderr with -v, and CloudWatch Logs if configured.

Every record is one line, and secrets are masked. If the log cannot be written or sent, imports go on.
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
"""Characters of one field. An MLS may send a page of HTML as an error."""

_FIELDS = ("category", "run", "connection", "mls_number", "attempts", "cause", "photo_index")


class JsonFormatter(logging.Formatter):
    """A record as a line of ASCII JSON."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._mask = masker

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record))

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as a map, with secrets masked and long values cut."""
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
    """A record as a line of text without control characters."""

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
    """The text with line ends and control characters as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def category_of(error: BaseException) -> str:
    """The ``category`` of an exception in the log."""
    return error.category.value if isinstance(error, MlsTuiError) else ErrorCategory.IMPORT.value


class PrivateFileHandler(logging.handlers.RotatingFileHandler):
    """Rotated by size, with mode 0600, created with the first record. Its own failures are ignored."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="ascii", delay=True)

    def _open(self) -> Any:
        private_folder(Path(self.baseFilename).parent)
        return open(self.baseFilename, "a", encoding="ascii", opener=_open_private)

    def handleError(self, record: logging.LogRecord) -> None:
        """Print nothing: a traceback would be written over the interface."""


def _open_private(path: str, flags: int) -> int:
    return os.open(
        path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE_FILE
    )  # does not follow a symbolic link to another file


@dataclass(frozen=True, slots=True)
class Log:
    """The running log. ``masker.add`` takes secrets to mask. ``close`` logs how many lines did not reach CloudWatch."""

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
    """Start the log. ``verbose`` 0: nothing on stderr; 1: information and above; 2: everything.

    Warnings of libraries go to the file, too, so that they are not printed over the interface. ``client`` replaces the
    boto3 ``logs`` client. Files and folders are created with the first record.
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
    """Log an error. ``fields`` may be category, run, connection, mls_number, attempts and cause."""
    info = (type(error), error, error.__traceback__)
    logging.getLogger(LOGGER).error("%s", message, exc_info=info, extra=fields)


def log_event(event: Event) -> None:
    """Log an import event: failures as errors, waits and retries as warnings, start and end as information.

    What went well is not logged; the run's row has the counts. The last failed attempt is not logged either, as the
    failure that follows it is.
    """
    line = _line_of(event)
    if line is not None:
        level, message, fields = line
        logging.getLogger(LOGGER).log(level, "%s", message, extra={"run": event.run, **fields})


_CATEGORY_OF_ATTEMPT = {"listing": ErrorCategory.IMPORT, "photo": ErrorCategory.PHOTO, "page": ErrorCategory.NETWORK}
_CATEGORY_OF_EXIT = {3: ErrorCategory.AUTHENTICATION, 4: ErrorCategory.NETWORK}


def _line_of(event: Event) -> tuple[int, str, dict[str, Any]] | None:
    """Level, message and fields of an event's line; None if it has none."""
    # Imported here, as these import pydantic, which would delay the start of every command.
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
    """A line of the log. ``at`` is ISO 8601 in UTC."""

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
    """The last lines of the log that can be read, oldest first. Blocking."""
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
