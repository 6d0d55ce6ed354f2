"""File operations that survive a crash, and the clearing away of what one left. Never removes a stored object."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from mls_tui.domain.errors import StorageError
from mls_tui.storage.leases import process_exists

_LEFTOVER_SECONDS = 3600
_ADVICE = {
    errno.ENOSPC: "the disk is full. Free some space and try again; what was stored is intact.",
    errno.EDQUOT: "your disk quota is used up. Free some space and try again; what was stored is intact.",
    errno.EROFS: "it is on a read-only disk. Set MLS_TUI_HOME to another folder.",
    errno.EACCES: "you may not write there. Change its permissions, or set MLS_TUI_HOME to another folder.",
    errno.EPERM: "you may not write there. Change its permissions, or set MLS_TUI_HOME to another folder.",
    errno.EMFILE: "too many files are open. Close other programs, or raise `ulimit -n`.",
    errno.EIO: "the disk reports an error. Check the disk; what was stored before is intact.",
}


def translate(error: OSError, root: Path) -> StorageError:
    """What the system refused, as a sentence."""
    advice = _ADVICE.get(error.errno or 0, f"{error.strerror or type(error).__name__}. Check the folder.")
    return StorageError(f"The photo folder {root} cannot be used: {advice}", retryable=error.errno == errno.EMFILE)


def make_folders(root: Path, folder: Path) -> None:
    """Make ``folder``, which is ``root`` or below it, 0700, each new one synced into its parent."""
    if folder.is_dir():
        return
    if folder != root:
        make_folders(root, folder.parent)
    folder.mkdir(mode=0o700, parents=folder == root, exist_ok=True)
    sync_folder(folder.parent)


def write_synced(path: Path, body: bytes) -> None:
    """A new file, 0600, its bytes on disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put a folder's names on disk. Nothing to do where it has just gone, or where the system has no such call."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Remove ``folder`` and its parents as far as they are empty; ``root`` stays."""
    while folder != root:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent


def sweep_leftovers(temporary: Path, trash: Path, now: float) -> None:
    """Remove temporary files of processes that ended, and what lies in the trash for more than an hour."""
    if temporary.is_dir():
        for entry in temporary.iterdir():
            if not _in_use(entry, now):
                entry.unlink(missing_ok=True)
    if trash.is_dir():
        for entry in trash.iterdir():
            thrown = entry.name.partition("-")[0]
            if thrown.isdigit() and now - int(thrown) / 1000 > _LEFTOVER_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


def _in_use(entry: Path, now: float) -> bool:
    pid = entry.name.partition("-")[0]
    try:
        young = now - entry.stat().st_mtime < _LEFTOVER_SECONDS
    except FileNotFoundError:
        return True
    # A pid is used again after a restart, so age decides as well.
    return young and pid.isdigit() and process_exists(int(pid))
