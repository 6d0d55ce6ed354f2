"""Nobody else on the machine can read or change the program's own files, whatever the umask."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mls_tui.actions.doctor import local_checks
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import MlsTuiError, SecretError, StorageError
from mls_tui.log import setup_logging
from mls_tui.storage.files import private_folder, shared, write_whole
from mls_tui.users.session import Session, SessionFile
from mls_tui.vault.secrets import Vault, open_vault

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")

PLACE = {"user": "u", "connection": "c", "field": "f"}


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"MLS_TUI_HOME": str(tmp_path / "far" / "home"), "XDG_CONFIG_HOME": str(tmp_path)})


def vault(settings: Settings) -> Vault:
    return open_vault(settings, backend=None)


def session(settings: Settings) -> SessionFile:
    return SessionFile(settings.session_path, vault(settings), "client")


async def everything(settings: Settings) -> None:
    """Make every kind of file that the program makes."""
    log = setup_logging(settings)
    logging.getLogger("mls_tui").warning("something")
    log.close()
    session(settings).save(Session("u", "n", "i", "a", "r", 1e12))
    async with Workspace(settings) as workspace:
        await workspace.store.init()
        await workspace.photos.init()
        key = "listings/u/reso-1-1/original/photo0.jpg"
        sha256 = hashlib.sha256(b"x").hexdigest()
        await workspace.photos.put(key, b"x", content_type="image/jpeg", sha256=sha256, metadata={})


@pytest.mark.usefixtures("open_umask")
async def test_every_folder_is_0700_and_every_file_0600(settings: Settings, tmp_path: Path) -> None:
    await everything(settings)
    made = [tmp_path / "far", *(tmp_path / "far").rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {path: oct(mode) for path, mode in modes.items() if path.is_dir() and mode != 0o700} == {}
    assert {path: oct(mode) for path, mode in modes.items() if path.is_file() and mode & 0o077} == {}
    assert {settings.database_path, settings.key_path, settings.session_path, settings.log_path} <= set(made)


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o755)
    private_folder(tmp_path / "mine" / "a" / "b")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "mine" / "a").stat().st_mode) == 0o700


def writable_by_others(path: Path) -> str:
    path.chmod(0o666)
    return f"chmod go= {path}"


def owned_by_another(path: Path) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 12345, -1)
    return f"sudo chown 0 {path}"


Spoil = Callable[[Path], str]


async def use(kind: str, settings: Settings) -> None:
    if kind == "key":
        vault(settings).encrypt("x", **PLACE)
    elif kind == "session":
        session(settings).load()
    else:
        async with Workspace(settings) as workspace:
            await workspace.store.connections("u")


@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("spoil", [writable_by_others, owned_by_another])
@pytest.mark.parametrize("kind", ["key", "session", "database"])
async def test_a_file_that_others_own_or_can_write_is_refused_with_the_command_that_mends_it(
    settings: Settings, kind: str, spoil: Spoil
) -> None:
    await everything(settings)
    command = spoil(getattr(settings, f"{kind}_path"))
    with pytest.raises(MlsTuiError) as caught:
        await use(kind, settings)
    assert isinstance(caught.value, SecretError if kind == "key" else StorageError)
    assert command in str(caught.value)
    (check,) = [check for check in local_checks(settings) if check.name == "permissions"]
    assert (check.state, check.advice.rpartition(": ")[2]) == ("failure", command)


async def test_a_folder_of_keys_that_others_can_write_is_refused(settings: Settings) -> None:
    await everything(settings)
    settings.key_path.parent.chmod(0o777)
    with pytest.raises(SecretError, match=f"chmod go= {settings.key_path.parent}"):
        vault(settings).encrypt("x", **PLACE)


def test_a_log_that_is_a_symbolic_link_is_not_followed(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    private_folder(settings.log_path.parent)
    settings.log_path.symlink_to(target)
    log = setup_logging(settings)
    logging.getLogger("mls_tui").error("a line")
    log.close()
    assert target.read_text() == "precious"
    (check,) = [check for check in local_checks(settings) if check.name == "permissions"]
    assert (check.state, check.advice) == ("failure", f"rm {settings.log_path}")


def test_doctor_says_which_folders_others_can_look_into(settings: Settings) -> None:
    private_folder(settings.state_path)
    assert [check.state for check in local_checks(settings) if check.name == "permissions"] == ["ok"]
    settings.state_path.chmod(0o755)
    (check,) = [check for check in local_checks(settings) if check.name == "permissions"]
    assert (check.state, check.advice) == ("warning", f"chmod 700 {settings.state_path}")


def test_where_the_system_has_no_such_functions_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fchmod", "geteuid"):
        monkeypatch.delattr(os, name)
    write_whole(tmp_path / "a", b"x", mode=0o600)
    assert shared(tmp_path / "a") is None
