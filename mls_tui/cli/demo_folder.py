"""A demo's folder, beside the user's data: emptied for each demo, and never under one that is still open."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

from mls_tui.domain.errors import StorageError
from mls_tui.files import private_folder

_MOST = 100


class DemoFolder:
    """``demo`` below the user's data, else ``demo-2`` and so on: the first that no other process holds. It is held by
    a lock on a file beside it, which ends with this process however that ends."""

    def __init__(self, data: Path) -> None:
        """Raises StorageError where no folder can be had."""
        for number in range(1, _MOST + 1):
            path = data / ("demo" if number == 1 else f"demo-{number}")
            held = _held(path.with_suffix(".lock"))
            if held is not None:
                self.path, self._held = path, held
                return
        raise StorageError(f"{_MOST} demos are open already, each with its folder in {data}. Close one of them.")

    def empty(self) -> None:
        """Remove what an earlier demo left there. Raises StorageError where that cannot be done."""
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def release(self) -> None:
        """Leave it to the next demo, with what is in it until then."""
        self._held.close()


def _held(path: Path) -> IO[bytes] | None:
    """The file, locked for as long as it is open; None where another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        fcntl = None  # type: ignore[assignment]
    try:
        private_folder(path.parent)
        stream = path.open("ab")
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    except OSError:
        pass  # a disk without locks, such as some network drives
    return stream


def _unusable(path: Path, error: OSError) -> StorageError:
    why = error.strerror or type(error).__name__
    return StorageError(
        f"The demo cannot use {path}: {why}. Make it writable, or set MLS_TUI_HOME to a folder that is."
    )
