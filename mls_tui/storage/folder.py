"""The embedded PhotoStore: one file an object, below one folder. An object is there whole or not at all: written to a
temporary file on the same file system, synced, renamed, and its folder synced."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from mls_tui.domain.errors import StorageError
from mls_tui.storage.base import Check, StoredObject
from mls_tui.storage.folder_files import (
    make_folders,
    remove_empty_folders,
    sweep_leftovers,
    sync_folder,
    translate,
    write_synced,
)
from mls_tui.storage.folder_paths import key_of, relative_path
from mls_tui.storage.sqlite.checks import permissions, room
from mls_tui.storage.threads import DaemonPool

T = TypeVar("T")

_THREADS = 8
_CLOSE_SECONDS = 10.0
_KEYS_A_BATCH = 1000
_READ_BYTES = 1 << 20
TRASH = ".trash"
TEMPORARY = ".tmp"


class FolderPhotoStore:
    """``root`` is made, 0700, by the first write. Content types and metadata are the row's business here."""

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
        await self._run(lambda: make_folders(self._root, self._root))
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
        def guarded() -> T:
            try:
                self._open()
                return job()
            except OSError as error:
                raise translate(error, self._root) from error

        return await self._pool.run(guarded)

    def _open(self) -> None:
        with self._lock:
            if not self._opened and self._root.is_dir():
                sweep_leftovers(self._root / TEMPORARY, self._root / TRASH, self._now())
            self._opened = True

    def _path(self, key: str) -> Path:
        return self._root / relative_path(key)

    def _put(self, path: Path, body: bytes, sha256: str) -> None:
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StorageError(f"The photo {path.name} changed on its way to the disk; it was not stored.")
        temporary = self._root / TEMPORARY / f"{os.getpid()}-{uuid4().hex}"
        make_folders(self._root, temporary.parent)
        try:
            write_synced(temporary, body)
            self._move(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)

    def _move(self, source: Path, target: Path) -> None:
        """Rename into place. The folder may vanish in between: another thread just emptied it."""
        for _ in range(10):
            try:
                make_folders(self._root, target.parent)
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
                failures[key] = str(translate(error, self._root) if isinstance(error, OSError) else error)
        for folder in emptied:
            remove_empty_folders(folder, self._root)
        return failures

    def _undelete(self, keys: Sequence[str]) -> dict[str, str]:
        failures: dict[str, str] = {}
        trash = self._root / TRASH
        bins = sorted((entry.name for entry in trash.iterdir()), reverse=True) if trash.is_dir() else []
        for key in keys:
            try:
                self._restore(key, [trash / name for name in bins])
            except (OSError, StorageError) as error:
                failures[key] = str(translate(error, self._root) if isinstance(error, OSError) else error)
        return failures

    def _restore(self, key: str, bins: Sequence[Path]) -> None:
        relative = relative_path(key)
        if (self._root / relative).exists():
            return
        for folder in bins:
            if (folder / relative).exists():
                self._move(folder / relative, self._root / relative)
                sync_folder((self._root / relative).parent)
                remove_empty_folders((folder / relative).parent, self._root / TRASH)
                return
        raise StorageError("It is no longer in the trash.")

    def _walk(self, prefix: str) -> Iterator[str]:
        """Keys in order below ``prefix``, which may end within a component."""
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
