"""Files of our own, written whole or not at all. Never follows feed text into a path; callers give fixed names."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def private_folder(path: Path) -> Path:
    """Create the folder, and those above it, for its owner only; one that exists keeps its mode."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A binary stream that becomes ``path`` when the block ends well, and leaves nothing when it does not.

    Temporary file in the same folder, fsync, rename, fsync of the folder (after restic). ``mode`` are the file's
    permission bits; the umask is not asked, so that a private file is private and an export is not by accident.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """``whole_file`` for what is in memory already."""
    with whole_file(path, mode=mode) as stream:
        stream.write(body)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable, where the platform can (Windows cannot open a folder)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
