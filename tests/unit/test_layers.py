"""Promises about the house: imports go down, never up, and what is not needed yet is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({barred!r}))
for name in {packages!r}:
    package = importlib.import_module(name)
    if {deep!r}:
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
            importlib.import_module(found.name)
print(*(name for name, module in sys.modules.items() if module is not None))
"""


def _loaded(*packages: str, deep: bool, barred: tuple[str, ...] = ()) -> set[str]:
    """What is loaded after the import; importing one of ``barred`` fails, as if it were not installed."""
    ask = ASK.format(packages=packages, deep=deep, barred=barred)
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("layer", ["domain", "reso", "storage", "importer", "users"])
def test_no_layer_below_the_actions_knows_the_interface_or_the_command_line(layer: str) -> None:
    """httpx loads click where it can, so both are made impossible to import instead of looked for."""
    loaded = _loaded(f"mls_tui.{layer}", deep=True, barred=("textual", "click"))
    assert f"mls_tui.{layer}" in loaded
    upper = (
        "mls_tui.actions",
        "mls_tui.ui.app",
        "mls_tui.cli",
        "mls_tui.ui.screens",
        "mls_tui.ui.widgets",
        "mls_tui.actions.workspace",
    )
    assert not {module for module in loaded if module.startswith(upper)}


def test_the_domain_knows_no_other_layer() -> None:
    loaded = _loaded("mls_tui.domain", deep=True)
    layers = {".".join(module.split(".")[:2]) for module in loaded if module.startswith("mls_tui.")}
    assert layers == {"mls_tui.domain"}
    assert not loaded & {"boto3", "httpx", "httptools", "aiohttp", "PIL", "sqlite3"}


def test_the_network_knows_nothing_of_the_mls_behind_it() -> None:
    loaded = _loaded("mls_tui.reso.net", deep=True)
    ours = {module for module in loaded if module.startswith("mls_tui.") and module != "mls_tui.reso"}
    assert all(module.startswith(("mls_tui.reso.net", "mls_tui.domain")) for module in ours), ours
    assert "aiohttp" not in loaded


def test_configuration_and_users_load_nothing_heavy() -> None:
    cheap = _loaded("mls_tui.config", "mls_tui.ui.preferences", deep=False)
    assert not cheap & {"boto3", "httpx", "aiohttp", "pydantic", "textual", "PIL", "cryptography"}
    users = _loaded("mls_tui.users", "mls_tui.log", "mls_tui.export", "mls_tui.actions.doctor", deep=True)
    assert not users & {"boto3", "botocore", "httpx", "aiohttp", "textual", "PIL", "keyring", "pyarrow", "cryptography"}


def test_help_loads_neither_aws_nor_http_nor_the_interface() -> None:
    ask = "import sys\nfrom mls_tui.__main__ import main\nsys.argv = ['mls-tui', '--help']\n"
    tail = "try:\n    main()\nexcept SystemExit:\n    pass\nprint('MODULES', *{m.split('.')[0] for m in sys.modules})\n"
    done = subprocess.run([sys.executable, "-c", ask + tail], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.rpartition("MODULES")[2].split())
    assert "Usage" in done.stdout
    assert not loaded & {"boto3", "botocore", "httpx", "aiohttp", "textual", "pydantic", "PIL", "cryptography"}


def test_the_first_screen_loads_no_model_store_or_picture() -> None:
    loaded = _loaded("mls_tui.ui.app", "mls_tui.ui.screens.connections", deep=False)
    assert "textual" in loaded
    assert not loaded & {"pydantic", "sqlite3", "boto3", "httpx", "aiohttp", "PIL", "mls_tui.actions"}
