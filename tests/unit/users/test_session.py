"""The stored session is encrypted with the current key, and a key in a file is warned of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mls_tui.config import load_settings
from mls_tui.domain.errors import StorageError
from mls_tui.users.cognito import reseal_session, session_file
from mls_tui.vault.secrets import open_vault
from tests.unit.users.test_cognito import CLIENT, POOL, _session


def test_the_first_session_that_puts_a_key_into_a_file_warns_of_it_once(home: Path) -> None:
    pool = {"MLS_TUI_USER_POOL_ID": POOL, "MLS_TUI_USER_POOL_CLIENT_ID": CLIENT}
    settings = load_settings({"MLS_TUI_HOME": str(home), **pool})
    warnings: list[str] = []
    for _ in range(2):
        session_file(settings, warnings.append).save(_session())
    assert len(warnings) == 1
    assert str(settings.key_path) in warnings[0]


def test_a_rotation_takes_the_session_along(home: Path) -> None:
    pool = {"MLS_TUI_USER_POOL_ID": POOL, "MLS_TUI_USER_POOL_CLIENT_ID": CLIENT}
    settings = load_settings({"MLS_TUI_HOME": str(home), **pool})
    assert reseal_session(settings) == 0
    session_file(settings).save(_session())
    key_id = open_vault(settings).rotate()
    assert reseal_session(settings) == 1
    assert settings.session_path.read_text().split(".")[1] == key_id
    assert session_file(settings).load() == _session()


def test_a_session_that_cannot_be_forgotten_is_a_sentence(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home)})
    settings.session_path.mkdir(parents=True)
    with pytest.raises(StorageError, match=rf"{re.escape(str(settings.session_path))} cannot be removed"):
        session_file(settings).clear()
