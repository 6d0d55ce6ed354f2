"""What is not needed yet is not loaded. import-linter checks the layers (see pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import importlib, pkgutil, sys
for name in {packages!r}:
    package = importlib.import_module(name)
    if {deep!r}:
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
            importlib.import_module(found.name)
print(*(name for name, module in sys.modules.items() ))
"""


def _loaded(*packages: str, deep: bool) -> set[str]:
    """The names of the modules that are loaded after the import."""
    ask = ASK.format(packages=packages, deep=deep)
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_configuration_and_users_load_nothing_heavy() -> None:
    cheap = _loaded("mls_tui.config", deep=False)
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
    loaded = _loaded("mls_tui.cli.interface", "mls_tui.ui.app", "mls_tui.ui.screens.connections", deep=False)
    assert "textual" in loaded
    assert not loaded & {"pydantic", "sqlite3", "boto3", "httpx", "aiohttp", "PIL", "mls_tui.importer.engine"}
