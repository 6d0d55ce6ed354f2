"""The program as a stranger meets it: a command in, an exit code and two streams out; in this process or in one of its
own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mls_tui.cli import main
from mls_tui.demo.server import DemoMLS

FAST = ("--set", "api_limits=500/1", "--set", "page_size=4")
LISTINGS = 6
PATIENCE_SECONDS = 60
"""How long a process may take before a test gives it up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Here:
    """Runs commands in this process, which is quick."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> Outcome:
        self._capture.readouterr()
        try:
            main(list(arguments))
            code = 0
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else 1
        said = self._capture.readouterr()
        outcome = Outcome(code, said.out, said.err)
        assert "Traceback" not in outcome.out + outcome.err, outcome
        return outcome

    def done(self, *arguments: str) -> Outcome:
        """As a call, for what must succeed."""
        outcome = self(*arguments)
        assert outcome.code == 0, outcome
        return outcome


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mls_tui", *arguments]


def process(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    """The program in a process of its own, its streams in pipes unless ``more`` says otherwise."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(*arguments), text=True, **(streams | more))


def ended(running: subprocess.Popen[str]) -> Outcome:
    """Its end; one that does not come is killed and fails the test."""
    try:
        out, err = running.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        raise
    return Outcome(running.returncode, out or "", err or "")


def add(cli: Here, mls: DemoMLS, name: str = "Lake", *more: str) -> str:
    """A connection by bearer token; its id."""
    os.environ["LAKE_TOKEN"] = mls.token
    try:
        given = ("--provider", "reso", "--base-url", mls.base_url, "--token-env", "LAKE_TOKEN", *FAST, *more)
        return cli.done("connections", "add", name, *given).out.strip()
    finally:
        del os.environ["LAKE_TOKEN"]


def files_below(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]
