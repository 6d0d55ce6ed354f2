"""SQLite's errors as sentences that say what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from mls_tui.domain.errors import StorageError


class UnwritableError(StorageError):
    """The file can't be written, which does not mean that it can't be read."""


_LEAST_ROOM = 64 * 1024
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}
_ADVICE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space and try again; what was stored is intact."),
    sqlite3.SQLITE_READONLY: (
        "the file or its folder is read-only",
        "Make both writable, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that its folder exists and that you may write to it, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_PERM: ("access is denied", "Check who owns the file."),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        "Nothing was changed. Restore it from a backup, or move it away and import again.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "it is not a database of mls-tui",
        "Nothing was changed. Move the file away, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the disk; what was stored before is intact."),
}


def translate(error: BaseException, path: Path) -> BaseException:
    """A sqlite3 or OS error as a StorageError; any other error as it is."""
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, path)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why, advice = _ADVICE[sqlite3.SQLITE_FULL]
            return UnwritableError(f"The database {path} cannot be written: {why}. {advice}")
        return UnwritableError(
            f"The database {path} cannot be used: {error.strerror or type(error).__name__}. "
            "Check its folder, or set MLS_TUI_HOME to another one."
        )
    return error


def _from_sqlite(error: sqlite3.Error, path: Path) -> StorageError:
    # The low byte is the primary code; extended codes say more than a user needs.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return locked(path)
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL  # the shared memory beside the file could not grow
    if code in _ADVICE:
        why, advice = _ADVICE[code]
        kind = UnwritableError if code in _UNWRITABLE else StorageError
        return kind(f"The database {path} cannot be used: {why}. {advice}")
    return StorageError(f"The database {path} failed: {error}. Run `mls-tui storage check`.")


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def locked(path: Path) -> StorageError:
    """Another program kept the write lock for longer than we wait."""
    return StorageError(
        f"The database {path} is locked by another program. Close it, or wait, and try again.", retryable=True
    )


def newer(path: Path, found: int, known: int) -> StorageError:
    return StorageError(
        f"The database {path} was written by a newer mls-tui (its schema is {found}; this version knows {known}). "
        "Nothing was changed. Upgrade mls-tui."
    )


def foreign(path: Path) -> StorageError:
    why, advice = _ADVICE[sqlite3.SQLITE_NOTADB]
    return StorageError(f"The database {path} cannot be used: {why}. {advice}")
