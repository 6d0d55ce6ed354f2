"""Every test in a house of its own: no file of the developer's, no AWS account, no proxy, no keyring."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mls-tui",
    derandomize="CI" in os.environ,
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("mls-tui")

_FOREIGN = ("MLS_TUI_", "AWS_", "XDG_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "TEXTUAL", "NO_COLOR", "FORCE_COLOR")
_FOREIGN_TOO = ("PYTHONUNBUFFERED",)
"""It hides what an interpreter's last flush does."""
_NEUTRAL = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "*",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}


@pytest.fixture(scope="session", autouse=True)
def _neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Session wide, so that servers and fixtures of any scope find it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(_FOREIGN + _FOREIGN_TOO):
                patch.delenv(name)
        for name, value in _NEUTRAL.items():
            patch.setenv(name, value)
        patch.setenv("MLS_TUI_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _neutral_environment: None) -> Path:
    """This test's MLS_TUI_HOME; the folder does not exist yet, as on a fresh machine."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MLS_TUI_HOME", str(folder))
    return folder
