"""The OS keyring and KMS as sources of keys: with a time-out, no new key without a word, bound to the user."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import SecretError
from mls_tui.vault.kms import KmsKeys, KmsService
from mls_tui.vault.os_keyring import OsKeyring, find_keyring
from mls_tui.vault.secrets import Vault, open_vault

CANARY = "canary-71aa03-token"
PLACE = {"user": "ann", "connection": "c1", "field": "access_token"}


class MemoryKeyring:
    """A keyring backend in memory; ``locked`` makes it hang until released, as a desktop's dialog does."""

    priority = 5.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.release = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            self.release.wait()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


def _settings(home: Path, **variables: str) -> Settings:
    return load_settings({"MLS_TUI_HOME": str(home), **variables})


@pytest.mark.promise("secrets at rest")
def test_the_keyring_is_preferred_to_a_file_and_no_key_touches_the_disk(home: Path) -> None:
    backend = MemoryKeyring()
    sealed = open_vault(_settings(home), backend=backend).encrypt(CANARY, **PLACE)
    assert open_vault(_settings(home), backend=backend).decrypt(sealed, **PLACE) == CANARY
    assert not _settings(home).key_path.exists()
    (ring,) = backend.entries.values()
    on_disk = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert ring.encode() not in on_disk


def test_a_keyring_installed_later_does_not_orphan_the_key_file(home: Path) -> None:
    sealed = open_vault(_settings(home)).encrypt(CANARY, **PLACE)
    backend = MemoryKeyring()
    assert open_vault(_settings(home), backend=backend).decrypt(sealed, **PLACE) == CANARY
    assert backend.entries == {}


def test_a_keyring_that_is_gone_is_never_replaced_by_a_new_key(home: Path) -> None:
    backend = MemoryKeyring()
    open_vault(_settings(home), backend=backend).encrypt(CANARY, **PLACE)
    with pytest.raises(SecretError, match="unlock"):
        open_vault(_settings(home))
    with pytest.raises(SecretError, match="gone"):
        open_vault(_settings(home), backend=MemoryKeyring()).encrypt(CANARY, **PLACE)


def test_a_keyring_that_never_answers_is_given_up(tmp_path: Path) -> None:
    backend = MemoryKeyring()
    backend.locked = True
    try:
        with pytest.raises(SecretError, match="did not answer"):
            OsKeyring(backend, "x", tmp_path / "marker", timeout=0.01).current()
    finally:
        backend.release.set()


def test_a_folder_that_takes_no_mark_of_the_keyring_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(SecretError, match="cannot be written"):
        OsKeyring(MemoryKeyring(), "x", tmp_path / "state" / "in-keyring").current()


def test_rotation_in_the_keyring_keeps_the_old_key_for_reading(home: Path) -> None:
    backend = MemoryKeyring()
    vault = open_vault(_settings(home), backend=backend)
    sealed = vault.encrypt(CANARY, **PLACE)
    assert vault.rotate() != sealed.split(".")[1]
    assert open_vault(_settings(home), backend=backend).decrypt(sealed, **PLACE) == CANARY


def test_what_a_backend_says_when_it_fails_is_not_repeated(tmp_path: Path) -> None:
    class Talkative(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            raise RuntimeError(CANARY)

    keys = OsKeyring(Talkative(), "x", tmp_path / "marker")
    with pytest.raises(SecretError) as caught:
        keys.current()
    assert CANARY not in str(caught.value)
    assert keys.check().state == "failure"


def test_a_backend_without_a_real_keyring_counts_as_none() -> None:
    assert find_keyring() is None


# KMS --------------------------------------------------------------------------------------------------------


class CountingKms:
    """Counts the calls that reach KMS, so that none is made twice for one key."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._client, name)


@pytest.fixture
def kms() -> Iterator[tuple[CountingKms, str]]:
    with mock_aws():
        client: Any = boto3.client("kms", region_name="us-east-1")
        yield CountingKms(client), client.create_key()["KeyMetadata"]["KeyId"]


def _kms_vault(kms: tuple[CountingKms, str], user: str = "ann") -> Vault:
    return Vault(KmsKeys(KmsService(*kms), user))


def test_kms_secrets_are_read_by_another_machine_with_no_shared_file(kms: tuple[CountingKms, str]) -> None:
    sealed = _kms_vault(kms).encrypt(CANARY, **PLACE)
    assert _kms_vault(kms).decrypt(sealed, **PLACE) == CANARY


def test_kms_is_asked_once_for_many_secrets(kms: tuple[CountingKms, str]) -> None:
    vault = _kms_vault(kms)
    sealed = [vault.encrypt(CANARY, **PLACE) for _ in range(5)]
    reader = _kms_vault(kms)
    assert [reader.decrypt(text, **PLACE) for text in sealed] == [CANARY] * 5
    assert kms[0].calls == ["generate_data_key", "decrypt"]


@pytest.mark.promise("secrets at rest")
def test_the_encryption_context_keeps_other_users_out(kms: tuple[CountingKms, str]) -> None:
    sealed = _kms_vault(kms, "ann").encrypt(CANARY, **PLACE)
    with pytest.raises(SecretError, match="refused decrypt"):
        _kms_vault(kms, "bob").decrypt(sealed, **PLACE)


def test_a_kms_key_that_is_not_there_is_a_sentence(kms: tuple[CountingKms, str]) -> None:
    vault = Vault(KmsKeys(KmsService(kms[0], "00000000-0000-0000-0000-000000000000"), "ann"))
    with pytest.raises(SecretError, match="NotFoundException"):
        vault.encrypt(CANARY, **PLACE)
    assert vault.check().state == "failure"


def test_kms_rotation_uses_a_new_data_key(kms: tuple[CountingKms, str]) -> None:
    vault = _kms_vault(kms)
    old = vault.encrypt(CANARY, **PLACE)
    vault.rotate()
    fresh = vault.reencrypt({"access_token": old}, user="ann", connection="c1")["access_token"]
    assert fresh.split(".")[1] != old.split(".")[1]
    assert vault.decrypt(fresh, **PLACE) == CANARY


@pytest.mark.promise("secrets at rest")
def test_kms_is_used_on_aws_where_configured_and_older_places_are_still_read(
    home: Path, kms: tuple[CountingKms, str]
) -> None:
    old = open_vault(_settings(home)).encrypt(CANARY, **PLACE)
    on_aws = _settings(home, MLS_TUI_STORAGE="aws", MLS_TUI_BUCKET="photos", MLS_TUI_KMS_KEY_ID=kms[1])
    vault = open_vault(on_aws, user="ann", kms_client=kms[0])
    assert vault.encrypt(CANARY, **PLACE).startswith("v1.kms-")
    assert vault.decrypt(old, **PLACE) == CANARY
