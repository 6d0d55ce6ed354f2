"""The embedded photo store as a folder: crashes, flipped bits, full disks, hostile keys, trash."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.errors import StorageError
from mls_tui.storage.folder import FolderPhotoStore, key_of, relative_path
from tests.contract.samples import JPEG, all_keys, put_photo, sha256

KEY = "listings/u/l/original/photo0.jpg"


def files_below(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.promise(6)
async def test_flipped_bit_on_disk_is_found(tmp_path: Path) -> None:
    store = FolderPhotoStore(tmp_path)
    await put_photo(store, KEY)
    (path,) = files_below(tmp_path)
    body = bytearray(path.read_bytes())
    body[3] ^= 1
    path.write_bytes(body)

    assert not await store.verify(KEY, sha256=sha256(JPEG), size=len(JPEG))
    await put_photo(store, KEY)
    assert await store.verify(KEY, sha256=sha256(JPEG), size=len(JPEG))


@pytest.mark.promise(6)
async def test_bytes_that_do_not_match_their_hash_are_not_stored(tmp_path: Path) -> None:
    store = FolderPhotoStore(tmp_path)
    with pytest.raises(StorageError, match="changed on its way"):
        await store.put(KEY, JPEG, content_type="image/jpeg", sha256=sha256(b"other"), metadata={})
    assert files_below(tmp_path) == []


@pytest.mark.promise(14)
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "the disk reports an error"),
    ],
)
async def test_failed_save_is_a_sentence_and_leaves_the_old_photo_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    store = FolderPhotoStore(tmp_path)
    await put_photo(store, KEY)
    before = files_below(tmp_path)

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match=sentence):
            await put_photo(store, KEY, b"new")

    assert files_below(tmp_path) == before
    assert await store.get(KEY) == JPEG


_WRITE_AND_HANG = """
import asyncio, os, sys, threading
from pathlib import Path
from mls_tui.storage.folder import FolderPhotoStore
from tests.contract.samples import put_photo

def hang(_):
    print("half way", flush=True)
    threading.Event().wait()

async def main(root, key):
    store = FolderPhotoStore(Path(root))
    await store.get(key)
    os.fsync = hang
    await put_photo(store, key, b"new bytes")

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.promise(1)
@pytest.mark.parametrize("before", [JPEG, None], ids=["replaced", "new"])
async def test_a_photo_whose_writer_is_killed_half_way_is_as_it_was_before(
    tmp_path: Path, before: bytes | None
) -> None:
    neighbour = KEY.replace("photo0", "photo1")
    await put_photo(FolderPhotoStore(tmp_path), neighbour)
    if before is not None:
        await put_photo(FolderPhotoStore(tmp_path), KEY, before)
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WRITE_AND_HANG, str(tmp_path), KEY), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    assert await writer.stdout.readline() == b"half way\n"
    writer.kill()
    await writer.wait()

    store = FolderPhotoStore(tmp_path)
    assert await store.get(KEY) == before
    assert await all_keys(store, "listings/") == ([KEY] if before else []) + [neighbour]
    assert names_in(tmp_path / ".tmp") == [], "what was half written is swept"


async def test_leftovers_of_a_killed_process_are_swept_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    (tmp_path / ".tmp").mkdir()
    dead, living, old = (tmp_path / ".tmp" / name for name in ("999999999-a", f"{os.getpid()}-b", f"{os.getpid()}-c"))
    for path in (dead, living, old):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))

    assert await FolderPhotoStore(tmp_path).get(KEY) is None
    assert files_below(tmp_path) == [living]


async def test_trash_is_emptied_after_an_hour(tmp_path: Path) -> None:
    now = 1_780_000_000.0
    store = FolderPhotoStore(tmp_path, now=lambda: now)
    await put_photo(store, KEY)
    await store.delete([KEY], undoable=True)

    early = FolderPhotoStore(tmp_path, now=lambda: now + 3500)
    assert await early.undelete([KEY]) == {}
    await early.delete([KEY], undoable=True)
    late = FolderPhotoStore(tmp_path, now=lambda: now + 3500 + 3700)
    assert await late.undelete([KEY]) == {KEY: "It is no longer in the trash."}
    assert files_below(tmp_path) == []


async def test_deleted_listing_leaves_no_folder(tmp_path: Path) -> None:
    store = FolderPhotoStore(tmp_path)
    await put_photo(store, KEY)
    await store.delete([KEY])
    assert names_in(tmp_path) == [".tmp"]


async def test_photos_are_private(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    store = FolderPhotoStore(root)
    await put_photo(store, KEY)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files_below(root)} == {0o600}


@pytest.mark.promise("hostile text")
@pytest.mark.parametrize("key", ["", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./a", "x" * 1025])
async def test_key_that_is_no_path_is_refused(tmp_path: Path, key: str) -> None:
    store = FolderPhotoStore(tmp_path / "photos")
    with pytest.raises(StorageError, match="key"):
        await put_photo(store, key)
    assert set(await store.delete([key])) == {key}
    assert files_below(tmp_path) == []


_COMPONENT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(
    lambda text: text not in (".", "..") and "/" not in text
)


@pytest.mark.promise("hostile text")
def test_a_key_is_its_own_path() -> None:
    key = "listings/us-east-1/reso.lakeside-A%231-1700000000000/original/photo0.jpg"
    assert relative_path(key) == Path(key)


@given(st.lists(_COMPONENT | st.text("%.+~a", min_size=1, max_size=300), min_size=1, max_size=4))
def test_every_key_has_its_own_path_below_the_root(components: list[str]) -> None:
    key = "/".join(components)
    if len(key.encode()) > 1024 or any(part in (".", "..") for part in components):
        return
    path = relative_path(key)
    assert key_of(path) == key
    assert not path.is_absolute()
    for part in path.parts:
        assert part.isascii()
        assert not part.startswith(".")
        assert len(part) <= 255
        assert not set(part) & set('/\\\0:*?"<>|')


async def test_prefix_that_leads_outside_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    store = FolderPhotoStore(tmp_path / "photos")
    await put_photo(store, KEY)
    with pytest.raises(StorageError):
        await all_keys(store, "../")
    assert await all_keys(store, ".") == []


async def test_root_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "photos").write_text("a file")
    store = FolderPhotoStore(tmp_path / "photos")
    with pytest.raises(StorageError, match="photo folder"):
        await put_photo(store, KEY)
