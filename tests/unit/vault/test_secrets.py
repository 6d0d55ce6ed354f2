"""Promises about secrets at rest: bound to their place, unreadable without the key, readable after a rotation."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import SecretError, UsageError
from mls_tui.vault.keys import EnvironmentKeys, FileKeys, key_from_text
from mls_tui.vault.secrets import Vault, open_vault

CANARY = "canary-5f2e9d-token"
PLACE = {"user": "ann", "connection": "c1", "field": "access_token"}
KEY = "a" * 64


def _vault(key: str = KEY) -> Vault:
    return Vault(EnvironmentKeys(key))


def _settings(home: Path, **variables: str) -> Settings:
    return load_settings({"MLS_TUI_HOME": str(home), **variables})


@given(clear=st.text(), user=st.text(), connection=st.text(), field=st.text())
def test_every_secret_comes_back_as_it_was(clear: str, user: str, connection: str, field: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in clear):
        return
    sealed = _vault().encrypt(clear, user=user, connection=connection, field=field)
    assert _vault().decrypt(sealed, user=user, connection=connection, field=field) == clear


@pytest.mark.promise("secrets at rest")
@pytest.mark.parametrize("moved", [{"user": "bob"}, {"connection": "c2"}, {"field": "password"}])
def test_a_ciphertext_moved_to_another_row_fails(moved: dict[str, str]) -> None:
    sealed = _vault().encrypt(CANARY, **PLACE)
    with pytest.raises(SecretError) as caught:
        _vault().decrypt(sealed, **{**PLACE, **moved})
    assert CANARY not in str(caught.value)


def test_neighbouring_names_do_not_run_together() -> None:
    sealed = _vault().encrypt(CANARY, user="a", connection="bc", field="d")
    with pytest.raises(SecretError):
        _vault().decrypt(sealed, user="ab", connection="c", field="d")


def test_every_flipped_bit_is_found() -> None:
    version, key_id, body = _vault().encrypt(CANARY, **PLACE).split(".")
    raw = bytearray(base64.b64decode(body))
    for position in range(len(raw)):
        raw[position] ^= 1
        damaged = f"{version}.{key_id}.{base64.b64encode(raw).decode()}"
        with pytest.raises(SecretError):
            _vault().decrypt(damaged, **PLACE)
        raw[position] ^= 1


@pytest.mark.parametrize("nonsense", ["", "v1", "v1.x", "v1..AAAA", "v2.ab.AAAA", "v1.ab.@@@", CANARY])
def test_what_is_no_ciphertext_is_refused_without_repeating_it(nonsense: str) -> None:
    with pytest.raises(SecretError) as caught:
        _vault().decrypt(nonsense, **PLACE)
    assert CANARY not in str(caught.value)


def test_the_same_secret_never_has_the_same_ciphertext() -> None:
    vault = _vault()
    assert len({vault.encrypt(CANARY, **PLACE) for _ in range(20)}) == 20


def test_no_repr_shows_a_key_or_a_secret(home: Path) -> None:
    settings = _settings(home, MLS_TUI_KEY=CANARY)
    vault = open_vault(settings)
    vault.encrypt("other", **PLACE)
    shown = f"{settings!r} {vault!r} {vault.__dict__!r} {key_from_text(CANARY)!r} {vault.check()!r}"
    assert CANARY not in shown
    assert str(key_from_text(CANARY).material) not in shown


@pytest.mark.parametrize(
    "text",
    [
        bytes(range(200, 232)).hex(),
        base64.b64encode(bytes(range(200, 232))).decode(),
        base64.urlsafe_b64encode(bytes(range(200, 232))).decode(),
        base64.b64encode(bytes(range(200, 232))).decode().rstrip("="),
    ],
)
def test_a_key_may_be_written_in_hex_or_base64(text: str) -> None:
    assert key_from_text(text).material == bytes(range(200, 232))


def test_a_passphrase_makes_the_same_key_on_every_machine() -> None:
    assert key_from_text("correct horse battery") == key_from_text("correct horse battery")
    assert key_from_text("correct horse battery") != key_from_text("correct horse batterz")


@pytest.mark.promise("secrets at rest")
def test_another_key_cannot_read_and_says_which_key_is_missing() -> None:
    sealed = _vault().encrypt(CANARY, **PLACE)
    with pytest.raises(SecretError, match=sealed.split(".")[1]):
        _vault("b" * 64).decrypt(sealed, **PLACE)


def test_nothing_is_made_until_a_secret_is_stored(home: Path) -> None:
    vault = open_vault(_settings(home))
    vault.check()
    assert not home.exists()


@pytest.mark.promise("secrets at rest")
def test_the_key_file_is_for_its_owner_alone_and_warned_of_once(home: Path) -> None:
    warnings: list[str] = []
    settings = _settings(home)
    for _ in range(2):
        open_vault(settings, on_warning=warnings.append).encrypt(CANARY, **PLACE)
    assert stat.S_IMODE(settings.key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.key_path.parent.stat().st_mode) == 0o700
    assert len(warnings) == 1
    assert str(settings.key_path) in warnings[0]
    assert list(settings.key_path.parent.iterdir()) == [settings.key_path]


def test_a_key_file_that_others_can_read_is_a_failure(home: Path) -> None:
    keys = FileKeys(_settings(home).key_path)
    keys.current()
    assert keys.check().state == "warning"
    _settings(home).key_path.chmod(0o644)
    assert keys.check().state == "failure"


def test_two_processes_that_start_together_use_one_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _settings(home).key_path
    first, second = FileKeys(path), FileKeys(path)
    real_link = os.link

    def other_was_faster(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", real_link)
        second.current()
        real_link(source, target)

    monkeypatch.setattr(os, "link", other_was_faster)
    assert first.current() == second.current()


def test_a_damaged_key_file_is_a_sentence(home: Path) -> None:
    path = _settings(home).key_path
    FileKeys(path).current()
    path.write_text('{"version": 1, "current": "x", "keys": {}}')
    with pytest.raises(SecretError, match="keys"):
        FileKeys(path).current()


@pytest.mark.promise("secrets at rest")
def test_after_a_rotation_old_secrets_are_read_and_new_ones_have_the_new_key(home: Path) -> None:
    settings = _settings(home)
    old = open_vault(settings).encrypt(CANARY, **PLACE)
    vault = open_vault(settings)
    key_id = vault.rotate()
    assert open_vault(settings).decrypt(old, **PLACE) == CANARY
    assert open_vault(settings).encrypt(CANARY, **PLACE).split(".")[1] == key_id != old.split(".")[1]


def test_reencrypting_moves_secrets_to_the_current_key_and_leaves_those_that_have_it(home: Path) -> None:
    vault = open_vault(_settings(home))
    old = vault.encrypt(CANARY, **PLACE)
    vault.rotate()
    fresh = vault.reencrypt({"access_token": old}, user="ann", connection="c1")
    assert fresh["access_token"].split(".")[1] == vault.key_id()
    assert vault.decrypt(fresh["access_token"], **PLACE) == CANARY
    assert vault.reencrypt(fresh, user="ann", connection="c1") == fresh


def test_a_key_of_the_users_own_is_rotated_by_naming_the_previous_one(home: Path) -> None:
    old = open_vault(_settings(home, MLS_TUI_KEY=KEY)).encrypt(CANARY, **PLACE)
    with pytest.raises(UsageError, match="MLS_TUI_KEY_PREVIOUS"):
        open_vault(_settings(home, MLS_TUI_KEY="b" * 64)).rotate()
    vault = open_vault(_settings(home, MLS_TUI_KEY="b" * 64, MLS_TUI_KEY_PREVIOUS=KEY))
    vault.rotate()
    fresh = vault.reencrypt({"access_token": old}, user="ann", connection="c1")["access_token"]
    assert open_vault(_settings(home, MLS_TUI_KEY="b" * 64)).decrypt(fresh, **PLACE) == CANARY


def test_secrets_of_the_key_file_are_read_after_a_key_is_set(home: Path) -> None:
    old = open_vault(_settings(home)).encrypt(CANARY, **PLACE)
    assert open_vault(_settings(home, MLS_TUI_KEY=KEY)).decrypt(old, **PLACE) == CANARY


def test_every_clear_secret_is_told_to_the_log(home: Path) -> None:
    told: list[str] = []
    vault = open_vault(_settings(home), on_secret=told.append)
    vault.decrypt(vault.encrypt(CANARY, **PLACE), **PLACE)
    assert told == [CANARY, CANARY]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SecretError, match="cannot be written"):
        FileKeys(tmp_path / "keys" / "keys.json").current()


def test_a_key_path_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where a folder should be")
    with pytest.raises(SecretError, match="MLS_TUI_KEY"):
        FileKeys(tmp_path / "keys" / "keys.json").current()
