"""The program imports and runs without the modules and functions that only POSIX has. This runs on POSIX, so
``os.name`` and the file system are not those of Windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, importlib, os, pkgutil, signal, sys
import boto3, logging.handlers, platformdirs, shutil, sqlite3, subprocess, tempfile
import textual.app, textual.drivers.linux_driver
import aiohttp, obstore, PIL.Image

for name in ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "syslog", "uvloop"):
    sys.modules[name] = None
for name in ("fchmod", "fchown", "getuid", "geteuid", "mkfifo", "fork", "killpg", "setsid"):
    delattr(os, name)
for name in ("O_NOFOLLOW", "O_DIRECTORY"):
    delattr(os, name)
for name in ("SIGHUP", "SIGQUIT", "SIGTSTP", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)

import mls_tui
names = [module.name for module in pkgutil.walk_packages(mls_tui.__path__, "mls_tui.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
assert len(names) > 80, names

from mls_tui.cli import main

def run(*arguments):
    try:
        main(list(arguments))
    except SystemExit as end:
        assert not end.code, (arguments, end.code)

given = ["--provider", "reso", "--base-url", "https://mls.example/odata", "--token-env", "TOKEN"]
run("connections", "add", "Lake", *given)
run("connections", "list", "--json")
run("listings", "--json")
run("history")
run("info", "--json")
run("demo", "--headless", "--listings", "3")
print("all ran")
"""


def test_every_module_imports_and_commands_run_without_what_only_posix_has(tmp_path: Path) -> None:
    environ = {"MLS_TUI_HOME": str(tmp_path), "HOME": str(tmp_path), "TOKEN": "a-token-for-the-mls", "PATH": ""}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.stdout.endswith("all ran\n"), ended.stderr[-3000:]
