"""The embedded PhotoStore: one folder with a file for each object.

An object is stored whole or not at all: a temporary file is written and synced, renamed, and its folder synced. Keys
are paths (docs/contract.md, section S3) that cannot lead out of the folder.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from mls_tui.domain.errors import StorageError
from mls_tui.storage.base import Check, StoredObject
from mls_tui.storage.files import private_folder
from mls_tui.storage.leases import process_exists
from mls_tui.storage.sqlite.store import permissions, room
from mls_tui.storage.threads import DaemonPool

T = TypeVar("T")

_THREADS = 8
_CLOSE_SECONDS = 10.0
_KEYS_A_BATCH = 1000
_READ_BYTES = 1 << 20
TRASH = ".trash"
TEMPORARY = ".tmp"
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
_MAX_KEY_BYTES = 1024
_MAX_NAME = 200
"""Longest file name; most file systems allow 255 bytes."""
_CONTINUED = "+"
"""Ends a folder's name if the component continues below it."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._~%-]+|^\.")
_ESCAPES = re.compile(r"(?:=[0-9A-F]{2})+")


class FolderPhotoStore:
    """``root`` is created, with mode 0700, by the first write. Content types and metadata are kept by the row only."""

    def __init__(self, root: Path, *, now: Callable[[], float] = time.time) -> None:
        self._root = root
        self._now = now
        self._pool = DaemonPool(_THREADS, "mls-tui-folder")
        self._lock = threading.Lock()
        self._opened = False

    async def put(
        self, key: str, body: bytes, *, content_type: str, sha256: str, metadata: dict[str, str]
    ) -> StoredObject:
        path = self._path(key)
        await self._run(lambda: self._put(path, body, sha256))
        return StoredObject(key, self.url(key), len(body))

    async def get(self, key: str) -> bytes | None:
        path = self._path(key)
        return await self._run(lambda: _read(path))

    async def verify(self, key: str, *, sha256: str, size: int) -> bool:
        path = self._path(key)
        return await self._run(lambda: _matches(path, sha256, size))

    async def delete(self, keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
        return await self._run(lambda: self._delete(keys, undoable))

    async def undelete(self, keys: Sequence[str]) -> dict[str, str]:
        return await self._run(lambda: self._undelete(keys))

    async def keys(self, prefix: str) -> AsyncIterator[list[str]]:
        walk = self._walk(prefix)
        while batch := await self._run(lambda: list(itertools.islice(walk, _KEYS_A_BATCH))):
            yield batch

    def url(self, key: str) -> str:
        """``file:///…``."""
        return self._path(key).absolute().as_uri()

    async def init(self) -> list[Check]:
        existed = self._root.exists()
        await self._run(lambda: _make_folders(self._root, self._root))
        return [Check("photos", "ok", f"{'ready' if existed else 'created'}: {self._root}")]

    async def check(self) -> list[Check]:
        if not self._root.is_dir():
            return [Check("photos", "failure", f"{self._root} does not exist", "run `mls-tui storage init`")]
        writable = os.access(self._root, os.W_OK | os.X_OK)
        state = Check("photos", "ok", f"writable: {self._root}")
        if not writable:
            state = Check("photos", "failure", f"{self._root} is read-only", "make it writable")
        return [state, permissions(self._root, "photos"), room(self._root)]

    def describe(self) -> str:
        return f"folder {self._root}"

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)

    # in the pool's threads

    async def _run(self, job: Callable[[], T]) -> T:
        def with_storage_errors() -> T:
            try:
                self._open()
                return job()
            except OSError as error:
                raise _storage_error(error, self._root) from error

        return await self._pool.run(with_storage_errors)

    def _open(self) -> None:
        with self._lock:
            if not self._opened and self._root.is_dir():
                _remove_leftovers(self._root / TEMPORARY, self._root / TRASH, self._now())
            self._opened = True

    def _path(self, key: str) -> Path:
        return self._root / relative_path(key)

    def _put(self, path: Path, body: bytes, sha256: str) -> None:
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StorageError(f"The photo {path.name} changed on its way to the disk; it was not stored.")
        temporary = self._root / TEMPORARY / f"{os.getpid()}-{uuid4().hex}"
        _make_folders(self._root, temporary.parent)
        try:
            _write_synced(temporary, body)
            self._move(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def _move(self, source: Path, target: Path) -> None:
        """Rename ``source`` to ``target``. Repeated, as another thread may remove the empty folder in between."""
        for _ in range(10):
            try:
                _make_folders(self._root, target.parent)
                source.replace(target)
            except FileNotFoundError:
                if not source.exists():
                    raise
            else:
                return
        raise StorageError(f"The folder {target.parent} keeps disappearing; is another program deleting it?")

    def _delete(self, keys: Sequence[str], undoable: bool) -> dict[str, str]:
        failures: dict[str, str] = {}
        bin_name = f"{int(self._now() * 1000):013d}-{uuid4().hex}"
        emptied: set[Path] = set()
        for key in keys:
            try:
                path = self._path(key)
                if undoable and path.exists():
                    self._move(path, self._root / TRASH / bin_name / relative_path(key))
                else:
                    path.unlink(missing_ok=True)
                emptied.add(path.parent)
            except (OSError, StorageError) as error:
                failures[key] = str(_storage_error(error, self._root) if isinstance(error, OSError) else error)
        for folder in emptied:
            _remove_empty_folders(folder, self._root)
        return failures

    def _undelete(self, keys: Sequence[str]) -> dict[str, str]:
        failures: dict[str, str] = {}
        trash = self._root / TRASH
        bins = sorted((entry.name for entry in trash.iterdir()), reverse=True) if trash.is_dir() else []
        for key in keys:
            try:
                self._restore(key, [trash / name for name in bins])
            except (OSError, StorageError) as error:
                failures[key] = str(_storage_error(error, self._root) if isinstance(error, OSError) else error)
        return failures

    def _restore(self, key: str, bins: Sequence[Path]) -> None:
        relative = relative_path(key)
        if (self._root / relative).exists():
            return
        for folder in bins:
            if (folder / relative).exists():
                self._move(folder / relative, self._root / relative)
                _sync_folder((self._root / relative).parent)
                _remove_empty_folders((folder / relative).parent, self._root / TRASH)
                return
        raise StorageError("It is no longer in the trash.")

    def _walk(self, prefix: str) -> Iterator[str]:
        """The keys that begin with ``prefix``, in order."""
        whole, _, _ = prefix.rpartition("/")
        start = self._root / relative_path(whole) if whole else self._root
        for folder, folders, files in os.walk(start):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                key = key_of((Path(folder) / name).relative_to(self._root))
                if not name.startswith(".") and key.startswith(prefix):
                    yield key


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _matches(path: Path, sha256: str, size: int) -> bool:
    digest = hashlib.sha256()
    length = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
                length += len(chunk)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return length == size and digest.hexdigest() == sha256


def relative_path(key: str) -> Path:
    """The path of an object below the root. Raises StorageError for a key that cannot be a path.

    Listing ids are percent-encoded in a key, so nearly every key is its own path. A character that a file system may
    refuse, such as the colon of a Cognito identity, becomes ``=`` and its bytes in hexadecimal.
    """
    parts: list[str] = []
    if not key or len(key.encode("utf-8", "replace")) > _MAX_KEY_BYTES:
        raise StorageError(f"A photo's key must have 1 to {_MAX_KEY_BYTES} bytes.")
    for component in key.split("/"):
        if component in ("", ".", ".."):
            raise StorageError("A photo's key has an empty or a dot component; it cannot be stored.")
        encoded = _UNSAFE.sub(_escaped, component)
        while len(encoded) > _MAX_NAME:
            parts.append(encoded[:_MAX_NAME] + _CONTINUED)
            rest = encoded[_MAX_NAME:]
            encoded = f"=2E{rest[1:]}" if rest.startswith(".") else rest
        parts.append(encoded)
    return Path(*parts)


def key_of(relative: Path) -> str:
    """The reverse of ``relative_path``."""
    joined = "/".join(relative.parts).replace(f"{_CONTINUED}/", "")
    return _ESCAPES.sub(lambda match: bytes.fromhex(match[0].replace("=", "")).decode(errors="replace"), joined)


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in match[0].encode(errors="replace"))


def _storage_error(error: OSError, root: Path) -> StorageError:
    advice = _ADVICE.get(error.errno or 0, f"{error.strerror or type(error).__name__}. Check the folder.")
    return StorageError(f"The photo folder {root} cannot be used: {advice}", retryable=error.errno == errno.EMFILE)


def _make_folders(root: Path, folder: Path) -> None:
    """Create ``folder``, which is ``root`` or below it, with mode 0700, and sync each new folder."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folders(root, folder.parent)
    private_folder(folder)
    _sync_folder(folder.parent)


def _write_synced(path: Path, body: bytes) -> None:
    """Write a new file with mode 0600; its bytes are on disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, if it still exists and the system can."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_empty_folders(folder: Path, root: Path) -> None:
    """Remove ``folder`` and its parents below ``root`` if they are empty."""
    while folder != root:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent


def _remove_leftovers(temporary: Path, trash: Path, now: float) -> None:
    """Remove temporary files of processes that ended, and trash that is older than an hour."""
    if temporary.is_dir():
        for entry in temporary.iterdir():
            if not _in_use(entry, now):
                entry.unlink(missing_ok=True)
    if trash.is_dir():
        for entry in trash.iterdir():
            deleted = entry.name.partition("-")[0]
            if deleted.isdigit() and now - int(deleted) / 1000 > _LEFTOVER_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


def _in_use(entry: Path, now: float) -> bool:
    pid = entry.name.partition("-")[0]
    try:
        young = now - entry.stat().st_mtime < _LEFTOVER_SECONDS
    except FileNotFoundError:
        return True
    # Process ids are used again, so an old file is not in use.
    return young and pid.isdigit() and process_exists(int(pid))
