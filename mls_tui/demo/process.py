"""The demo MLS in a process of its own: drawing its photos must not slow the import that it is there to show."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Served:
    """What the demo has done: faults by kind; by ListingKey the hex SHA-256 of each photo, None for one not drawn."""

    faults: dict[str, int]
    digests: dict[str, list[str | None]]


class DemoProcess:
    """A handle on the process: ``base_url`` and ``token`` once started, ``served()``, ``stop()``."""

    def __init__(self, *, listings: int, faults: int | None, api_rate: float) -> None:
        self._command = [sys.executable, "-m", "mls_tui.demo", f"--listings={listings}", f"--api-rate={api_rate}"]
        if faults is not None:
            self._command.append(f"--faults={faults}")
        self._process: subprocess.Popen[str] | None = None
        self.base_url = self.token = ""

    def start(self) -> Self:
        """Start it and wait until it listens. Raises OSError where it does not come up."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the import, which stops in good order
        )
        said = self._read()
        self.base_url, self.token = said["baseUrl"], said["token"]
        return self

    def served(self) -> Served:
        """Ask what it has served so far. Raises OSError where it has ended."""
        process = self._process
        if process is None or process.stdin is None:
            raise OSError("the demo MLS is not running")
        process.stdin.write("served\n")
        process.stdin.flush()
        said = self._read()
        return Served(said["faults"], said["digests"])

    def stop(self) -> None:
        """End it, at once: it keeps nothing, and who quits must not wait for it to tidy up. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process is not None and self._process.stdout else ""
        if not line:
            raise OSError("the demo MLS did not start, or has ended")
        said: dict[str, Any] = json.loads(line)
        return said
