"""The demo MLS in a thread (``RunningDemo``, for tests) or in a process of its own (``DemoProcess``, for ``mls-tui
demo``, so that drawing photos does not slow the import).

``python -m mls_tui.demo.process`` prints one line of JSON when it listens, answers every line that it reads with one
line of JSON about what it has served, and ends when its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mls_tui.demo.server import DemoMLS


class RunningDemo:
    """A handle on a demo MLS in its thread: ``mls`` to read from, ``stop()`` to end it. Also a context manager."""

    def __init__(self, mls: DemoMLS) -> None:
        self.mls = mls
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="demo-mls", daemon=True)

    def start(self) -> Self:
        """Start the thread and wait until the server listens. Raises OSError if the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """End the server and its thread. Safe to call twice."""
        if self._loop is not None and self._ended is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._ended.set)
            except RuntimeError:
                return
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with self.mls:
            self._ready.set()
            await self._ended.wait()


def start_in_thread(**options: Any) -> RunningDemo:
    """Start a ``DemoMLS(**options)`` in a thread; returns once it listens."""
    from mls_tui.demo.server import DemoMLS

    return RunningDemo(DemoMLS(**options)).start()


@dataclass(frozen=True, slots=True)
class Served:
    """What the demo has done: faults by kind; by ListingKey the hex SHA-256 of each photo, None for one not drawn."""

    faults: dict[str, int]
    digests: dict[str, list[str | None]]


class DemoProcess:
    """A handle on the process: ``base_url`` and ``token`` once started, ``served()``, ``stop()``."""

    def __init__(self, *, listings: int, faults: int | None, api_rate: float) -> None:
        self._command = [
            sys.executable,
            "-m",
            "mls_tui.demo.process",
            f"--listings={listings}",
            f"--api-rate={api_rate}",
        ]
        if faults is not None:
            self._command.append(f"--faults={faults}")
        self._process: subprocess.Popen[str] | None = None
        self.base_url = self.token = ""

    def start(self) -> Self:
        """Start it and wait until it listens. Raises OSError if it does not come up."""
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
        """Ask what it has served so far. Raises OSError if it has ended."""
        process = self._process
        if process is None or process.stdin is None:
            raise OSError("the demo MLS is not running")
        process.stdin.write("served\n")
        process.stdin.flush()
        said = self._read()
        return Served(said["faults"], said["digests"])

    def stop(self) -> None:
        """End it at once: it has nothing to save. Safe to call twice."""
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


def main() -> None:
    """Serve homes with dates up to today until standard input ends."""
    from mls_tui.demo.faults import Faults
    from mls_tui.demo.server import DemoMLS

    parser = argparse.ArgumentParser(prog="python -m mls_tui.demo.process", description="The demo MLS, on loopback.")
    parser.add_argument("--listings", type=int, default=300)
    parser.add_argument("--faults", type=int, default=None, metavar="SEED")
    parser.add_argument("--api-rate", type=float, default=0.10, metavar="SHARE")
    given = parser.parse_args()
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    mls = DemoMLS(listings=given.listings, faults=Faults(given.faults, api_rate=given.api_rate), epoch=today)
    with RunningDemo(mls).start():
        _say({"baseUrl": mls.base_url, "token": mls.token})
        for _ in sys.stdin:
            digests = {key: mls.digests(key) for key in mls.feed.listing_keys("Active")}
            _say({"faults": dict(mls.faults.served), "digests": digests})


def _say(document: object) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
