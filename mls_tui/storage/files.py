"""The program's own files: private folders, atomic writes, and whether other users can change a file."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def private_folder(path: Path) -> Path:
    """Create the folder, and those above it that are missing, with mode 0700 whatever the umask. One that exists keeps
    its mode."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


def shared(path: Path) -> str | None:
    """A sentence if other users of this machine can change the file or folder, with the command that mends it.

    None if they cannot, if the path does not exist, or if the system has no such permissions.
    """
    if not hasattr(os, "geteuid"):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    name, me = shlex.quote(str(path)), os.geteuid()
    if found.st_uid not in (me, 0):
        return f"{path} belongs to another user (uid {found.st_uid}). Take it over: sudo chown {me} {name}"
    if stat.S_IMODE(found.st_mode) & 0o022:
        return f"Other users can write {path}. Forbid it: chmod go= {name}"
    return None


@contextlib.contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A binary stream that becomes ``path`` when the block ends; after an exception nothing is left.

    Temporary file in the same folder, fsync, rename, fsync of the folder (after restic). ``mode`` are the file's
    permission bits, whatever the umask.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            if hasattr(os, "fchmod"):  # not on Windows before Python 3.13
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Write a file at once or not at all, as ``whole_file``."""
    with whole_file(path, mode=mode) as stream:
        stream.write(body)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable, if the platform can: Windows cannot open a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
